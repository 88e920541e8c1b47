# SPDX-License-Identifier: Apache-2.0
"""What pip says of code that it could not build or install, as errors of a source."""

from osci_jobs.errors import InfrastructureError, SourceError


def require_registries(unreachable: str) -> None:
    """Raise InfrastructureError when a registry is to blame; `unreachable` says what is not."""
    if unreachable:
        raise InfrastructureError(unreachable)


def of_build(lines: list[str], project: str) -> SourceError:
    """Return the error for code that did not build."""
    return SourceError("\n".join([*lines[-4:], f"'{project}' does not build."]))


def of_installation(lines: list[str]) -> SourceError:
    """Return the error for what could not be installed."""
    return SourceError("\n".join([*lines[-4:], "The code cannot be installed."]))
