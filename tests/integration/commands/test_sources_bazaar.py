# SPDX-License-Identifier: Apache-2.0
"""Bazaar branches become commits: real branches, a real server, and ones that lie."""

import shutil
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import hostile
import launchpad
import pytest
import repositories

from osci_jobs.errors import InfrastructureError, SourceError
from osci_jobs.sources import bazaar, mirror
from osci_jobs.sources.attempts import Patience

TRUNK, SPIFFY, MERGED = "~core/nova/trunk", "~bob/nova/spiffy", "~bob/nova/merged"
NAMES = ("-rf", "a b", 'quo"te', "back\\slash", "\x1b[31m", "tab\there", "ünïcode", "$(touch x)")
HISTORY = (
    {
        "branch": TRUNK,
        "revision": "r-1",
        "files": {"a/f": "one\n", "b/g": "two\n", "big": "0\n" * 9, **dict.fromkeys(NAMES, "x\n")},
        "links": {"passwd": "/etc/passwd"},
        "message": "Make it",
        "author": "Bob <bob@example.org>",
        "offset": -16200,
    },
    # Two directories change places, and a link becomes a directory.
    {
        "branch": TRUNK,
        "revision": "r-2",
        "moves": [["a", "c"], ["b", "a"], ["c", "b"]],
        "files": {"passwd": None, "big": "1\n" + "0\n" * 8},
        "executable": ["b/f"],
    },
    {"branch": TRUNK, "revision": "r-3", "files": {"passwd/x": "no link\n"}},
    {"branch": SPIFFY, "base": TRUNK, "revision": "s-1", "files": {"spiffy": "s\n"}},
    {"branch": SPIFFY, "revision": "s-2", "files": {"big": "1\n" + "0\n" * 7 + "s\n"}},
    {"branch": TRUNK, "revision": "r-4", "files": {"a/g": None, "t": "t\n"}},
    {"branch": MERGED, "base": TRUNK, "merge": SPIFFY, "revision": "m-1"},
)
GIT_PATHS = (".git/hooks/post-checkout", "x/.GIT/config", "git~1/config")
TEXTS = (
    *(shape.format(command="touch canary").replace("\r", "") for shape in hostile.SHELL[::3]),
    "\nfrom refs/heads/x\ndata 3\nx\n",
    "x\n\nBazaar-Revision: r-1",
)
EVES = (
    *(
        {"branch": f"~eve/nova/git-{number}", "files": {path: "touch canary\n"}}
        for number, path in enumerate(GIT_PATHS)
    ),
    *(
        {
            "branch": "~eve/nova/texts",
            "message": text.replace("\0", ""),
            "committer": text.replace("\0", "").replace("\n", " "),
            "revision": f"e-{number}",
        }
        for number, text in enumerate(TEXTS)
    ),
    *(
        {"branch": f"~eve/nova/{name}", "base": TRUNK, "revision": f"{name}-1"}
        for name in ("hooks", "stacked", "stacked-here", "stacked-there", "loop")
    ),
)
# The same on every machine, and with every release of breezy and git.
COMMITS = {
    "s-2": "0ac9a1f1a92de31d49056f58935e568dff72491f",
    "r-4": "e25c11cc65dea46446d89fe368cf6a350d393d34",
}


class Git:
    """The mirror of nova in a cache."""

    def __init__(self, cache: Path):
        self.cache = cache
        self.path = cache / "git/nova.git"

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def tree(self, commit: str) -> str:
        return self("rev-parse", f"{commit}^{{tree}}")

    def files(self, commit: str) -> dict[str, str]:
        """Return mode and content of each file of a commit."""
        found = {}
        for record in self("ls-tree", "-r", "-z", commit).split("\0")[:-1]:
            about, _, name = record.partition("\t")
            mode, _, blob = about.split()
            found[name] = f"{mode} {self('cat-file', 'blob', blob)}"
        return found

    @property
    def objects(self) -> set[str]:
        """The names of all files that hold objects."""
        return {str(path) for path in self.path.glob("objects/*/*") if path.is_file()}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The directory of the branches of HISTORY and EVES, and the URL at which it is served."""
    directory = tmp_path_factory.mktemp("bazaar") / "branches"
    directory.mkdir()
    launchpad.make_branches(directory, *HISTORY, *EVES)
    write_settings(directory)
    with launchpad.serve_bazaar(directory) as url:
        yield directory, url


def write_settings(directory: Path):
    """Give Eve's branches settings that would lead away, or start something."""
    eve = directory / "~eve/nova"
    settings = ("post_commit", "post_push", "post_change_branch_tip", "editor", "bzr_remote_path")
    conf = "".join(f"{name} = touch {directory / 'canary'}\n" for name in settings)
    (eve / "hooks/.bzr/branch/branch.conf").write_text(conf)
    for name, place in (
        ("stacked-here", (directory / TRUNK).as_uri()),
        ("stacked-there", "http://127.0.0.1:9/~core/nova/trunk"),
        ("stacked", f"/{TRUNK}"),
        ("loop", "/~eve/nova/loop"),
    ):
        (eve / name / ".bzr/branch/branch.conf").write_text(f"stacked_on_location = {place}\n")
    reference = eve / "reference/.bzr"
    (reference / "branch").mkdir(parents=True)
    (reference / "branch-format").write_text("Bazaar-NG meta directory, format 1\n")
    (reference / "branch/format").write_text("Bazaar-NG Branch Reference Format 1\n")
    (reference / "branch/location").write_text((directory / TRUNK).as_uri())


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A git repository, beside a home in which nothing may appear."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    yield Git(tmp_path / "cache")
    assert list(home.iterdir()) == []


@pytest.fixture
def bring(git, served):
    """Bring branches of a server, by name."""

    def bring(branch: str, trunk: str = TRUNK, server: str = served[1], into: Git = git, **more):
        patience = Patience(**{"seconds": 60, "say": lambda _: None, "waits": (), **more})
        with mirror.claimed(into.cache, "nova") as repository:
            place, goal = server + branch, trunk and server + trunk
            return bazaar.bring(repository, into.cache, place, goal, patience)

    return bring


def test_a_branch_and_its_trunk_become_commits_that_name_their_revisions(git, bring):
    brought = bring(SPIFFY)
    assert (brought.revision, brought.revno) == ("s-2", "5")
    log = git("log", "--format=%an <%ae>|%cn|%ad|%B", "--date=iso", "-1", f"{brought.trunk}~3")
    assert log == (
        "Bob <bob@example.org>|Core|2011-03-13 02:36:40 -0430|Make it\n\nBazaar-Revision: r-1"
    )
    assert git("rev-list", "--count", brought.commit) == "5"


def test_a_revision_is_the_same_commit_everywhere(git, bring, tmp_path):
    first = bring(SPIFFY)
    second = bring(SPIFFY, into=Git(tmp_path / "other"))
    assert first == second
    assert {"s-2": first.commit, "r-4": first.trunk} == COMMITS


def test_files_are_what_they_are_in_bazaar(git, bring):
    files = git.files(bring(TRUNK).commit)
    plain = {"big": "1\n" + "0\n" * 7 + "0", "passwd/x": "no link", "t": "t"}
    expected = {name: f"100644 {text}" for name, text in plain.items()}
    assert files == {
        **expected,
        **{name: "100644 x" for name in NAMES},
        "b/f": "100755 one",
    }


def test_a_directory_that_moves_takes_along_what_is_in_it(git, bring):
    commit = bring(TRUNK).commit
    assert git.files(f"{commit}~3")["passwd"] == "120000 /etc/passwd"
    assert {"a/g": "100644 two", "b/f": "100755 one"}.items() <= git.files(f"{commit}~1").items()


def test_git_merges_branch_and_trunk_as_bazaar_does(git, bring):
    brought = bring(SPIFFY)
    assert git("log", "-1", "--format=%B", git("merge-base", brought.commit, brought.trunk)) == (
        "Change something\n\nBazaar-Revision: r-3"
    )
    merged = bring(MERGED)
    assert git("rev-parse", f"{merged.commit}^1", f"{merged.commit}^2").split() == [
        brought.trunk,
        brought.commit,
    ]
    assert git("merge-tree", "--write-tree", brought.trunk, brought.commit) == git.tree(
        merged.commit
    )


def test_what_git_has_is_not_made_again(git, bring):
    first = bring(SPIFFY)
    objects = git.objects
    assert bring(TRUNK).commit == first.trunk
    assert bring(SPIFFY) == first
    assert git.objects == objects


def test_a_branch_without_a_trunk_is_brought_alone(bring):
    brought = bring(SPIFFY, trunk="")
    assert (brought.commit, brought.trunk) == (COMMITS["s-2"], "")


def test_new_revisions_of_trunk_are_added(git, tmp_path, bring):
    directory = tmp_path / "branches"
    directory.mkdir()
    launchpad.make_branches(directory, *HISTORY[:4])
    with launchpad.serve_bazaar(directory) as server:
        before = bring(SPIFFY, server=server)
        launchpad.make_branches(
            directory, {"branch": TRUNK, "revision": "r-9", "files": {"n": "n"}}
        )
        after = bring(SPIFFY, server=server)
    assert after.commit == before.commit
    assert git("rev-list", f"{before.trunk}..{after.trunk}") == after.trunk


def test_a_branch_cannot_say_what_a_revision_of_trunk_or_another_branch_is(git, tmp_path, bring):
    before, after = tmp_path / "before", tmp_path / "after"
    forged = {"revision": "r-9", "files": {"a/g": "forged\n"}}
    true = {"branch": TRUNK, "revision": "r-9", "files": {"a/g": "true\n"}}
    spiffy = {"branch": SPIFFY, "base": TRUNK, "revision": "s-9", "files": {"s": "s\n"}}
    eve = "~eve/nova/forged"
    launchpad.make_branches(before, *HISTORY[:3], {"branch": eve, "base": TRUNK, **forged})
    shutil.copytree(before, after, symlinks=True)
    launchpad.make_branches(after, true, spiffy)
    with launchpad.serve_bazaar(tmp_path) as server:
        before.rename(tmp_path / "now")
        forgery = bring(eve, server=f"{server}now/")
        (tmp_path / "now").rename(before)
        after.rename(tmp_path / "now")
        brought = bring(SPIFFY, server=f"{server}now/")
    assert git.files(forgery.commit)["a/g"] == "100644 forged"
    assert git.files(brought.trunk)["a/g"] == git.files(brought.commit)["a/g"] == "100644 true"


def test_no_such_branch_is_the_sources_fault(bring):
    with pytest.raises(
        SourceError, match="There is no Bazaar branch with a revision at .*~bob/nova/none'"
    ):
        bring("~bob/nova/none")


@pytest.mark.parametrize("number", range(len(GIT_PATHS)), ids=GIT_PATHS)
def test_git_lets_no_git_directory_in(git, bring, number):
    # At the second time git would have seen it all.
    for _ in range(2):
        with pytest.raises(SourceError, match="is refused by git: .*hasDotgit"):
            bring(f"~eve/nova/git-{number}", trunk="")
    assert git.objects == set()


def test_hostile_texts_are_texts(git, bring, served):
    commit = bring("~eve/nova/texts", trunk="").commit
    said = git("log", "--reverse", "-z", "--format=%an|%B", commit).split("\0")[:-1]
    last_lines = [text.rstrip().rpartition("\n")[2] for text in said]
    assert last_lines == [f"Bazaar-Revision: e-{number}" for number in range(len(TEXTS))]
    git("fsck", "--strict", commit)


def test_settings_of_a_branch_and_of_the_user_start_nothing(bring, served, tmp_path, monkeypatch):
    canary = served[0] / "canary"
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    for name in ("eve", "breezy", "sitecustomize"):
        (plugins / f"{name}.py").write_text(f"open({str(canary)!r}, 'w')")
    for name in ("BRZ_PLUGIN_PATH", "PYTHONPATH"):
        monkeypatch.setenv(name, str(plugins))
    monkeypatch.chdir(plugins)
    assert bring("~eve/nova/hooks").revno == "5"
    assert not canary.exists()


@pytest.mark.parametrize("name", ("stacked-here", "stacked-there", "reference", "loop"))
def test_a_branch_does_not_lead_to_this_machine_or_a_third_one(bring, name):
    with pytest.raises(SourceError, match="leads to another place"):
        bring(f"~eve/nova/{name}", trunk="")


def test_a_branch_may_be_stacked_on_another_one_of_its_server(git, bring):
    assert git("rev-list", "--count", bring("~eve/nova/stacked", trunk="").commit) == "5"


def test_a_lock_of_who_was_killed_is_none(bring, tmp_path):
    bring(SPIFFY)
    [store] = (tmp_path / "cache/bazaar").glob("*/repository/.bzr/repository")
    held = store / "lock/held"
    held.mkdir()
    (held / "info").write_text("pid: 1\n")
    assert bring(SPIFFY).revno == "5"


def test_a_cache_that_is_broken_is_made_anew(bring, tmp_path):
    bring(SPIFFY)
    for pack in (tmp_path / "cache/bazaar").glob("*/repository/.bzr/repository/*/*"):
        if pack.is_file():
            pack.write_bytes(b"\0")
    with pytest.raises(SourceError, match="cannot be read"):
        bring(SPIFFY)
    assert bring(SPIFFY).commit == COMMITS["s-2"]


def test_a_silent_server_is_asked_again_and_then_not_laid_to_the_branch(bring):
    said: list[str] = []
    with (
        closing(repositories.Listener(b"", closes=False)) as mute,
        pytest.raises(InfrastructureError, match="it said nothing for 1 s. It was asked 2 times"),
    ):
        bring(SPIFFY, server=at(mute), seconds=1, waits=(0.1,), say=said.append)
    assert len([line for line in said if "It is asked again in 0.1 s." in line]) == 1


def test_nonsense_is_not_laid_to_the_branch(bring):
    with (
        closing(repositories.Listener(b"HTTP/1.1 500 Oh\r\n\r\n")) as server,
        pytest.raises(InfrastructureError, match="does not answer"),
    ):
        bring(SPIFFY, server=at(server))


def at(server: repositories.Listener) -> str:
    return f"bzr://127.0.0.1:{server.port}/"


def test_a_server_that_is_not_there_is_not_laid_to_the_branch(bring):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = f"bzr://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(InfrastructureError, match="Connection refused"):
            bring(SPIFFY, server=server)
