# SPDX-License-Identifier: Apache-2.0
"""How a source is written."""

import pytest

from osci_jobs.deployment import notation

COMMIT = "0123456789abcdef0123456789abcdef01234567"
UNDERSTOOD = {
    "34.0.0": ("release", "", "34.0.0"),
    "34.0.0.0rc1": ("release", "", "34.0.0.0rc1"),
    "https://example.org/nova": ("git", "https://example.org/nova", ""),
    "https://bob@example.org:8443/nova.git@fix/it": (
        "git",
        "https://bob@example.org:8443/nova.git",
        "fix/it",
    ),
    f"git://[::1]:9418/nova@{COMMIT}": ("git", "git://[::1]:9418/nova", COMMIT),
    "ssh://git@example.org/nova@refs/changes/45/12345/3": (
        "git",
        "ssh://git@example.org/nova",
        "refs/changes/45/12345/3",
    ),
    "git@example.org:bob/nova@fix@2": ("git", "git@example.org:bob/nova", "fix@2"),
    "file:///srv/nova.git@master": ("git", "file:///srv/nova.git", "master"),
    "https://example.org/nova@größer": ("git", "https://example.org/nova", "größer"),
    "/srv/my nova": ("checkout", "/srv/my nova", ""),
    "./nova": ("checkout", "./nova", ""),
    "..": ("checkout", "..", ""),
    "~/nova": ("checkout", "~/nova", ""),
    "gerrit:12345": ("gerrit", "", "12345"),
    "gerrit:12345/3": ("gerrit", "", "12345/3"),
    "lp:nova": ("launchpad", "nova", ""),
    "lp:~bob/nova/spiffy": ("launchpad", "~bob/nova/spiffy", ""),
    "lp:~bob/nova:fix/it": ("launchpad", "~bob/nova:fix/it", ""),
    "lp:~bob/nova/+git/fork:fix": ("launchpad", "~bob/nova/+git/fork:fix", ""),
    f"lp:~bob/nova/spiffy@{COMMIT}": ("launchpad", "~bob/nova/spiffy", COMMIT),
}
REFUSED = (
    *("", " ", "nova", "-x", "--upload-pack=x", "ext::sh -c x", "fd::7", "gerrit:", "gerrit:0"),
    *("gerrit:1/0", "gerrit:1/2/3", "gerrit:x", "lp:", "lp:~bob/nova/x:a..b", "lp:-x", "v34"),
    *("https://example.org", "ftp://example.org/x", "ssh://-oProxyCommand=x/nova", "git@-x:nova"),
    *("https://example.org/nova@", "https://example.org/nova@-x", "https://example.org/x@a..b"),
    *("https://example.org/nova@a b", "https://example.org/nova@a@{1}", "https://e.org/x@a.lock"),
    *("https://example.org/x@a~1", "https://example.org/x@a:b", "https://example.org/x@/a"),
    *("https://example.org/x?token=1", "https://example.org/x#y", "https://example.org/a b"),
    *("https://example.org/x\n@y", "https://example.org/x@\x00", "/srv/\x1b[31m", "./\u202ex"),
    "https://example.org/" + "x" * 2_000,
)


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_a_source_is_understood(text):
    source = notation.parse("nova", text)
    assert (source.kind, source.url, source.ref) == UNDERSTOOD[text]
    assert (source.project, source.text) == ("nova", text)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_source_is_refused(text):
    with pytest.raises(notation.MalformedSourceError):
        notation.parse("nova", text)


@pytest.mark.parametrize(
    "text", ["https://bob:hunter2@example.org/nova", "https://:hunter2@example.org/nova@x"]
)
def test_a_password_is_refused_and_not_told(text):
    with pytest.raises(notation.MalformedSourceError, match="credential helper") as caught:
        notation.parse("nova", text)
    assert "hunter2" not in str(caught.value)


def test_changes_and_branches_of_launchpad_are_merged_and_the_rest_is_as_it_is():
    methods = {text: notation.parse("nova", text).method for text in UNDERSTOOD}
    merged = {text for text, method in methods.items() if method == "merge"}
    assert merged == {text for text in UNDERSTOOD if text.startswith(("gerrit:", "lp:"))}
    assert set(methods.values()) == {"merge", "as-is"}


@pytest.mark.parametrize(
    ("text", "method", "found"),
    [
        ("https://example.org/nova", "rebase", "rebase"),
        ("gerrit:1", "as-is", "as-is"),
        ("rebase:gerrit:1", "merge", "rebase"),
        ("as-is:lp:nova", "", "as-is"),
        ("merge:https://example.org/nova@x", "", "merge"),
        ("34.0.0", "merge", "as-is"),
    ],
)
def test_a_method_of_its_own_comes_first(text, method, found):
    assert notation.parse("nova", text, method).method == found


@pytest.mark.parametrize(
    ("trunk", "found"),
    [
        ("", ("", "")),
        ("stable/2026.1", ("", "stable/2026.1")),
        (COMMIT, ("", COMMIT)),
        ("https://example.org/nova@main", ("https://example.org/nova", "main")),
        ("git@example.org:nova@main", ("git@example.org:nova", "main")),
    ],
)
def test_a_trunk_is_a_ref_or_a_place(trunk, found):
    source = notation.parse("nova", "gerrit:1", trunk=trunk)
    assert (source.trunk_url, source.trunk_ref) == found


@pytest.mark.parametrize("trunk", ["-x", "a..b", "https://e.org/x@-y", "ext::sh", "a b", "x\n"])
def test_a_malformed_trunk_is_refused(trunk):
    with pytest.raises(notation.MalformedSourceError, match="REF of the trunk's repository"):
        notation.parse("nova", "gerrit:1", trunk=trunk)


def test_paths_are_known_as_this_machines():
    local = {text for text in UNDERSTOOD if notation.is_local(notation.parse("nova", text))}
    expected = {"file:///srv/nova.git@master", "/srv/my nova", "./nova", "..", "~/nova"}
    assert local == expected
