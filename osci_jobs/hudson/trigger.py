# SPDX-License-Identifier: Apache-2.0
"""Starting a build of a job, and finding that very build again.

Jenkins answers with the address of a queue item, which comes to name its build.
Hudson does not, has no pages of items, and takes no parameter or cause that would
mark a build as ours. What it has is this: at any time the queue of a server holds
one item at most of a job with the same parameters, for it folds what is asked for
twice into one. So an item or a build with our parameters that was not there before
is ours, or is built for us as well as for whom else asked for it. The same finds a
build whose POST lost its answer, so that none is sent again.
"""

import re
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from osci_jobs.deployment import check_name
from osci_jobs.errors import ConfigurationError, InterruptionError, OsciError
from osci_jobs.hudson import build
from osci_jobs.hudson.build import Build, Item, Job
from osci_jobs.hudson.server import AwayError, LostError, Server, job_path

FIND_SECONDS = 20.0

_POLL_SECONDS = 0.5
_BUILDS = 50  # that others may have started meanwhile
_ITEM = re.compile(r"/queue/item/(\d{1,12})/?$")
_One = TypeVar("_One", Item, Build)


class CancelledError(InterruptionError):
    """Somebody took the build out of the queue."""


@dataclass(frozen=True)
class Trigger:
    """A build that was asked for, as far as it is known where it is.

    `parameters` are those that it has. It is waiting as `item`, or it is build
    `number`; builds from `next_number` on were started later. `has_page` tells
    whether the server has a page of the item.
    """

    job: str
    parameters: Mapping[str, str]
    next_number: int
    item: int = 0
    number: int = 0
    has_page: bool = False


def job_name(command: str, deployment: str) -> str:
    """Return the name of a deployment's job of one family, as the templates in `jobs/` have it.

    Raises ConfigurationError for what is no name of a deployment.
    """
    check_name(deployment)
    return f"osci-{command}-{deployment}"


def find_job(server: Server, name: str) -> Job:
    """Return a job that can be started; raises ConfigurationError for any other."""
    found = build.job(server, name)
    if found is None:
        raise ConfigurationError(
            f"'{server.url}' has no job '{name}', or does not show it to this account. "
            f"Bring it there with: jenkins-jobs update jobs/"
        )
    if not found.is_buildable:
        raise ConfigurationError(f"'{server.url}': The job '{name}' is disabled.")
    return found


def check_parameters(server: Server, job: Job, options: Mapping[str, str]) -> None:
    """Raise ConfigurationError for a parameter that the job lacks; `options` maps each to its own.

    A server drops such a parameter without a word.
    """
    for name, option in options.items():
        if name not in job.parameters:
            known = ", ".join(sorted(job.parameters)) or "none"
            raise ConfigurationError(
                f"'{server.url}': The job '{job.name}' has no parameter {name}, which {option} "
                f"sets; it has: {known}. Renew it with: jenkins-jobs update jobs/"
            )


def start(server: Server, job: Job, parameters: Mapping[str, str]) -> Trigger:
    """Ask for a build, once, and return where it is.

    Raises InfrastructureError where the request was lost and nothing came of it.
    """
    asked = Trigger(job.name, {**job.parameters, **parameters}, job.next_number)
    path = job_path(job.name) + ("buildWithParameters" if job.parameters else "build")
    lost: OsciError | None = None
    try:
        answer = server.post(path, build.about_job(job.name), parameters)
        if match := _ITEM.search(answer.headers.get("Location", "")):
            return replace(asked, item=int(match[1]), has_page=True)
    except LostError as error:
        lost = error
    return _find(server, asked, lost)


def locate(server: Server, asked: Trigger) -> tuple[Trigger, Item | None]:
    """Return where the build is now, and its item while it waits.

    Neither number nor item says that it is nowhere, perhaps for a moment only.
    """
    next_number = build.next_number(server, asked.job)
    items = build.queue(server)
    waiting = next((one for one in items if one.id == asked.item and one.job == asked.job), None)
    if waiting:
        # What had been started before the queue was looked at is not this one.
        return replace(asked, next_number=next_number), waiting
    if asked.has_page and (number := _number_of_item(server, asked)):
        return replace(asked, number=number), None
    if started := _started(server, asked):
        return replace(asked, number=started.number), None
    # A server that was restarted gives its items other numbers.
    again = _ours(server, _alike(items, asked))
    return replace(asked, item=again.id if again else asked.item), again


def _find(server: Server, asked: Trigger, lost: OsciError | None) -> Trigger:
    until = time.monotonic() + FIND_SECONDS
    trouble: OsciError | None = None
    while time.monotonic() < until:
        try:
            if item := _ours(server, _alike(build.queue(server), asked)):
                return replace(asked, item=item.id)
            if started := _started(server, asked):
                return replace(asked, number=started.number)
            trouble = None
        except AwayError as error:
            trouble = error
        time.sleep(_POLL_SECONDS)
    raise _not_found(server, asked, trouble, lost) from trouble or lost


def _not_found(
    server: Server, asked: Trigger, trouble: OsciError | None, lost: OsciError | None
) -> OsciError:
    about = build.about_job(asked.job)
    if trouble:
        return server.error(
            about, f"a build was asked for, and whether it was started is not known: {trouble}"
        )
    if lost:
        return server.error(
            about,
            f"the answer to the request for a build was lost, and neither queue nor builds have "
            f"it; it was not sent again ({lost})",
        )
    return server.error(
        about,
        f"a build was asked for, and within {FIND_SECONDS:.0f} s neither queue nor builds had it",
    )


def _number_of_item(server: Server, asked: Trigger) -> int:
    """Return the number of the build that a queue item became, 0 where it is not known."""
    path = f"queue/item/{asked.item}/api/json"
    tree = "cancelled,executable[number]"
    found = server.find(path, f"the queue item {asked.item}", tree) or {}
    if found.get("cancelled") is True:
        raise cancelled(server, asked)
    executable: Any = found.get("executable")
    number = executable.get("number") if isinstance(executable, dict) else 0
    return number if type(number) is int and number > 0 else 0


def cancelled(server: Server, asked: Trigger) -> CancelledError:
    """Return the error of a build that was taken out of the queue."""
    message = f"'{server.url}', the job '{asked.job}': The build was taken out of the queue."
    return CancelledError(signal.SIGTERM, message)


def _started(server: Server, asked: Trigger) -> Build | None:
    """Return the first build with our parameters of those that were started since."""
    end = min(build.next_number(server, asked.job), asked.next_number + _BUILDS)
    found = (build.build(server, asked.job, number) for number in range(asked.next_number, end))
    return _ours(server, [one for one in found if one and _is_alike(one.parameters, asked)])


def _alike(items: Sequence[Item], asked: Trigger) -> list[Item]:
    return [one for one in items if one.job == asked.job and _is_alike(one.parameters, asked)]


def _is_alike(parameters: Mapping[str, str], asked: Trigger) -> bool:
    return dict(parameters) == dict(asked.parameters)


def _ours(server: Server, found: Sequence[_One]) -> _One | None:
    """Return the first of them that this account asked for, else the first."""
    user = server.account.user
    return min(found, key=lambda one: user not in one.users, default=None)
