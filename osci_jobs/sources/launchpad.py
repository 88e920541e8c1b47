# SPDX-License-Identifier: Apache-2.0
"""Launchpad's web service: what a branch is there, and where it is proposed to go."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from tempfile import TemporaryDirectory
from typing import Any

from launchpadlib import errors
from launchpadlib.launchpad import Launchpad, LaunchpadOAuthAwareHttp

from osci_jobs.deadline import within
from osci_jobs.deployment.model import Source
from osci_jobs.deployment.notation import is_branch, is_plain_url
from osci_jobs.deployment.projects import Projects
from osci_jobs.errors import OsciError, SourceError
from osci_jobs.results.escape import clip, visible_line
from osci_jobs.sources.attempts import AwayError, Patience, repeated
from osci_jobs.sources.model import Place

# The status of a proposal that may still be merged.
_OPEN = ("Work in progress", "Needs review", "Approved")
_PROPOSALS = 300
_HEADS = "refs/heads/"
_SHOWN_CHARACTERS = 300
_BUSY = (408, 429)
# By Launchpad's rules for names: ~OWNER/PROJECT/BRANCH, or more parts for a distribution's.
_BRANCH = re.compile(r"~[a-z0-9][a-z0-9+.-]*(/[A-Za-z0-9+][A-Za-z0-9+._@-]*){2,4}", re.ASCII)
_BRANCH_FACTS = ("unique_name", "bzr_identity", "web_link")
_PROPOSAL_FACTS = ("queue_status", "web_link", "target_git_path")
_REPOSITORY_FACTS = ("git_https_url", "git_identity", "default_branch")
_REF_FACTS = ("path", "web_link")


@dataclass(frozen=True)
class _Found:
    """What Launchpad says of a branch, of the proposal to merge it, and of what it goes into.

    Each is what its name in Launchpad's web service has, texts only. Without a proposal
    `target` is the project's own branch where the source is a Bazaar one.
    """

    vcs: str
    source: Mapping[str, str]
    proposal: Mapping[str, str] = field(default_factory=dict)
    target: Mapping[str, str] = field(default_factory=dict)


def find(projects: Projects, source: Source, patience: Patience) -> Place:
    """Return where the code of a branch is, and what it is proposed for.

    Of a Bazaar branch, `url` and `trunk_url` are what `bazaar.bring` takes; its trunk is
    what it is proposed for, else the project's development focus. `details` has
    `branch_url`, and of the newest open proposal `proposal_url`, `proposal_status` and
    `proposal_target`. `patience.seconds` is for one attempt. Raises SourceError where Launchpad
    has no such branch for everybody, InfrastructureError where it does not answer.
    """
    patience.say(f"Asking Launchpad for '{source.text}'.")
    return repeated(lambda: _place(projects, source, patience.seconds), patience)


def _place(projects: Projects, source: Source, seconds: float) -> Place:
    server = projects.launchpad
    found = _asked(server, source.url, seconds)
    try:
        read = _read_bazaar if found.vcs == "bazaar" else _read_git
        return read(projects, source.ref, found)
    except ValueError as error:
        raise AwayError(f"Launchpad at '{server}' says what makes no sense: {error}.") from error


def _read_bazaar(projects: Projects, commit: str, found: _Found) -> Place:
    target = found.target
    return Place(
        vcs="bazaar",
        url=_bazaar_url(projects, found.source),
        ref="",
        commit=commit,
        trunk_url=_bazaar_url(projects, target) if target else "",
        details=_details(found, target.get("bzr_identity", "")),
    )


def _read_git(projects: Projects, commit: str, found: _Found) -> Place:
    target = found.target
    branch = found.proposal.get("target_git_path", "").removeprefix(_HEADS) if target else ""
    return Place(
        url=_git_url(found.source),
        ref=_ref(found.source.get("path", "")),
        commit=commit,
        trunk_url=_git_url(target) if target else "",
        trunk_branch=_ref(branch) if target else "",
        details=_details(found, f"{target.get('git_identity')}:{branch}"),
    )


def _details(found: _Found, target: str) -> dict[str, str]:
    details = {
        "branch_url": _page(found.source),
        "proposal_url": _page(found.proposal),
        "proposal_status": found.proposal.get("queue_status", ""),
        "proposal_target": target if found.proposal else "",
    }
    return {name: clip(text, _SHOWN_CHARACTERS) for name, text in details.items() if text}


def _bazaar_url(projects: Projects, branch: Mapping[str, str]) -> str:
    name = branch.get("unique_name", "")
    if not _BRANCH.fullmatch(name):
        raise ValueError(f"a branch named {_shown(name)}")
    return f"{projects.bazaar.rstrip('/')}/{name}"


def _git_url(repository: Mapping[str, str]) -> str:
    url = repository.get("git_https_url", "")
    if not is_plain_url(url):
        raise ValueError(f"a git repository at {_shown(url)}")
    return url


def _ref(name: str) -> str:
    if not is_branch(name):
        raise ValueError(f"a branch named {_shown(name)}")
    return name


def _page(entry: Mapping[str, str]) -> str:
    url = entry.get("web_link", "")
    return url if is_plain_url(url) else ""


def _asked(server: str, path: str, seconds: float) -> _Found:
    """Ask the server in a thread that can be left; say what its silence or its words mean."""
    # launchpadlib writes to the user's home otherwise.
    with TemporaryDirectory(prefix="osci-launchpad-", ignore_cleanup_errors=True) as home:
        try:
            return within(seconds, lambda: _answer(server, path, home, seconds))
        except OsciError:
            raise
        except TimeoutError as error:
            raise AwayError(
                f"Launchpad at '{server}' gives no whole answer within {seconds:g} s."
            ) from error
        except errors.HTTPError as error:
            raise _refusal(server, path, error.response) from error
        # A server that is none, or no Launchpad, makes launchpadlib fail in any way.
        except Exception as error:
            cause = _shown(f"{type(error).__name__}: {error}")
            raise AwayError(f"Launchpad at '{server}' cannot be asked: {cause}.") from error


def _refusal(server: str, path: str, response: Any) -> OsciError:
    status, reason = response.status, _shown(str(response.reason))
    if 400 <= status < 500 and status not in _BUSY:
        return SourceError(
            f"Launchpad at '{server}' does not show 'lp:{path}' to everybody ({status} {reason})."
        )
    return AwayError(f"Launchpad at '{server}' answers with the error {status} ({reason}).")


def _answer(server: str, path: str, home: str, seconds: float) -> _Found:
    with _greeted(server, home, seconds) as launchpad:
        for look in _ways(launchpad, path):
            if found := look(launchpad, path):
                return found
        raise SourceError(_missing(launchpad, server, path))


@contextmanager
def _greeted(server: str, home: str, seconds: float) -> Iterator[Launchpad]:
    """Yield the web service as everybody may see it; its connections end with the context."""
    connections: list[_Http] = []

    class Anonymous(Launchpad):
        def httpFactory(self, *words: Any) -> _Http:  # noqa: N802
            connections.append(_Http(self, None, *words))
            return connections[-1]

    try:
        yield _login(Anonymous, server, home, seconds)
    finally:
        for connection in connections:
            connection.close()


def _login(client: type[Launchpad], server: str, home: str, seconds: float) -> Launchpad:
    try:
        return client.login_anonymously("osci", server, home, seconds, version="devel")
    except errors.HTTPError as error:
        raise AwayError(
            f"'{server}' does not greet as Launchpad does ({error.response.status})."
        ) from error


class _Http(LaunchpadOAuthAwareHttp):
    """Tells of each error at once: launchpadlib waits in between by itself, and says nothing."""

    def request(self, *words: Any, **named: Any) -> Any:
        """Send a request; raises HTTPError for a status that is one."""
        response, content = super().request(*words, **named)
        if response.status >= 400:
            raise errors.HTTPError(response, content)
        return response, content


def _ways(launchpad: Launchpad, path: str) -> tuple[Callable[[Launchpad, str], Any], ...]:
    """Return how to look for a branch, by the form of its name or what its project prefers."""
    place, colon, _ = path.partition(":")
    parts = place.split("/")
    if colon or "+git" in parts or (place.startswith("~") and len(parts) < 3):
        return (_git,)
    if len(parts) > 1:
        return (_bazaar,)
    is_git = _project(launchpad, place).get("vcs") == "Git"
    return (_git, _bazaar) if is_git else (_bazaar, _git)


def _bazaar(launchpad: Launchpad, path: str) -> _Found | None:
    branch = launchpad.branches.getByUrl(url=f"lp:{path}")
    if branch is None:
        return None
    source = _texts(branch, *_BRANCH_FACTS)
    proposal = _newest(branch)
    if proposal:
        target = _linked(proposal, "target_branch")
    else:
        target = launchpad.branches.getByUrl(url=f"lp:{_project_name(source['unique_name'])}")
    return _Found(
        vcs="bazaar",
        source=source,
        proposal=_texts(proposal, *_PROPOSAL_FACTS),
        target=_texts(target, *_BRANCH_FACTS),
    )


def _git(launchpad: Launchpad, path: str) -> _Found | None:
    place, _, branch = path.partition(":")
    repository = launchpad.git_repositories.getByPath(path=place)
    if repository is None:
        return None
    source = _texts(repository, *_REPOSITORY_FACTS)
    name = branch or source["default_branch"]
    full = name if name.startswith("refs/") else f"{_HEADS}{name}"
    ref = repository.getRefByPath(path=full)
    if ref is None:
        return None
    proposal = _newest(ref)
    return _Found(
        vcs="git",
        source={**source, **_texts(ref, *_REF_FACTS)},
        proposal=_texts(proposal, *_PROPOSAL_FACTS),
        target=_texts(_linked(proposal, "target_git_repository"), *_REPOSITORY_FACTS),
    )


def _newest(branch: Any) -> Any:
    """Return the newest open proposal of which a branch is the source, or None."""
    # getMergeProposals would give those that it is the target of.
    proposals = islice(branch.landing_targets, _PROPOSALS)
    still_open = (one for one in proposals if one.queue_status in _OPEN)
    return max(still_open, key=lambda one: str(one.date_created), default=None)


def _linked(entry: Any, name: str) -> Any:
    """Return what an entry links to, or None; to what is private, the link is no URL."""
    link = getattr(entry, f"{name}_link", None)
    return getattr(entry, name) if isinstance(link, str) and is_plain_url(link) else None


def _texts(entry: Any, *names: str) -> dict[str, str]:
    """Return the named values of an entry, "" for each that is no text; none without an entry."""
    if entry is None:
        return {}
    values = {name: getattr(entry, name, "") for name in names}
    return {name: value if isinstance(value, str) else "" for name, value in values.items()}


def _missing(launchpad: Launchpad, server: str, path: str) -> str:
    project = _project_name(path)
    if project and not _project(launchpad, project):
        return f"Launchpad at '{server}' has no project '{project}' for 'lp:{path}'."
    return f"Launchpad at '{server}' has no branch 'lp:{path}' that everybody may see."


def _project(launchpad: Launchpad, name: str) -> dict[str, str]:
    try:
        return _texts(launchpad.projects[name], "name", "vcs")
    except KeyError:
        return {}


def _project_name(path: str) -> str:
    """Return the project in '~bob/nova/spiffy' or 'nova', "" where there is none."""
    parts = path.partition(":")[0].split("/")
    name = parts[1] if path.startswith("~") and len(parts) > 1 else parts[0]
    return "" if name.startswith(("~", "+")) else name


def _shown(text: str) -> str:
    """Return a stranger's text as a sentence can hold it."""
    return clip(visible_line(text), _SHOWN_CHARACTERS)
