# SPDX-License-Identifier: Apache-2.0
"""Running osci as its user does, and seeing that it leaves nothing behind."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

OSCI = [sys.executable, "-m", "osci_jobs"]
TREE = Path(__file__).resolve().parents[2]
# What may take this long to go after a command has ended.
GRACE_SECONDS = 2
PR_SET_CHILD_SUBREAPER = 36


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes too long for CI; run by `tox -e full`")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@dataclass
class Finished:
    """What a command left: exit code, output, and the object it printed with --json."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


@dataclass
class Command:
    """An osci command under way."""

    process: subprocess.Popen
    seen: list[str] = field(default_factory=list)

    def wait_for(self, text: str):
        """Read standard error until a line holds `text`."""
        for line in self.process.stderr:
            self.seen.append(line)
            if text in line:
                return
        pytest.fail(f"osci ended before it said {text!r}:\n{''.join(self.seen)}")

    def signal(self, number: int):
        self.process.send_signal(number)

    def finish(self) -> Finished:
        out, err = self.process.communicate(timeout=600)
        return Finished(self.process.returncode, out, "".join(self.seen) + err)


class Osci:
    """osci with a state directory and a working directory of the test's own."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.state = directory / "state"
        self.cache: Path | None = None
        self.temporary = directory / "temporary"
        self.temporary.mkdir()

    def start(self, *words: str) -> Command:
        environment = {
            **os.environ,
            "OSCI_STATE_DIR": str(self.state),
            "TMPDIR": str(self.temporary),
        }
        if self.cache:
            environment["OSCI_CACHE_DIR"] = str(self.cache)
        process = subprocess.Popen(
            [*OSCI, *words],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return Command(process)

    def __call__(self, *words: str) -> Finished:
        return self.start(*words).finish()

    @property
    def groups(self) -> list[str]:
        return sorted(path.stem for path in (self.state / "groups").glob("*.jsonl"))

    @property
    def runs(self) -> list[Path]:
        return sorted((self.directory / "results").glob("*"))


@pytest.fixture
def osci(tmp_path):
    """Run osci in an empty directory; see afterwards that the machine is as it was."""
    subprocess.run(["ip", "netns", "list"], check=True)
    before = _machine()
    command = Osci(tmp_path)
    yield command
    try:
        _assert_nothing_left(before)
        assert list(command.temporary.iterdir()) == []
        assert command.groups == []
    finally:
        # What a failed test leaves must not fail the next one too.
        if command.groups:
            command("delete", *command.groups)


@pytest.fixture
def until():
    """Wait for a condition for at most ten seconds."""

    def wait(condition: Callable[[], bool]):
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, "the condition did not come true"
            time.sleep(0.05)

    return wait


@pytest.fixture
def interrupt():
    """The signal that Ctrl-C sends."""
    return signal.SIGINT


def _assert_nothing_left(before: dict[str, set]):
    end = time.monotonic() + GRACE_SECONDS
    while (left := _difference(before, _machine())) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == {}


def _difference(before: dict[str, set], after: dict[str, set]) -> dict[str, set]:
    return {kind: after[kind] - before[kind] for kind in after if after[kind] - before[kind]}


def _machine() -> dict[str, set]:
    """Return what a run could leave on this machine, each kind as a set."""
    return {
        "processes": _processes(),
        "mounts": _mounts(),
        "network namespaces": set(_names("/run/netns")),
        "links": set(_names("/sys/class/net")),
        "control groups": _control_groups(),
        "firewall rules": _firewall_rules(),
        "temporary files": {name for name in _names("/tmp") if "osci" in name},
        "files of a moment": set(_names("/run/osci")),
        "nspawn": set(_names("/run/systemd/nspawn/unix-export")),
        "state": set(_names("/var/lib/osci/groups")),
    }


def _processes() -> set[tuple[int, str]]:
    """Return the living descendants of this process.

    It is a subreaper (prctl(2)), so that what osci leaves behind becomes its
    child, and what others do on this machine does not count.
    """
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "stat").read_text()
        except OSError:
            continue
        name = words[words.index("(") + 1 : words.rindex(")")]
        state, parent = words[words.rindex(")") + 2 :].split()[:2]
        if state != "Z":
            parents[int(path.name)] = (int(parent), name)
    return {(pid, name) for pid, (_, name) in parents.items() if _is_below(pid, parents)}


def _is_below(pid: int, parents: dict[int, tuple[int, str]]) -> bool:
    while pid in parents:
        pid = parents[pid][0]
        if pid == os.getpid():
            return True
    return False


def _mounts() -> set[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    # iproute2 makes this one with the machine's first network namespace, for good.
    return {line.split()[4] for line in lines} - {"/run/netns"}


def _control_groups() -> set[str]:
    return {
        directory
        for directory, _, _ in os.walk("/sys/fs/cgroup")
        if "osci" in directory.rpartition("/")[2]
    }


def _firewall_rules() -> set[str]:
    rules = set()
    for command in (["nft", "list", "ruleset"], ["iptables-save"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            continue
        rules |= {line for line in done.stdout.splitlines() if not line.startswith("#")}
    return rules


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []
