# SPDX-License-Identifier: Apache-2.0
"""The only module that runs git: what a stranger wrote becomes no program, option or setting.

The program `converter` runs it too, in the process of its own that `bazaar` limits.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from osci_jobs import process, signals
from osci_jobs.errors import InfrastructureError
from osci_jobs.results.escape import visible_line

# A merge of nova takes a second; longer means that somebody made the repository so.
CALL_SECONDS = 120
# What is made to exhaust a machine ends git instead. A pack of nova has 0.3 GiB.
_MEMORY_BYTES = 6 << 30
_FILE_BYTES = 4 << 30
_LIMITS = ("prlimit", f"--as={_MEMORY_BYTES}", f"--fsize={_FILE_BYTES}", "--core=0")
# Old commits of OpenStack trip these; none of them does harm to who reads the commit.
_OLD_FAULTS = (
    *("badTimezone", "missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeDate"),
    *("missingSpaceBeforeEmail", "nullSha1", "zeroPaddedFilemode"),
)
_SETTINGS = (
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "diff.ignoreSubmodules=all",
    "fetch.fsckObjects=true",
    *(f"fetch.fsck.{fault}=ignore" for fault in _OLD_FAULTS),
    "fetch.recurseSubmodules=false",
    # Objects of a fetch come as one pack, which is moved as one file.
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    # A server that sends a byte now and then: the one that works says so every 5 s.
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "protocol.version=2",
    "submodule.recurse=false",
)
# What the user's own git has of him: settings, accounts, keys, proxies, authorities.
_USERS = (
    *("DBUS_SESSION_BUS_ADDRESS", "GIT_CONFIG_GLOBAL", "GIT_SSH", "GIT_SSH_COMMAND"),
    *(
        "GIT_SSH_VARIANT",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "CURL_CA_BUNDLE",
        "HOME",
        "LOGNAME",
        "SSH_AUTH_SOCK",
    ),
    *("SSL_CERT_DIR", "SSL_CERT_FILE", "USER", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"),
    *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("all_proxy", "http_proxy", "https_proxy", "no_proxy"),
)
# Nobody is there to be asked.
_UNASKED = {
    "GIT_ASKPASS": "",
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
}
# The same commits give the same merge on every machine, whatever its user has set.
_NOBODYS = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "HOME": "/nonexistent",
}
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=30"
# What git says of how far it is, and not of what is wrong.
_PROGRESS = re.compile(
    r"(remote: )?(Auto packing|Compressing|Counting|Enumerating|Receiving|Resolving|Total|"
    r"Unpacking|Updating)\b"
)


@dataclass(frozen=True)
class Answer:
    """What a short command of git left: `output` is its standard output, `line` a complaint."""

    code: int
    output: bytes
    line: str

    @property
    def text(self) -> str:
        """The output, in which what is no UTF-8 became surrogates."""
        return os.fsdecode(self.output).removesuffix("\n")


def run(
    repository: Path, *words: str, content: bytes = b"", variables: Mapping[str, str] | None = None
) -> Answer:
    """Run a short command in a repository without the user's settings, whatever its exit code.

    `content` is its input, `variables` go to its environment. Raises InfrastructureError
    when it does not end.
    """
    with _started(repository, words, variables or {}) as child:
        try:
            output, complaint = child.communicate(content, CALL_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise InfrastructureError(
                f"'git {words[0]}' did not end within {CALL_SECONDS} s in '{repository}'."
            ) from error
    return Answer(child.returncode, output, _first_line(complaint))


def read(
    repository: Path, *words: str, content: bytes = b"", variables: Mapping[str, str] | None = None
) -> str:
    """Return what a short command says; raises InfrastructureError when it fails."""
    answer = run(repository, *words, content=content, variables=variables)
    if answer.code:
        raise _failure(repository, words[0], answer.line or f"exit code {answer.code}")
    return answer.text


def iter_records(repository: Path, *words: str) -> Iterator[str]:
    """Yield what a command says up to each NUL; it ends when nobody wants more.

    Raises InfrastructureError when the command fails.
    """
    with _started(repository, words, {}, complaints=subprocess.DEVNULL) as child:
        assert child.stdout
        pending = b""
        while data := os.read(child.stdout.fileno(), 1 << 16):
            *records, pending = (pending + data).split(b"\0")
            yield from map(os.fsdecode, records)
        if child.wait():
            raise _failure(repository, words[0], f"exit code {child.returncode}")


def talk(
    repository: Path, *words: str, silence_seconds: float, files: bool = False
) -> tuple[int, list[str]]:
    """Run a command that speaks to a server, as the user; return its exit code and its lines.

    It may read a repository of this machine where `files` says so. Progress is left out
    of the lines. Raises SilenceError when it says nothing for `silence_seconds`.
    """
    lines: list[str] = []
    code = process.run(
        _command(repository, words),
        name="git",
        silence_seconds=silence_seconds,
        environment=_users_environment(files),
        on_line=lambda line: lines.extend(part for part in line.split("\r") if part.strip()),
    )
    return code, [line for line in lines if not _PROGRESS.match(line)]


def ignored_by_user() -> Path:
    """Return the file of what the user has git ignore everywhere, be it there or not."""
    environment = _users_environment(files=False)
    home = Path(environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "/"), ".config"))
    return Path(_setting("core.excludesFile", environment) or home / "git/ignore")


def _command(repository: Path, words: tuple[str, ...]) -> list[str]:
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    # Git never looks for a repository by itself, nor for settings of one beside this one.
    return [*_LIMITS, "git", "-C", str(repository), "--git-dir=.", *settings, *words]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **_UNASKED}


def _users_environment(files: bool) -> dict[str, str]:
    given = {name: os.environ[name] for name in _USERS if name in os.environ}
    environment = {
        **_environment(),
        **given,
        "GIT_ALLOW_PROTOCOL": "https:http:git:ssh" + (":file" if files else ""),
    }
    # Ours would hide the program that the user's settings name.
    if not {"GIT_SSH", "GIT_SSH_COMMAND"} & set(given):
        environment["GIT_SSH_COMMAND"] = _setting("core.sshCommand", environment) or _SSH
    return environment


def _setting(name: str, environment: Mapping[str, str]) -> str:
    """Return what the user, or the machine, has set in git's own files; "" for nothing."""
    with signals.blocked():
        return subprocess.run(
            ["git", "--git-dir=/dev/null", "config", "--type=path", "--get", name],
            env=dict(environment),
            cwd="/",
            capture_output=True,
            timeout=process.CALL_SECONDS,
            check=False,
            text=True,
        ).stdout.strip()


@contextmanager
def _started(
    repository: Path,
    words: tuple[str, ...],
    variables: Mapping[str, str],
    complaints: int = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a command that was started, and that is gone afterwards whatever happens."""
    with signals.blocked():
        child = subprocess.Popen(
            _command(repository, words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={**_environment(), **_NOBODYS, **variables},
            start_new_session=True,
        )
    try:
        yield child
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream:
            with suppress(BrokenPipeError):
                stream.close()


def _first_line(complaint: bytes) -> str:
    lines = [line for line in complaint.decode("utf-8", "replace").splitlines() if line.strip()]
    return visible_line(lines[0]) if lines else ""


def _failure(repository: Path, command: str, line: str) -> InfrastructureError:
    return InfrastructureError(f"'git {command}' failed in '{repository}': {line}", line=line)
