# SPDX-License-Identifier: Apache-2.0
"""The errors that osci reports to its user, one class for each verdict.

OsciError
 +- ConfigurationError    usage, deployment or scenario file, unknown name
 +- InfrastructureError   host, network, disk, registry or server silent
 +- SourceError           no such ref, conflict, does not build or install
 +- DeployError           what was deployed did not come up
 +- LimitError            a limit of time or of silence
 +- InterruptionError           INT or TERM
"""

from pathlib import Path


class OsciError(Exception):
    """An error that its reader can act on; a bug keeps its own class and traceback.

    The message is one or more whole sentences. `host`, `unit`, `line` and
    `file` say where the trouble was seen: the host, the systemd unit or the
    Ansible task, the failing line itself, the log that holds it.
    """

    verdict = "infrastructure"

    def __init__(
        self, message: str, *, host: str = "", unit: str = "", line: str = "", file: str = ""
    ) -> None:
        super().__init__(message)
        self.recorded_in: set[Path] = set()  # the run logs that it is in already
        self.host = host
        self.unit = unit
        self.line = line
        self.file = file


class ConfigurationError(OsciError):
    """What the user wrote cannot be used; raised before anything is made."""

    verdict = "configuration"


class InfrastructureError(OsciError):
    """The machine, its network or its disk failed, never the code under test."""

    verdict = "infrastructure"


class SourceError(OsciError):
    """The code under test could not be fetched, built or installed."""

    verdict = "source"


class DeployError(OsciError):
    """What was deployed did not come up."""

    verdict = "deploy"


class LimitError(OsciError):
    """A phase went past its limit of time or of silence."""

    verdict = "timeout"


class InterruptionError(OsciError):
    """The user or Hudson asked osci to stop, by INT or TERM."""

    verdict = "interrupted"

    def __init__(self, signal_number: int, message: str = "The run was interrupted.") -> None:
        super().__init__(message)
        self.signal_number = signal_number
