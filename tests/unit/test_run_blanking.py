# SPDX-License-Identifier: Apache-2.0
"""Tests that no secret of a group is left in what came from its hosts."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from osci_jobs.run.blanking import blank_files

SECRET = 'p@ss w"örd/+\\'
FORMS = {
    "raw": SECRET,
    "url": quote(SECRET, safe=""),
    "form": quote_plus(SECRET),
    "json": json.dumps(SECRET)[1:-1],
    "base64": base64.b64encode(SECRET.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_blanked_in_each_form(tmp_path, form):
    path = tmp_path / "below" / "nova.conf"
    path.parent.mkdir()
    path.write_text(f"before {FORMS[form]} after")
    blank_files(tmp_path, [SECRET])
    assert path.read_text() == "before *** after"


def test_the_longer_of_two_secrets_goes_first(tmp_path):
    path = tmp_path / "file"
    path.write_text("secretary secret")
    blank_files(tmp_path, ["secret", "secretary"])
    assert path.read_text() == "*** ***"


def test_other_files_stay_as_they_are(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\0\xff nothing here")
    before = path.stat().st_mtime_ns
    blank_files(tmp_path, ["secret", ""])
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (b"\0\xff nothing here", before)
