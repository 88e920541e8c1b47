# SPDX-License-Identifier: Apache-2.0
"""Tests of completion by the shells themselves."""

import shutil
import subprocess

import pytest

GROUP = "osci-abc123"
MAILS = ("1f0c" * 8, "2a" * 16)
RUNS = ("20261123T093544Z-hosts-4f2a1c", "20261124T093544Z-bare-5e3b2d")
# Names that do harm where a shell takes them for more.
HOSTILE = ("$(touch harm)", "`touch harm`", "a b", "*", "-x", "\x1b[31m", "'\"")
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_shtab_osci "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
# A second zsh in a terminal gets what is typed, key by key; its osci prints its words.
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "source ./setup.zsh"
zpty -w -n shell "osci $1"$'\\t\\n'
zpty -r -m shell seen '*words:*:end*'
print -r -- $seen
zpty -d shell
"""
ZSH_SETUP = """
fpath=($PWD $fpath)
autoload -U compinit
compinit -u -D
osci() { print -r -- "words:${(j:|:)@}:end" }
"""


@pytest.fixture
def there(osci):
    """Have deployments, a group, runs, and files with hostile names beside each."""
    group = osci.keep_group(GROUP, "hosts")
    for host in group.hosts:
        (group.directory / host).mkdir()
        (group.directory / host / "console.log").touch()
    for name in (*RUNS, *(f"{name}Z-" for name in HOSTILE)):
        (osci.work / "results" / name).mkdir(parents=True)
    (osci.state / "outbox").mkdir()
    for name in (*MAILS, *HOSTILE):
        (osci.state / "outbox" / f"{name}.json").touch()
    for name in HOSTILE:
        (osci.deployments / f"{name}.json").touch()
        (osci.state / "groups" / f"{name}.jsonl").touch()
    return osci


def in_bash(osci, *words: str) -> list[str]:
    """Return what bash offers for the last of the words."""
    script = osci.directory / "completion.bash"
    script.write_text(osci("completion", "bash").out)
    done = subprocess.run(
        ["bash", "-c", BASH, "bash", script, "osci", *words],
        cwd=osci.work,
        env=osci.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert not (osci.work / "harm").exists()
    return done.stdout.split()


def in_zsh(osci, typed: str) -> str:
    """Return the words that zsh gives osci for what is typed before Tab and Return."""
    (osci.work / "_osci").write_text(osci("completion", "zsh").out)
    (osci.work / "setup.zsh").write_text(ZSH_SETUP)
    done = subprocess.run(
        ["zsh", "-f", "-c", ZSH, "zsh", typed],
        cwd=osci.work,
        env=osci.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert not (osci.work / "harm").exists()
    return done.stdout.rpartition("words:")[2].partition(":end")[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["functional", ""], ["bare", "hosts"]),
        (["functional", "h"], ["hosts"]),
        (["functional", "hosts", "--keep", ""], ["never", "failed", "always"]),
        (["functional", "--group", ""], [GROUP]),
        (["doctor", "b"], ["bare"]),
        (["runs", "--deployment", ""], ["bare", "hosts"]),
        (["show", ""], ["latest", *reversed(RUNS)]),
        (["report", "20261123"], [RUNS[0]]),
        (["ssh", "osci-"], [GROUP]),
        (["ssh", GROUP, ""], ["host1", "host2", "tester"]),
        (["delete", ""], [GROUP, "bare", "hosts"]),
        (["do"], ["doctor"]),
        (["trigger", "h"], ["hosts"]),
        (["trigger", "hosts", "--keep", "f"], ["failed"]),
        (["trigger", "--command", ""], ["functional", "stress", "regression"]),
        (["regression", "hosts", "--scenario", "tok"], ["token"]),
        (["stress", "hosts", "--scenario", "tok"], ["token"]),
        (["outbox", ""], ["list", "send", "drop"]),
        (["outbox", "drop", ""], [*MAILS]),
        (["outbox", "drop", MAILS[1], "1f"], [MAILS[0]]),
        (["completion", ""], ["bash", "zsh"]),
    ],
    ids=" ".join,
)
def test_bash_offers_what_there_is(there, words, expected):
    assert in_bash(there, *words) == expected


def test_bash_offers_the_samples_where_there_is_no_directory_of_deployments(osci):
    del osci.environment["OSCI_DEPLOYMENT_CONFIG_DIR"]
    assert "basic" in in_bash(osci, "functional", "")


def test_bash_offers_directories(osci):
    (osci.work / "results").mkdir()
    assert in_bash(osci, "show", "--output", "res") == ["results"]


def test_bash_offers_files(osci):
    (osci.work / "jobs.ini").touch()
    assert in_bash(osci, "trigger", "--conf", "jo") == ["jobs.ini"]


def test_nothing_is_offered_of_what_is_not_there(osci):
    shutil.rmtree(osci.deployments)
    assert in_bash(osci, "functional", "") == []
    assert in_bash(osci, "ssh", "nix", "") == []
    assert in_bash(osci, "show", "") == ["latest"]


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not here")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("functional h", "functional|hosts"),
        ("functional --group o", f"functional|--group|{GROUP}"),
        ("show l", "show|latest"),
        ("report 20261123", f"report|{RUNS[0]}"),
        (f"ssh {GROUP} t", f"ssh|{GROUP}|tester"),
        ("delete ba", "delete|bare"),
        ("outbox drop 1f", f"outbox|drop|{MAILS[0]}"),
        ("doct", "doctor"),
    ],
)
def test_zsh_completes_what_there_is(there, typed, expected):
    assert in_zsh(there, typed) == expected
