# SPDX-License-Identifier: Apache-2.0
"""What a stranger wrote neither ends a line of the stream nor leaves its field."""

import subprocess
from dataclasses import replace

import pytest

from osci_jobs.sources import stream

COMMIT = stream.Commit(
    revision="r-1",
    author="Bob <bob@example.org>",
    committer="Core <core@example.org>",
    seconds=1_300_000_000.9,
    offset_seconds=-16_200,
    message="Make it",
    parents=(),
    is_whole=False,
    removed=(),
    files=(stream.File("a/f", "100644", b"one\n"),),
)


def written(commit: stream.Commit) -> str:
    return b"".join(stream.iter_commit(commit, 1, "refs/x")).decode()


def test_a_first_commit_has_no_parent_and_all_its_files():
    assert written(COMMIT) == (
        "reset refs/x\ncommit refs/x\nmark :1\n"
        "author Bob <bob@example.org> 1300000000 -0430\n"
        "committer Core <core@example.org> 1300000000 -0430\n"
        "data 30\nMake it\n\nBazaar-Revision: r-1\n\n"
        'M 100644 inline "a/f"\ndata 4\none\n\n'
    )


def test_a_merge_starts_from_its_first_parent():
    text = written(replace(COMMIT, parents=(":1", "f" * 40), removed=("a", "b")))
    assert text.startswith("commit refs/x\n")
    assert f'\nfrom :1\nmerge {"f" * 40}\nD "a"\nD "b"\nM 100644' in text


@pytest.mark.parametrize(
    ("text", "signature"),
    (
        ("Bob <bob@example.org>", "Bob <bob@example.org>"),
        ("bob@example.org", "bob@example.org <>"),
        ("<bob@example.org>", "bob@example.org <bob@example.org>"),
        ("", "unknown <>"),
        ("<>\n", "unknown <>"),
        ("Bob\nfrom x <a\n@b> <c>", "Bob from x <a @b>"),
        ("Bob \0<a", "Bob <a>"),
        ("Bob> <a@b>", "Bob <a@b>"),
    ),
)
def test_a_signature_is_one_line_with_a_name(text, signature):
    assert stream.signature(text).decode() == signature


@pytest.mark.parametrize("seconds", (-1.0, float("nan"), float("inf"), 1e300))
def test_a_time_that_git_cannot_hold_is_the_first_second(seconds):
    assert "> 0 +0000\n" in written(replace(COMMIT, seconds=seconds, offset_seconds=10**9))


@pytest.mark.parametrize("text", ("", "x", "x\n\n", "\n x", "x\n\nBazaar-Revision: r-2", "a\0b"))
def test_the_last_line_of_a_message_names_its_revision(text):
    message = stream.message(text, "r-1")
    assert stream.revision_of(message) == "r-1"
    assert "\0" not in message


def test_a_message_of_another_commit_names_none():
    assert stream.revision_of("Bazaar-Revision: r-1\n\nAnother line\n") == ""


def test_a_path_with_a_nul_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        stream.quoted("a\0b")


@pytest.mark.parametrize(
    "path", ('a"b', "a\\b", "a\nM 100644 inline x", "a\tb", "-rf", " a ", "ü", "a\rb", "\udcff")
)
def test_git_reads_a_strange_path_as_it_is(tmp_path, path):
    commit = replace(COMMIT, files=(stream.File(path, "100644", b"x"),))
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path)], check=True)
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=tmp_path,
        input=b"".join(stream.iter_commit(commit, 1, "refs/x")),
        check=True,
    )
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "--name-only", "refs/x"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert listed.stdout == path.encode("utf-8", "surrogateescape") + b"\0"
