# SPDX-License-Identifier: Apache-2.0
"""Run a playbook by ansible-runner and tell what each host made of each task.

ansible-runner runs in a process of its own (this module as a script), for its
workers and ssh's connections outlive it at a timeout; `process.run` ends them.
"""

import json
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osci_jobs import process

MAXIMUM_FILE_BYTES = 1 << 30

_COMPLAINTS = ("[ERROR]", "Origin:")
_FAILED_EVENTS = ("runner_on_failed", "runner_on_unreachable")


@dataclass(frozen=True)
class Failure:
    """A task that failed; host and task are "" when Ansible itself could not go on."""

    host: str
    task: str
    message: str
    is_unreachable: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a playbook; it succeeded when nothing failed.

    `cpu_seconds` is what Ansible and ssh used on this machine.
    """

    failures: tuple[Failure, ...]
    cpu_seconds: float


@dataclass
class _Reading:
    """What has come from the worker so far."""

    on_event: Callable[[str, str], None]
    failures: list[Failure] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    end: dict = field(default_factory=dict)


def run(
    playbook: Path,
    inventory: Mapping[str, Any],
    variables: Mapping[str, Any],
    ssh_config: Path,
    scratch: Path,
    silence_seconds: float,
    on_event: Callable[[str, str], None],
) -> Outcome:
    """Run `playbook` and return its outcome.

    `on_event(text, host)` is told of each task as it starts and of each host
    that failed it. What Ansible is given and writes lies below `scratch` until
    it ends. Ansible takes values in `variables` and `inventory` for templates, so they
    are osci's own words, never a stranger's. Raises LimitError after a silence.
    Nothing that Ansible started is left.
    """
    directory = Path(tempfile.mkdtemp(prefix="ansible-", dir=scratch))
    reading = _Reading(on_event)
    try:
        _write_inputs(directory, playbook, inventory, variables, ssh_config)
        code = process.run(
            [sys.executable, "-m", "osci_jobs.playbook", str(directory)],
            name=playbook.stem,
            silence_seconds=silence_seconds,
            environment=_environment(directory),
            on_line=lambda line: _read(reading, line),
        )
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    cpu_seconds = reading.end.get("cpu_seconds", 0.0)
    if reading.end.get("ok"):
        return Outcome((), cpu_seconds)  # what failed was rescued
    own = Failure("", "", _complaint(reading.noise) or f"exit code {code}", is_unreachable=False)
    return Outcome(tuple(reading.failures) or (own,), cpu_seconds)


def _complaint(noise: list[str]) -> str:
    """Return what Ansible says when it cannot go on: its errors, else its last lines."""
    said = [line.strip() for line in noise if line.strip()]
    return " ".join([line for line in said if line.startswith(_COMPLAINTS)] or said[-3:])


def _write_inputs(directory: Path, playbook: Path, inventory, variables, ssh_config: Path):
    request = {
        "private_data_dir": str(directory),
        "playbook": str(playbook),
        "inventory": str(directory / "hosts.json"),
        "extravars": dict(variables),
        "envvars": {
            "ANSIBLE_FORKS": "16",
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_LIBRARY": _path(playbook, "library"),
            "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
            "ANSIBLE_PIPELINING": "true",
            # In memory, for the disk of a host may be full.
            "ANSIBLE_REMOTE_TEMP": "/run/osci-ansible",
            "ANSIBLE_ROLES_PATH": _path(playbook, "roles"),
            "ANSIBLE_SSH_ARGS": f"-F {ssh_config} -o ControlMaster=auto -o ControlPersist=300s",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory / "cp"),
        },
    }
    for name, document in (("request.json", request), ("hosts.json", inventory)):
        (directory / name).write_text(json.dumps(document), encoding="utf-8")


def _path(playbook: Path, name: str) -> str:
    """Return where the directory may be: a suite's playbook is one further down."""
    return ":".join(str(above / name) for above in (playbook.parent, playbook.parent.parent))


def _environment(directory: Path) -> dict[str, str]:
    # ansible-runner finds ansible-playbook by PATH; the one that belongs to this osci goes first.
    return {
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.defpath, "/usr/sbin"]),
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
    }


def _read(reading: _Reading, line: str):
    try:
        message = json.loads(line)
        kind = message["osci"]
    except (ValueError, TypeError, KeyError):
        reading.noise.append(line)
        return
    if kind == "end":
        reading.end = message
    elif kind == "task":
        reading.on_event(message["task"], "")
    elif kind == "failed":
        failure = Failure(
            message["host"], message["task"], message["message"], message["is_unreachable"]
        )
        reading.failures.append(failure)
        reading.on_event(f"{failure.task}: {failure.message}", failure.host)


def _work(directory: Path) -> int:
    """Run one request in this process; print what happens as JSON lines."""
    import ansible_runner

    request = json.loads((directory / "request.json").read_text(encoding="utf-8"))
    # What is fetched from a host may be any size.
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAXIMUM_FILE_BYTES, MAXIMUM_FILE_BYTES))
    runner = ansible_runner.run(
        **request, quiet=True, event_handler=_print_event, settings={"pexpect_timeout": 1}
    )
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    cpu_seconds = usage.ru_utime + usage.ru_stime + own.ru_utime + own.ru_stime
    if runner.rc:
        # What Ansible says before its first task (a syntax error) is no event.
        sys.stdout.write(runner.stdout.read()[-2000:] + "\n")
    _print({"osci": "end", "ok": runner.rc == 0, "cpu_seconds": round(cpu_seconds, 3)})
    return runner.rc


def _print_event(event: dict) -> bool:
    """Print what is worth knowing; returning False keeps the event off the disk."""
    data = event.get("event_data", {})
    if event["event"] == "playbook_on_task_start":
        _print({"osci": "task", "task": data["task"]})
    elif event["event"] in _FAILED_EVENTS and not data.get("ignore_errors"):
        _print(
            {
                "osci": "failed",
                "host": data["host"],
                "task": data["task"],
                "message": _message(data.get("res", {})),
                "is_unreachable": event["event"] == "runner_on_unreachable",
            }
        )
    return False


def _message(result: dict) -> str:
    """Return what a failed task says, the most telling of what it left."""
    said = [str(result.get(key, "")).strip() for key in ("stderr", "msg", "module_stderr")]
    text = next((part for part in said if part), "") or str(result.get("stdout", ""))
    return text[-4000:]


def _print(message: dict):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(_work(Path(sys.argv[1])))
