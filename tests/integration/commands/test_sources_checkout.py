# SPDX-License-Identifier: Apache-2.0
"""Tests that a checkout is a source, and that nothing in it is written or run."""

import os
import shutil
from pathlib import Path

import pytest
from repositories import Repository, changed

from osci_jobs.deployment import notation
from osci_jobs.deployment.projects import Project
from osci_jobs.errors import ConfigurationError, SourceError
from osci_jobs.sources import archive, fetching, merging, mirror
from osci_jobs.sources.attempts import Patience


@pytest.fixture
def made(tmp_path):
    """Return a checkout on a branch of its own."""
    made = Repository(tmp_path / "nova")
    made.commit("Ignore", {".gitignore": "*.pyc\n"})
    made.branch("spiffy")
    made.commit("Be spiffy", {"spiffy.py": "spiffy\n", "run": "#!/bin/sh\n"})
    return made


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    path = tmp_path / "home"
    path.mkdir()
    for name in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(path))
    return path


@pytest.fixture
def take(made, tmp_path):
    """Return what takes a checkout as it is, or merged."""

    def take(path: Path | str = made.path, method: str = "", allow_dirty: bool = False):
        return fetching.fetch(
            tmp_path / "cache",
            notation.parse("nova", str(path), method),
            Project("nova", "nova", made.url, "master"),
            None,
            Patience(20, print, ()),
            allow_dirty,
        )

    return take


@pytest.fixture
def read(tmp_path):
    """Return what asks the mirror."""

    def read(*words: str) -> str:
        with mirror.claimed(tmp_path / "cache", "nova") as repository:
            return merging.git.read(repository, *words)

    return read


def picture(path: Path) -> dict:
    """Return all that is in a directory, and how old it is."""
    return {
        str(entry): (entry.lstat().st_mode, entry.lstat().st_mtime_ns, content(entry))
        for entry in [path, *path.rglob("*")]
    }


def content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""


def test_a_clean_checkout_is_its_commit(made, take):
    before = picture(made.path)
    found = take()
    assert (found.kind, found.method, found.is_dirty) == ("checkout", "as-is", False)
    assert (found.ref, found.merged) == ("refs/heads/spiffy", made.id("spiffy"))
    assert found.url == str(made.path)
    assert picture(made.path) == before


def test_a_checkout_is_merged_when_asked_for(made, take):
    assert take(method="merge").trunk == made.id("master")


def test_a_detached_head_is_a_source(made, take):
    made.git("checkout", "--quiet", "--detach", "master")
    found = take()
    assert (found.ref, found.merged) == ("HEAD", made.id("master"))


def test_a_working_tree_of_another_checkout_is_a_source(made, take, tmp_path):
    made.git("worktree", "add", "--quiet", str(tmp_path / "tree"), "master")
    (made.path / ".git/info").mkdir(exist_ok=True)
    (made.path / ".git/info/exclude").write_text("left\n")
    (tmp_path / "tree/left").touch()
    assert take(tmp_path / "tree").merged == made.id("master")
    (tmp_path / "tree/new").touch()
    assert take(tmp_path / "tree", allow_dirty=True).is_dirty


def test_a_path_of_the_working_directory_or_the_home_is_one(made, take, home, monkeypatch):
    monkeypatch.chdir(made.path.parent)
    assert take("./nova").url == str(made.path)
    made.path.rename(home / "nova")
    monkeypatch.chdir("/")
    assert take("~/nova", method="as-is").url == str(home / "nova")


@pytest.mark.parametrize(
    "change",
    [
        lambda made: (made.path / "api.py").write_text(changed((0, "dirty"))),
        lambda made: (made.path / "api.py").unlink(),
        lambda made: (made.path / "new.py").write_text("new\n"),
        lambda made: (made.path / "run").chmod(0o755),
        lambda made: made.git("rm", "--quiet", "api.py"),
        lambda made: (made.path / "link").symlink_to("/etc/passwd"),
    ],
    ids=["changed", "deleted", "untracked", "mode", "removed", "link"],
)
def test_a_dirty_checkout_is_refused_unless_allowed(made, take, read, change):
    change(made)
    before = picture(made.path)
    with pytest.raises(ConfigurationError, match="has changes that are not committed: '"):
        take()
    found = take(allow_dirty=True)
    assert picture(made.path) == before
    assert found.is_dirty
    assert read("log", "-1", "--format=%P %an", found.merged) == f"{made.id('spiffy')} osci"
    made.git("add", "--all")
    assert found.tree == made.git("write-tree")
    assert take(allow_dirty=True).merged == found.merged


def test_what_is_staged_alone_is_in_the_tree(made, take, read):
    (made.path / "forced.pyc").write_text("x")
    made.git("add", "--force", "forced.pyc")
    found = take(allow_dirty=True)
    assert "forced.pyc" in read("ls-tree", "--name-only", found.merged).split()


def test_what_is_ignored_is_not_in_the_way(made, take, home):
    for name in ("a.pyc", "b.mine", "c.excluded"):
        (made.path / name).touch()
    (made.path / ".git/info").mkdir(exist_ok=True)
    (made.path / ".git/info/exclude").write_text("*.excluded\n")
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/ignore").write_text("*.mine\n")
    assert not take().is_dirty
    (home / "ignored").write_text("*.mine\n*.yours\n")
    (home / ".gitconfig").write_text("[core]\nexcludesFile = ~/ignored\n")
    (made.path / "d.yours").touch()
    assert not take().is_dirty


def test_a_conflict_in_the_checkout_is_dirty(made, take):
    made.git("checkout", "--quiet", "-b", "other", "master")
    made.commit("Other", {"spiffy.py": "other\n"})
    with pytest.raises(AssertionError):
        made.git("merge", "--quiet", "spiffy")
    before = picture(made.path)
    with pytest.raises(ConfigurationError, match="'spiffy.py'"):
        take()
    assert take(allow_dirty=True).is_dirty
    assert picture(made.path) == before


def test_a_directory_that_became_a_link_leads_nowhere(made, take, read, tmp_path):
    made.commit("Nest", {"inner/file": "own\n"})
    shutil.rmtree(made.path / "inner")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("another's\n")
    (made.path / "inner").symlink_to(tmp_path / "outside")
    found = take(allow_dirty=True)
    assert read("ls-tree", "-r", found.merged, "inner").startswith("120000 blob")


def test_a_submodule_stays_as_it_is_committed(made, take, read):
    Repository(made.path / "module")
    made.git("-c", "advice.addEmbeddedRepo=false", "add", "module")
    made.git("commit", "--quiet", "--message=Module")
    assert not take().is_dirty
    Repository(made.path / "nested")
    (made.path / "module/new").touch()
    assert not take().is_dirty


def test_nothing_of_a_checkout_is_run(made, take, tmp_path):
    canary = tmp_path / "canary"
    program = made.path / ".git/program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    program.chmod(0o755)
    made.commit("Filter", {".gitattributes": "* filter=canary diff=canary merge=canary\n"})
    Repository(made.path / "module")
    made.git("-c", "advice.addEmbeddedRepo=false", "add", "module")
    made.git("commit", "--quiet", "--message=Module")
    hooks = made.path / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor"):
        shutil.copy(program, hooks / name)
    names = ["filter.canary.clean", "filter.canary.process", "filter.canary.smudge"]
    names += ["diff.canary.command", "diff.canary.textconv", "merge.canary.driver", "core.pager"]
    names += ["core.fsmonitor", "core.sshCommand", "core.alternateRefsCommand", "gpg.program"]
    names += ["uploadpack.packObjectsHook", "credential.helper", "alias.status", "core.editor"]
    for repository in (made.path, made.path / "module"):
        settings = "".join(
            f"[{'.'.join(name.split('.')[:1])}"
            + (f' "{name.split(".")[1]}"' if name.count(".") == 2 else "")
            + f"]\n{name.split('.')[-1]} = {program}\n"
            for name in names
        )
        with (repository / ".git/config").open("a") as file:
            file.write(settings + f"[core]\nhooksPath = {hooks}\n")
    (made.path / "api.py").write_text("dirty\n")
    before = picture(made.path)
    assert take(allow_dirty=True, method="as-is").is_dirty
    assert not canary.exists()
    assert picture(made.path) == before
    # Git itself would have run it.
    made.git("status")
    assert canary.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_of_another_user_is_a_source(made, take):
    for path in [made.path, *made.path.rglob("*")]:
        os.lchown(path, 65534, 65534)
    (made.path / "new").touch()
    assert take(allow_dirty=True).is_dirty


def test_a_checkout_too_large_is_refused_before_it_is_read(made, take):
    with (made.path / "large").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(ConfigurationError, match="has 1024 MiB in 6 files that are not ignored"):
        take(allow_dirty=True)
    assert archive.TREE_BYTES == 512 << 20


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing", "is not a directory"),
        ("nova/api.py", "is not a directory"),
        ("home", "has no '.git'"),
        ("nova/.git", "has no '.git'"),
    ],
)
def test_what_is_no_checkout_is_refused(made, take, tmp_path, path, message):
    with pytest.raises(ConfigurationError, match=message):
        take(tmp_path / path)


def test_a_checkout_without_a_commit_is_refused(take, made, tmp_path):
    (tmp_path / "empty").mkdir()
    made.git("init", "--quiet", str(tmp_path / "empty"))
    with pytest.raises(ConfigurationError, match="has no commit yet"):
        take(tmp_path / "empty")


def test_a_shallow_checkout_is_refused(take, made, tmp_path):
    made.git("clone", "--quiet", "--depth=1", made.url, str(tmp_path / "shallow"))
    with pytest.raises(SourceError, match="is a shallow clone"):
        take(tmp_path / "shallow")
