# SPDX-License-Identifier: Apache-2.0
"""Tests that proposed commits meet trunk as git would have them meet by hand."""

import tarfile
from pathlib import Path

import pytest
import repositories
from repositories import Repository, changed

from osci_jobs.deployment import notation
from osci_jobs.deployment.projects import Project
from osci_jobs.errors import SourceError
from osci_jobs.sources import archive, fetching, merging, mirror, package
from osci_jobs.sources.attempts import Patience

WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "osci"), ("EMAIL", "osci@localhost"))
}


@pytest.fixture(scope="module")
def nova(tmp_path_factory):
    return repositories.nova(tmp_path_factory.mktemp("git") / "nova")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def fetch(cache: Path, made: Repository, ref: str, method: str, package="nova", **parts):
    return fetching.fetch(
        cache,
        notation.parse("nova", f"{made.url}@{ref}", method, **parts),
        Project("nova", package, made.url, "master"),
        None,
        Patience(20, print, ()),
    )


def dated(seconds: str) -> dict[str, str]:
    date = f"@{seconds} +0000"
    return {**WHO, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}


def in_mirror(cache: Path, *words: str) -> str:
    with mirror.claimed(cache, "nova") as repository:
        return merging.git.read(repository, *words)


def test_a_merge_is_what_git_merge_makes_by_hand(nova, cache):
    found = fetch(cache, nova, "spiffy", "merge")
    newest = max(nova.git("log", "--no-walk", "--format=%ct", "spiffy", "master").split())
    nova.git("checkout", "--quiet", "--detach", "master")
    message = f"--message=Merge commit '{nova.id('spiffy')}'"
    nova.git("merge", "--quiet", "--no-ff", message, "spiffy", **dated(newest))
    assert (found.merged, found.tree) == (nova.id("HEAD"), nova.tree("HEAD"))
    assert found.base == nova.git("merge-base", "master", "spiffy")
    parents = in_mirror(cache, "log", "-1", "--format=%P", found.merged).split()
    assert parents == [nova.id("master"), nova.id("spiffy")]


def test_a_rebase_is_what_git_rebase_makes_by_hand(nova, cache):
    found = fetch(cache, nova, "spiffy", "rebase")
    nova.git("checkout", "--quiet", "--detach", "spiffy")
    nova.git("rebase", "--quiet", "master", **WHO)
    assert found.tree == nova.tree("HEAD")
    told = "--format=%an %ae %ai %cn %s %T"
    assert in_mirror(cache, "log", told, f"{found.trunk}..{found.merged}") == nova.git(
        "log", told, "master..HEAD"
    )


def test_a_rebase_leaves_out_merges_and_what_trunk_has(tmp_path):
    made = repositories.nova(tmp_path / "r")
    made.branch("mixed", "spiffy")
    made.git("cherry-pick", "master")
    made.commit("Be mixed", {"mixed.py": "mixed"})
    made.git("merge", "--quiet", "--no-ff", "--message=Merge later", "later", "--strategy=ours")
    made.commit("Change nothing", {})
    found = fetch(tmp_path / "cache", made, "mixed", "rebase")
    made.git("checkout", "--quiet", "--detach", "mixed")
    made.git("rebase", "--quiet", "master")
    assert found.tree == made.tree("HEAD")
    commits = f"{found.trunk}..{found.merged}"
    subjects = in_mirror(tmp_path / "cache", "log", "--format=%s", commits)
    assert subjects == made.git("log", "--format=%s", "master..HEAD")
    assert "Fix floats" not in subjects


@pytest.mark.parametrize("method", ["merge", "rebase", "as-is"])
def test_the_same_commits_give_the_same_ids_in_each_mirror(nova, cache, tmp_path, method):
    first, again = (fetch(place, nova, "spiffy", method) for place in (cache, tmp_path))
    assert (first.merged, first.tree) == (again.merged, again.tree)


@pytest.mark.parametrize("method", ["merge", "rebase"])
def test_what_trunk_leads_to_is_its_own_merge(nova, cache, method):
    found = fetch(cache, nova, "spiffy", method, trunk="later")
    assert (found.merged, found.base) == (nova.id("spiffy"), nova.id("later"))


@pytest.mark.parametrize("method", ["merge", "rebase"])
def test_what_trunk_has_already_is_trunk(nova, cache, method):
    found = fetch(cache, nova, "later", method)
    assert (found.merged, found.change.files) == (nova.id("master"), 0)


def test_as_it_is_a_source_is_held_against_where_it_left_trunk(nova, cache):
    found = fetch(cache, nova, "spiffy", "as-is")
    assert (found.merged, found.trunk) == (nova.id("spiffy"), nova.id("master"))
    assert (found.base, found.change.files) == (nova.id("later"), 2)


@pytest.mark.parametrize(
    ("method", "becomes"), [("merge", "merged into"), ("rebase", "rebased onto")]
)
def test_a_conflict_names_commits_and_files(nova, cache, method, becomes):
    with pytest.raises(SourceError) as caught:
        fetch(cache, nova, "clash", method)
    clash, fix = nova.id("clash")[:10], nova.id("master")[:10]
    spiffy = nova.id("spiffy~1")[:10]
    assert str(caught.value) == (
        f"{clash} ('Clash with floats') cannot be {becomes} {fix} ('Fix floats') of trunk: "
        f"they conflict in 'api.py'. Trunk changed this in {fix} ('Fix floats'). "
        f"The branch changed this in {clash} ('Clash with floats'), {spiffy} ('Be spiffy')."
    )
    assert caught.value.line == "CONFLICT (content): Merge conflict in api.py"


def test_a_conflict_of_many_files_names_a_few(tmp_path):
    made = Repository(tmp_path / "r")
    files = [f"{number}.py" for number in range(9)]
    made.branch("spiffy")
    made.commit("Be spiffy", dict.fromkeys(files, "spiffy"))
    made.checkout("master")
    for number in range(5):
        made.commit(f"Go on {number}", dict.fromkeys(files, f"trunk {number}"))
    with pytest.raises(
        SourceError, match=r"'0.py', '1.py', '2.py', '3.py', '4.py' and 4 more\."
    ) as e:
        fetch(tmp_path / "cache", made, "spiffy", "merge")
    assert "('Go on 2') and others." in str(e.value)
    assert "Go on 1" not in str(e.value)


def test_a_file_that_one_side_removes_conflicts(tmp_path):
    made = Repository(tmp_path / "r")
    made.branch("spiffy")
    made.commit("Remove it", {"api.py": None})
    made.checkout("master")
    made.commit("Change it", {"api.py": changed((0, "x"))})
    with pytest.raises(SourceError, match="they conflict in 'api.py'") as caught:
        fetch(tmp_path / "cache", made, "spiffy", "merge")
    assert caught.value.line.startswith("CONFLICT (modify/delete): api.py deleted in")


@pytest.mark.parametrize("method", ["merge", "rebase"])
def test_a_repository_of_another_project_cannot_be_merged(nova, cache, tmp_path, method):
    glance = Repository(tmp_path / "glance", "glance")
    glance.commit("Be another", {})
    with pytest.raises(SourceError, match="no history in common.*another project"):
        fetch(cache, glance, "master", method, trunk=f"{nova.url}@master")


def test_as_it_is_another_project_is_told_by_its_package(nova, cache, tmp_path):
    glance = Repository(tmp_path / "glance", "glance")
    glance.commit("Be another", {})
    with pytest.raises(SourceError) as caught:
        fetch(cache, glance, "master", "as-is", trunk=f"{nova.url}@master")
    assert str(caught.value) == (
        f"{glance.id('HEAD')[:10]} ('Be another') is not nova: its setup.cfg or pyproject.toml "
        "names the package 'glance', expected 'nova'."
    )


def test_nothing_in_common_as_it_is_has_no_trunk(nova, cache, tmp_path):
    fork = Repository(tmp_path / "fork", "Nova")
    fork.commit("Squashed", {})
    found = fetch(cache, fork, "master", "as-is", trunk=f"{nova.url}@master")
    assert (found.trunk, found.base, found.change) == ("", "", None)


def test_too_many_commits_are_not_rebased(nova, cache, tmp_path):
    long = Repository(tmp_path / "r")
    long.branch("long")
    commits = "".join(
        f"commit refs/heads/long\ncommitter Bob <b@e> {number} +0000\ndata 1\nx\n"
        + ("from refs/heads/long^0\n" if not number else "")
        for number in range(501)
    )
    long.git("fast-import", "--quiet", content=commits)
    long.git("checkout", "--quiet", "--force", "master")
    long.commit("Go on", {"log.py": "x"})
    with pytest.raises(SourceError, match="is 501 commits from trunk, more than the 500"):
        fetch(tmp_path / "cache", long, "long", "rebase")


@pytest.mark.parametrize("package", ["NOVA", "nova"])
def test_names_of_packages_are_compared_by_pep_503(nova, cache, package):
    assert fetch(cache, nova, "spiffy", "as-is", package).project == "nova"


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"setup.cfg": "[metadata]\nname = nova\n"}, "nova"),
        ({"pyproject.toml": "[project]\nname = 'nova'\n"}, "nova"),
        ({"pyproject.toml": "[build-system]\n", "setup.cfg": "[metadata]\nname: nova"}, "nova"),
        ({"pyproject.toml": "[project]\nname = 'a'\n", "setup.cfg": "[metadata]\nname=b\n"}, "a"),
        ({"pyproject.toml": "a = " + "[" * 9999, "setup.cfg": "[metadata]\nname = b\n"}, "b"),
        ({"pyproject.toml": "project = 1\n", "setup.cfg": "name = b\n"}, ""),
        (
            {"pyproject.toml": "[project]\nname = 1\n", "setup.cfg": "[metadata]\nname=%(x)s"},
            "%(x)s",
        ),
        ({"setup.cfg": b"[metadata]\nname = \xff\n"}, "\ufffd"),
        ({"setup.cfg": "#" * (1 << 20) + "\n[metadata]\nname = nova\n"}, ""),
        ({"setup.cfg/file": "[metadata]\nname = nova\n"}, ""),
        ({}, ""),
    ],
)
def test_the_name_of_the_package_is_read(tmp_path, files, name):
    made = Repository(tmp_path / "r")
    made.commit("Remove", {"setup.cfg": None})
    made.commit("Write", files)
    assert package.name(made.path / ".git", made.id("HEAD")) == name


def test_an_export_is_the_tree_exactly(tmp_path):
    made = Repository(tmp_path / "r")
    made.commit(
        "Be sly",
        {
            ".gitattributes": "kept export-ignore\n*.sub export-subst ident\n*.crlf eol=crlf\n"
            "*.utf working-tree-encoding=UTF-16\n*.f filter=canary\n",
            "kept": "kept\n",
            "a.sub": "$Format:%H$ $Id$\n",
            "b.crlf": "one\ntwo\n",
            "d.f": "f\n",
            "run": "#!/bin/sh\n",
        },
    )
    (made.path / "link").symlink_to("/etc/passwd")
    made.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    made.git("add", "link")
    made.git("commit", "--quiet", "--message=Link")
    found = fetch(tmp_path / "cache", made, "master", "as-is")
    tar = tmp_path / "nova.tar"
    with mirror.claimed(tmp_path / "cache", "nova") as repository:
        archive.export(repository, found.merged, tar)
        again = tmp_path / "again.tar"
        archive.export(repository, found.merged, again)
    assert tar.read_bytes() == again.read_bytes()
    assert not list(tmp_path.glob("*.partial"))
    with tarfile.open(tar) as opened:
        members = {member.name: member for member in opened.getmembers()}
        listed = made.git("ls-tree", "-r", "--name-only", "HEAD").split("\n")
        assert sorted(name for name in members if not members[name].isdir()) == [
            name for name in listed if name != "module"
        ]
        for name in ("a.sub", "b.crlf", "d.f", "kept"):
            content = opened.extractfile(name).read().decode()
            assert content == made.git("cat-file", "blob", f"HEAD:{name}") + "\n"
    assert members["link"].linkname == "/etc/passwd"
    assert members["module"].isdir()


def test_a_tree_with_a_gibibyte_is_refused(tmp_path):
    made = Repository(tmp_path / "r")
    blob = made.git("hash-object", "-w", "--stdin", content=b"\0" * (16 << 20))
    lines = [f"100644 blob {blob}\tfile-{number}\n" for number in range(64)]
    made.git("update-ref", "refs/heads/large", commit_of(made, "".join(lines)))
    with pytest.raises(
        SourceError, match="has 528 MiB or more in 33 files or more; osci takes 512"
    ):
        fetch(tmp_path / "cache", made, "large", "merge")


def test_a_bomb_of_trees_is_refused(tmp_path):
    made = Repository(tmp_path / "r")
    blob = made.git("hash-object", "-w", "--stdin", content="x")
    tree = made.git("mktree", content="".join(f"100644 blob {blob}\t{n}\n" for n in range(10)))
    for _ in range(9):
        tree = made.git("mktree", content="".join(f"040000 tree {tree}\t{n}\n" for n in range(10)))
    commit = made.git("commit-tree", "-p", "master", "-m", "Bomb", tree)
    made.git("update-ref", "refs/heads/bomb", commit)
    with pytest.raises(SourceError, match="in 100001 files or more"):
        fetch(tmp_path / "cache", made, "bomb", "merge")


def commit_of(made: Repository, lines: str) -> str:
    """Return a commit on master of a tree, as git-mktree(1) reads it."""
    return made.git("commit-tree", "-p", "master", "-m", "Tree", made.git("mktree", content=lines))
