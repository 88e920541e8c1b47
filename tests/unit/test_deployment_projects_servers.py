# SPDX-License-Identifier: Apache-2.0
"""Which servers a table of projects may name."""

import json

import pytest

from osci_jobs.deployment import projects
from osci_jobs.errors import ConfigurationError


def load(tmp_path, **table):
    path = tmp_path / "projects.json"
    path.write_text(json.dumps(table))
    return projects.load(path)


@pytest.mark.parametrize("url", ("bzr://127.0.0.1:4155/", "https://bazaar.launchpad.net/"))
def test_bazaar_may_be_served_by_its_own_protocol(tmp_path, url):
    assert load(tmp_path, bazaar=url).bazaar == url


@pytest.mark.parametrize("url", ("file:///etc", "bzr+ssh://x/", "lp:", "bzr://u:p@x/", "/x", 1))
def test_bazaar_is_a_server_without_an_account(tmp_path, url):
    with pytest.raises(ConfigurationError, match="an http, https or bzr URL"):
        load(tmp_path, bazaar=url)


def test_the_others_are_web_servers(tmp_path):
    with pytest.raises(ConfigurationError, match="an http or https URL"):
        load(tmp_path, launchpad="bzr://127.0.0.1/")
