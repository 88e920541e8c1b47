# SPDX-License-Identifier: Apache-2.0
"""Tests that what a user wrote is found on a git server, fetched whole, and kept."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import git_daemon
import pytest
import repositories
from repositories import Repository, changed

from osci_jobs.deployment import notation
from osci_jobs.deployment.projects import Project
from osci_jobs.errors import ConfigurationError, InfrastructureError, LimitError, SourceError
from osci_jobs.sources import archive, fetching, mirror
from osci_jobs.sources.attempts import Patience
from osci_jobs.sources.model import Place

AT_ONCE = (0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Return the directory whose repositories the servers hand out."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def nova(served):
    return repositories.nova(served / "nova")


@pytest.fixture(scope="module")
def daemon(served, nova):
    server = git_daemon.Daemon(served)
    yield server
    server.close()


@pytest.fixture
def smart(served, nova):
    server = repositories.Smart(served)
    yield server
    server.close()


@pytest.fixture
def urls(nova, daemon, smart):
    """Return where nova is, by the way that it is handed out."""
    return {"file": nova.url, "git": f"{daemon.url}/nova", "http": f"{smart.url}/nova/.git"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Have a user without any settings."""
    path = tmp_path / "home"
    path.mkdir()
    for name in ("GIT_CONFIG_GLOBAL", "GIT_SSH_COMMAND", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(path))
    return path


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory):
    """Return a cache for tests that only look names up."""
    return tmp_path_factory.mktemp("cache")


def find(cache: Path, url: str, ref: str, said=None, waits=AT_ONCE, silence_seconds=20, **options):
    patience = Patience(silence_seconds, (said if said is not None else []).append, waits)
    with mirror.claimed(cache, "nova") as repository:
        return mirror.fetch(repository, url, ref, patience, **options)


def fetch(cache: Path, text: str, url: str, place=None, said=None, waits=(), **parts):
    """Fetch a source of nova, whose trunk is at `url`."""
    return fetching.fetch(
        cache,
        notation.parse("nova", text, **parts),
        Project("nova", "nova", url, "master"),
        place,
        Patience(20, (said if said is not None else []).append, waits),
    )


def has(cache: Path, commit: str) -> bool:
    with mirror.claimed(cache, "nova") as repository:
        return mirror.has(repository, commit)


@pytest.mark.parametrize(
    ("ref", "full", "is_at"),
    [
        ("spiffy", "refs/heads/spiffy", "spiffy"),
        ("1.0.0", "refs/tags/1.0.0", "1.0.0^{commit}"),
        ("not-a-version", "refs/tags/not-a-version", "not-a-version"),
        ("refs/heads/both", "refs/heads/both", "refs/heads/both"),
        ("refs/tags/both", "refs/tags/both", "refs/tags/both"),
        ("refs/changes/45/12345/3", "refs/changes/45/12345/3", "spiffy"),
        ("", "refs/heads/master", "master"),
        ("HEAD", "refs/heads/master", "master"),
    ],
)
@pytest.mark.parametrize("server", ["file", "git", "http"])
def test_what_was_written_is_found(urls, nova, shared_cache, server, ref, full, is_at):
    found = find(shared_cache / server, urls[server], ref)
    assert found == mirror.Found(full, nova.id(is_at))


def test_a_commit_is_found_by_its_id(nova, smart, tmp_path):
    commit = nova.id("spiffy~1")
    assert find(tmp_path, f"{smart.url}/nova/.git", commit) == mirror.Found(commit, commit)


def test_a_commit_that_the_server_does_not_hand_out_is_looked_for(nova, smart, tmp_path):
    smart.is_old = True
    url = f"{smart.url}/nova/.git"
    said: list[str] = []
    commit = nova.id("spiffy~1")
    assert find(tmp_path, url, commit, said).commit == commit
    assert said == [f"Fetching all branches of '{url}' to look for {commit}."]


def test_a_commit_that_is_nowhere_is_a_fault_of_the_source(nova, tmp_path):
    with pytest.raises(SourceError, match="does not have the commit 1111"):
        find(tmp_path, nova.url, "1" * 40)


def test_a_branch_and_a_tag_of_one_name_are_both_named(nova, shared_cache):
    with pytest.raises(SourceError) as caught:
        find(shared_cache, nova.url, "both")
    assert str(caught.value) == (
        f"'{nova.url}' has a branch and a tag 'both'; write 'refs/heads/both' or 'refs/tags/both'."
    )


@pytest.mark.parametrize(
    ("ref", "near"),
    [
        ("spify", " Did you mean 'spiffy'?"),
        ("refs/heads/spify", " Did you mean 'refs/heads/spiffy'?"),
        ("zzzzzzzz", ""),
    ],
)
def test_a_ref_that_is_not_there_is_told_with_the_nearest(nova, shared_cache, ref, near):
    with pytest.raises(SourceError) as caught:
        find(shared_cache, nova.url, ref)
    assert str(caught.value).startswith(f"'{nova.url}' has no branch, tag or ref '{ref}'.")
    assert near in str(caught.value)


def test_near_names_of_a_stranger_are_escaped(tmp_path):
    made = Repository(tmp_path / "r")
    made.git("update-ref", "refs/heads/spiffy\u202e", "HEAD")
    with pytest.raises(SourceError, match=r"Did you mean 'spiffy\\u202e'\?"):
        find(tmp_path / "cache", made.url, "spiffy")


def test_a_tag_of_a_tree_is_no_commit(nova, shared_cache):
    with pytest.raises(SourceError, match="'refs/tags/of-a-tree' of .* is not a commit"):
        find(shared_cache, nova.url, "of-a-tree")


def test_a_repository_without_a_commit_has_no_default_branch(tmp_path):
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "r"], check=True)
    with pytest.raises(SourceError, match="has no default branch"):
        find(tmp_path / "cache", f"file://{tmp_path}/r", "")


def test_a_shallow_clone_is_told_to_be_one(nova, tmp_path):
    nova.git("clone", "--quiet", "--depth=1", nova.url, str(tmp_path / "shallow"))
    with pytest.raises(SourceError, match="is a shallow clone"):
        find(tmp_path / "cache", f"file://{tmp_path}/shallow", "")


def test_a_tree_that_leads_into_a_repository_is_refused_and_not_kept(tmp_path):
    made = Repository(tmp_path / "r")
    blob = bytes.fromhex(made.id("master:api.py"))
    entry = b"100644 .git\0" + blob
    words = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
    commit = made.git("commit-tree", "-p", "master", "-m", "Lead", made.git(*words, content=entry))
    made.git("update-ref", "refs/heads/lead", commit)
    with pytest.raises(SourceError, match="cannot be fetched: .*(hasDotgit|fsck error)"):
        find(tmp_path / "cache", made.url, "lead")
    # Not even as a part of what comes later.
    with pytest.raises(SourceError):
        find(tmp_path / "cache", made.url, commit)
    with pytest.raises(SourceError, match="has the path '.git', which leads"):
        archive.check(made.path / ".git", commit)


def test_a_force_push_loses_no_commit_that_was_used(tmp_path):
    made = Repository(tmp_path / "r")
    made.branch("spiffy")
    old = made.commit("Old", {"a": "old"})
    cache = tmp_path / "cache"
    assert find(cache, made.url, "spiffy").commit == old
    made.git("reset", "--quiet", "--hard", "master")
    new = made.commit("New", {"a": "new"})
    assert find(cache, made.url, "spiffy").commit == new
    made.git("reflog", "expire", "--expire=now", "--all")
    made.git("gc", "--quiet", "--prune=now")
    shutil.rmtree(made.path)
    assert find(cache, made.url, old) == mirror.Found(old, old)
    assert find(cache, made.url, new) == mirror.Found(new, new)


def test_urls_with_refs_of_one_name_do_not_collide(nova, tmp_path):
    made = Repository(tmp_path / "fork")
    made.branch("spiffy")
    made.git("tag", "1.0.0")
    own = made.commit("Another", {"a": "b"})
    cache = tmp_path / "cache"
    for _ in range(2):
        assert find(cache, nova.url, "spiffy", with_tags=True).commit == nova.id("spiffy")
        assert find(cache, made.url, "spiffy", with_tags=True).commit == own


def test_a_fetch_that_was_killed_leaves_nothing_behind(nova, smart, tmp_path):
    url = f"{smart.url}/nova/.git"
    smart.stalls = True
    process = repositories.start_fetching(tmp_path, url, "spiffy")
    assert smart.is_stalled.wait(20)
    process.kill()
    process.communicate()
    smart.stalls = False
    (tmp_path / "git/nova.git/packed-refs.lock").touch()
    assert not has(tmp_path, nova.id("spiffy"))
    assert find(tmp_path, url, "spiffy").commit == nova.id("spiffy")
    assert not (tmp_path / "git/nova.git/incoming").exists()
    subprocess.run(["git", "fsck", "--strict"], cwd=tmp_path / "git/nova.git", check=True)


def test_two_fetches_at_once_both_have_their_commit(nova, daemon, tmp_path):
    url = f"{daemon.url}/nova"
    both = [repositories.start_fetching(tmp_path, url, ref) for ref in ("spiffy", "clash")]
    found = [process.communicate(timeout=60)[0].strip() for process in both]
    assert found == [nova.id("spiffy"), nova.id("clash")]


def test_many_fetches_leave_few_packs(tmp_path):
    made = Repository(tmp_path / "r")
    commits = []
    for number in range(22):
        commits.append(made.commit(f"Count to {number}", {"a": str(number)}))
        find(tmp_path / "cache", made.url, "refs/heads/master")
    packs = list((tmp_path / "cache/git/nova.git/objects/pack").glob("*.pack"))
    assert len(packs) < 20
    assert all(has(tmp_path / "cache", commit) for commit in commits)


@pytest.mark.parametrize(
    "failure",
    [
        repositories.status(500),
        repositories.status(503),
        repositories.status(429),
        repositories.close,
    ],
)
def test_a_server_that_fails_twice_is_asked_again(nova, smart, tmp_path, failure):
    smart.instead = [failure, failure]
    said: list[str] = []
    assert find(tmp_path, f"{smart.url}/nova/.git", "spiffy", said).commit == nova.id("spiffy")
    assert len(said) == 2
    assert said[0].startswith("The git server '127.0.0.1' does not hand out ")
    assert said[0].endswith(" It is asked again in 0 s.")


def test_a_server_that_fails_four_times_is_the_infrastructures(nova, smart, tmp_path):
    smart.instead = [repositories.status(502)] * 9
    said: list[str] = []
    with pytest.raises(InfrastructureError) as caught:
        find(tmp_path, f"{smart.url}/nova/.git", "spiffy", said)
    assert (len(said), len(smart.requests)) == (3, 4)
    message = f"The git server '127.0.0.1' does not hand out '{smart.url}/nova/.git' ("
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(" It was asked 4 times.")
    assert caught.value.line.endswith("The requested URL returned error: 502")


@pytest.mark.parametrize(
    ("says", "line"),
    [
        (b"", ""),
        (b"\x00\xff" * 99, ""),
        (b"0009nope\n", ""),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", ""),
    ],
)
@pytest.mark.parametrize("scheme", ["git", "http"])
def test_nonsense_of_a_server_is_an_error_of_ours(tmp_path, scheme, says, line):
    server = repositories.Listener(says)
    try:
        with pytest.raises((InfrastructureError, SourceError)):
            find(tmp_path, f"{scheme}://127.0.0.1:{server.port}/nova", "x", waits=())
    finally:
        server.close()


@pytest.mark.parametrize("scheme", ["git", "http", "https"])
def test_a_server_that_says_nothing_is_the_infrastructures(tmp_path, scheme):
    server = repositories.Listener(b"", closes=False)
    started = time.monotonic()
    try:
        with pytest.raises(InfrastructureError) as caught:
            find(tmp_path, f"{scheme}://127.0.0.1:{server.port}/nova", "x", silence_seconds=0.5)
    finally:
        server.close()
    assert str(caught.value) == "The git server '127.0.0.1' said nothing for 0.5 s."
    assert time.monotonic() - started < 30


def test_a_limit_of_time_is_not_the_servers_silence(tmp_path):
    server = repositories.Listener(b"", closes=False)
    limit = LimitError("'fetch' went past its limit of 1 s.")

    def end(*_):
        raise limit

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        with pytest.raises(LimitError) as caught:
            find(tmp_path, f"git://127.0.0.1:{server.port}/nova", "x")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        server.close()
    assert caught.value is limit


@pytest.mark.parametrize("scheme", ["git", "http", "ssh"])
def test_a_refused_connection_is_the_infrastructures(tmp_path, scheme):
    with pytest.raises(InfrastructureError, match="(?i)connect"):
        find(tmp_path, f"{scheme}://127.0.0.1:{git_daemon.free_port()}/nova", "x", waits=())


@pytest.mark.parametrize("scheme", ["git", "http", "ssh"])
def test_a_server_without_a_name_is_the_infrastructures(tmp_path, scheme):
    with pytest.raises(InfrastructureError, match="'nowhere.invalid' does not.*(resolve|look up)"):
        find(tmp_path, f"{scheme}://nowhere.invalid/nova", "x", waits=())


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_server_that_refuses_is_not_asked_again(nova, smart, tmp_path, code):
    smart.instead = [repositories.status(code, WWW_Authenticate="Basic realm=git")] * 9
    said: list[str] = []
    with pytest.raises(SourceError, match="cannot be fetched"):
        find(tmp_path, f"{smart.url}/nova/.git", "spiffy", said)
    assert said == []


@pytest.mark.parametrize("place", ["git", "file"])
def test_a_repository_that_is_not_there_is_a_fault_of_the_source(daemon, tmp_path, place):
    url = {"git": f"{daemon.url}/nothing", "file": f"file://{tmp_path}/nothing"}[place]
    with pytest.raises(SourceError, match="cannot be fetched"):
        find(tmp_path, url, "x")


def test_a_credential_helper_is_used_and_its_password_shown_nowhere(nova, smart, home, tmp_path):
    smart.ask_for("bob", "s3cret-of-bob")
    (home / "account").write_text("username=bob\npassword=s3cret-of-bob\n")
    (home / ".gitconfig").write_text(f'[credential]\nhelper = "!cat {home}/account; :"\n')
    url = f"{smart.url}/nova/.git"
    said: list[str] = []
    assert find(tmp_path, url, "spiffy", said).commit == nova.id("spiffy")
    smart.instead = [repositories.status(500)] * 9
    with pytest.raises(InfrastructureError) as caught:
        find(tmp_path, url, "clash", said)
    assert not smart.seen
    shown = "".join([*said, str(caught.value), caught.value.line])
    written = b"".join(path.read_bytes() for path in tmp_path.glob("git/**/*") if path.is_file())
    assert "s3cret" not in shown
    assert b"s3cret" not in written


def test_an_account_in_the_users_settings_is_blanked(nova, smart, home, tmp_path):
    host = smart.url.removeprefix("http://")
    (home / ".gitconfig").write_text(
        f'[url "http://bob:s3cret@{host}/"]\ninsteadOf = "{smart.url}/"\n'
    )
    smart.instead = [repositories.status(403)]
    with pytest.raises(SourceError) as caught:
        find(tmp_path, f"{smart.url}/nova/.git", "spiffy")
    assert "s3cret" not in str(caught.value) + caught.value.line


def test_nobody_is_asked_for_a_password(smart, home, tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    program = home / "ask"
    program.write_text(f"#!/bin/sh\ntouch {canary}\n")
    program.chmod(0o755)
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(program))
    smart.ask_for("bob", "s3cret-of-bob")
    with pytest.raises(SourceError, match="could not read Username"):
        find(tmp_path, f"{smart.url}/nova/.git", "spiffy")
    assert not canary.exists()


@pytest.mark.parametrize("set_by", ["", "environment", "settings"])
def test_ssh_asks_nobody_unless_the_user_has_a_command_for_it(
    nova, home, tmp_path, monkeypatch, set_by
):
    record = '#!/bin/sh\necho "$0 $*" >> {}/ssh.log\nfor last; do :; done\neval "$last"\n'
    (home / "own").mkdir()
    for name in ("ssh", "own/ssh"):
        (home / name).write_text(record.format(home))
        (home / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}:{os.environ['PATH']}")
    if set_by == "environment":
        monkeypatch.setenv("GIT_SSH_COMMAND", f"{home}/own/ssh -v")
    if set_by == "settings":
        (home / ".gitconfig").write_text(f"[core]\nsshCommand = {home}/own/ssh -v\n")
    found = find(tmp_path / "cache", f"ssh://bob@localhost:29418{nova.path}", "spiffy")
    assert found.commit == nova.id("spiffy")
    log = (home / "ssh.log").read_text()
    assert "-p 29418 bob@localhost git-upload-pack" in log
    assert ("own/ssh -v" in log) == bool(set_by)
    assert ("-o BatchMode=yes" in log) == (not set_by)


def test_no_other_protocol_is_spoken(tmp_path):
    canary = tmp_path / "canary"
    for url in (
        f"ext::sh -c touch% {canary}",
        f"--upload-pack=touch {canary}",
        "ftp://a/b",
        "fd::1",
    ):
        with pytest.raises(ConfigurationError, match="is no place that git has"):
            find(tmp_path, url, "x")
    assert not canary.exists()


def test_a_settings_file_cannot_bring_another_protocol_in(home, smart, tmp_path):
    canary = tmp_path / "canary"
    (home / ".gitconfig").write_text(
        f'[url "ext::sh -c touch% {canary} "]\ninsteadOf = "{smart.url}/"\n'
        '[protocol "ext"]\nallow = always\n'
    )
    with pytest.raises((SourceError, InfrastructureError), match="not allowed"):
        find(tmp_path, f"{smart.url}/nova", "x", waits=())
    assert not canary.exists()


def test_a_source_is_merged_described_and_found_again_without_a_network(nova, tmp_path):
    first = fetch(tmp_path, f"{nova.url}@spiffy", nova.url, method="merge")
    assert (first.ref, first.trunk_ref) == ("refs/heads/spiffy", "refs/heads/master")
    assert (first.tag, first.distance) == ("2.0.0.0rc1", 4)
    assert (first.change.files, first.change.insertions, first.change.deletions) == (2, 2, 1)
    nowhere = "http://nowhere.invalid/nova"
    again = fetch(
        tmp_path,
        f"{nowhere}@{first.proposed}",
        nowhere,
        method="merge",
        trunk=f"{nowhere}@{first.trunk}",
    )
    assert (again.merged, again.tree, again.base) == (first.merged, first.tree, first.base)


def test_trunk_is_as_asked_for_else_as_the_server_says_else_the_projects(nova, tmp_path):
    place = Place(nova.url, "refs/changes/45/12345/3", trunk_branch="later")
    found = fetch(tmp_path, "gerrit:12345/3", nova.url, place)
    assert (found.method, found.trunk_ref) == ("merge", "refs/heads/later")
    assert (found.url, found.ref) == (nova.url, "refs/changes/45/12345/3")
    found = fetch(tmp_path, "gerrit:12345/3", nova.url, place, trunk="clash")
    assert found.trunk_ref == "refs/heads/clash"
    found = fetch(tmp_path, f"{nova.url}@spiffy", nova.url, trunk=f"{nova.url}@1.0.0")
    assert (found.trunk_ref, found.trunk) == ("refs/tags/1.0.0", nova.id("1.0.0^{commit}"))
    assert fetch(tmp_path, f"{nova.url}@spiffy", nova.url).trunk_ref == "refs/heads/master"


def test_a_place_with_a_commit_of_the_mirror_needs_no_server(nova, tmp_path):
    commit = find(tmp_path, nova.url, "spiffy").commit
    place = Place("lp:~bob/nova/spiffy", "revision 7", commit=commit, details={"number": "7"})
    found = fetch(tmp_path, "lp:~bob/nova/spiffy", nova.url, place)
    assert (found.proposed, found.url, found.ref) == (commit, place.url, "revision 7")
    assert found.details == {"number": "7"}


def test_as_it_is_a_source_does_without_a_trunk_that_cannot_be_had(nova, tmp_path):
    said: list[str] = []
    port = git_daemon.free_port()
    found = fetch(
        tmp_path, f"{nova.url}@spiffy", f"http://127.0.0.1:{port}/nova", said=said, waits=(60,)
    )
    assert (found.merged, found.trunk, found.base) == (found.proposed, "", "")
    assert (found.change, found.tag, found.distance) == (None, "", 0)
    assert re.match("'nova' is not compared with trunk. The git server '127.0.0.1'", said[0])


def test_as_it_is_a_trunk_that_was_asked_for_has_to_be_there(nova, tmp_path):
    with pytest.raises(SourceError, match="has no branch, tag or ref 'mastr'"):
        fetch(tmp_path, f"{nova.url}@spiffy", nova.url, trunk="mastr")


def test_a_release_needs_neither_mirror_nor_server(tmp_path):
    found = fetch(tmp_path, "31.0.0", "http://nowhere.invalid/nova")
    assert (found.kind, found.ref, found.merged) == ("release", "31.0.0", "")
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]


def test_a_later_fetch_finds_a_new_version(tmp_path):
    made = Repository(tmp_path / "r")
    assert fetch(tmp_path / "cache", made.url, made.url).tag == ""
    made.git("tag", "--annotate", "--message=three", "3.0.0")
    assert fetch(tmp_path / "cache", made.url, made.url).tag == "3.0.0"
    made.commit("More", {"api.py": changed((3, "x"))})
    found = fetch(tmp_path / "cache", made.url, made.url)
    assert (found.tag, found.distance) == ("3.0.0", 1)
