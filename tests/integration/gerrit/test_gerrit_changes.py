# SPDX-License-Identifier: Apache-2.0
"""Changes of a real Gerrit, found by their numbers."""

import os

import pytest

from osci_jobs.deployment import notation
from osci_jobs.deployment.projects import Project
from osci_jobs.errors import SourceError
from osci_jobs.sources import gerrit as changes
from osci_jobs.sources.attempts import Patience
from osci_jobs.sources.model import Place

NOVA = Project(name="nova", package="nova", url="https://example.org/o/nova.git", branch="master")
# What does harm in a shell, a template, a page or a terminal that takes it for its own.
HOSTILE = (
    """'"; touch canary; $(touch canary) `touch canary` %0a""",
    "{{ 7 * 7 }} {0} ${x} <script>alert(1)</script> &amp; ]]>",
    "\u202egnihton\u202c \u2066x\u2069 \ufeff é \U0001f600",
)


@pytest.fixture
def said():
    return []


@pytest.fixture
def find(gerrit, said):
    """Find what is written after `gerrit:` as a source of nova."""

    def find(ref: object) -> Place:
        source = notation.parse("nova", f"gerrit:{ref}")
        return changes.find(gerrit.url, source, NOVA, Patience(30, said.append))

    return find


def test_the_newest_patch_set_is_found_and_any_that_is_named(find, nova, said):
    number = nova.propose("Count hosts", a="1\n")
    first = nova.git("rev-parse", "HEAD")
    nova.amend(a="2\n")
    second = nova.git("rev-parse", "HEAD")
    for ref, patch_set, commit in (
        (number, "2", second),
        (f"{number}/1", "1", first),
        (f"{number}/2", "2", second),
    ):
        place = find(ref)
        assert (place.url, place.commit) == (nova.url, "")
        assert nova.git("ls-remote", place.url, place.ref) == f"{commit}\t{place.ref}"
        assert place.details["revision"] == commit
        assert place.details["patch_set"] == patch_set
    assert said == []


def test_what_is_known_of_a_change_is_kept(find, gerrit, nova):
    number = nova.propose("Count hosts", a="1\n")
    details = dict(find(number).details)
    assert details.pop("revision") == nova.git("rev-parse", "HEAD")
    assert details == {
        "number": str(number),
        "patch_set": "1",
        "subject": "Count hosts",
        "owner": "dev",
        "status": "NEW",
        "topic": "",
        "branch": "master",
        "repository": nova.name,
        "change_url": f"{gerrit.url}c/{nova.name}/+/{number}/1",
    }


def test_the_subject_is_that_of_the_patch_set(find, nova):
    number = nova.propose("Count hosts", a="1\n")
    message = nova.git("log", "-1", "--format=%B").replace("hosts", "all hosts")
    nova.git("commit", "--quiet", "--amend", f"--message={message}")
    nova.amend(a="2\n")
    assert find(f"{number}/1").details["subject"] == "Count hosts"
    assert find(number).details["subject"] == "Count all hosts"


def test_a_change_is_for_its_branch(find, nova):
    nova.make_branch("stable/2026.1")
    number = nova.propose("Mend it", branch="stable/2026.1", a="1\n")
    assert find(number).trunk_branch == "stable/2026.1"
    assert find(nova.propose("Count hosts", b="1\n")).trunk_branch == "master"


def test_a_change_of_another_project_is_refused(find, make_repository):
    glance = make_repository("glance")
    number = glance.propose("Count images", a="1\n")
    with pytest.raises(SourceError) as caught:
        find(number)
    assert str(caught.value) == (
        f"The change {number} is of '{glance.name}', expected one of 'nova'."
    )


def test_a_patch_set_that_is_not_there_is_told_from_those_that_are(find, nova):
    number = nova.propose("Count hosts", a="1\n")
    nova.amend(a="2\n")
    with pytest.raises(SourceError) as caught:
        find(f"{number}/9")
    assert str(caught.value) == (f"The change {number} has no patch set '9', expected '1' or '2'.")


def test_a_change_that_is_not_there_is_named(find, gerrit):
    with pytest.raises(SourceError) as caught:
        find(999_999)
    assert str(caught.value) == (
        f"'{gerrit.url}' has no change 999999, or does not show it to those without an account."
    )


def test_a_private_change_is_as_if_it_were_not_there(find, nova):
    number = nova.propose("Count hosts", a="1\n")
    nova.change("private", number)
    with pytest.raises(SourceError, match=f"has no change {number}, or does not show it"):
        find(number)


def test_a_merged_change_is_told_and_found(find, nova, said):
    number = nova.propose("Count hosts", a="1\n")
    nova.submit(number)
    place = find(number)
    assert place.details["status"] == "MERGED"
    assert nova.git("ls-remote", place.url, place.ref)
    assert said == [f"The change {number} is merged already; it is tested all the same."]


def test_an_abandoned_change_is_told_and_found(find, nova, said):
    number = nova.propose("Count hosts", a="1\n")
    nova.change("abandon", number)
    assert find(number).details["status"] == "ABANDONED"
    assert said == [f"The change {number} was abandoned; it is tested all the same."]


@pytest.mark.parametrize("text", HOSTILE, ids=["shell", "template", "direction"])
def test_texts_of_a_stranger_come_as_they_are_and_do_nothing(
    find, gerrit, nova, text, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    gerrit.ask("PUT", "accounts/dev/name", {"name": text})
    try:
        number = nova.propose(text, a="1\n")
        topic = text.replace('"', "")  # which Gerrit refuses there
        nova.change("topic", number, {"topic": topic}, method="PUT")
        details = find(number).details
    finally:
        gerrit.ask("PUT", "accounts/dev/name", {"name": "dev"})
    assert [details[key] for key in ("subject", "owner", "topic")] == [text, text, topic]
    assert os.listdir() == ["nova"]


def test_a_repository_whose_name_needs_quotes_is_fetched(find, make_repository):
    repository = make_repository("x; y+z ü/nova")
    place = find(repository.propose("Count hosts", a="1\n"))
    assert notation.is_git_url(place.url)
    assert place.details["repository"] == repository.name
    commit = repository.git("rev-parse", "HEAD")
    assert repository.git("ls-remote", place.url, place.ref) == f"{commit}\t{place.ref}"
