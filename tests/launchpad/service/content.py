# SPDX-License-Identifier: Apache-2.0
"""The things that are served: those of a table, with the tips of real Bazaar branches."""

from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import breezy.bzr  # noqa: F401 - it makes Bazaar's formats known
from breezy.branch import Branch as BazaarBranch
from lazr.restful.interfaces import IServiceRootResource
from lazr.restful.simple import TraverseWithGet
from zope.component import getUtility
from zope.interface import implementer

from launchpad.service import interfaces
from launchpad.service.interfaces import BranchMergeProposalStatus, VCSType

HEADS = "refs/heads/"
OPEN = (
    BranchMergeProposalStatus.WORK_IN_PROGRESS,
    BranchMergeProposalStatus.NEEDS_REVIEW,
    BranchMergeProposalStatus.CODE_APPROVED,
)
ENTRIES: dict[str, "Entry"] = {}


def load(table: dict) -> None:
    """Make the things of a table."""
    for name, about in table.get("projects", {}).items():
        _add(Project(name, about))
    for name, directory in table.get("branches", {}).items():
        _add(Branch(name, Path(directory)))
    for name, about in table.get("repositories", {}).items():
        repository = _add(Repository(name, about))
        for branch, commit in about["refs"].items():
            _add(Ref(repository, branch, commit))
    for number, about in enumerate(table.get("proposals", ()), 1):
        _add(Proposal(number, about))


def at(place: str):
    """Return what is at a place of the service, or something that leads further."""
    if place in ENTRIES:
        return ENTRIES[place]
    return Way(place) if any(other.startswith(f"{place}/") for other in ENTRIES) else None


def everything(kind: type) -> list:
    """Return all things of a kind."""
    return [entry for entry in ENTRIES.values() if isinstance(entry, kind)]


def _add(entry: "Entry") -> "Entry":
    return ENTRIES.setdefault(entry.place, entry)


def _owner(place: str) -> "Entry":
    return _add(Person(place.partition("/")[0]))


def _end(name: str) -> "Entry":
    """Return a Bazaar branch by its name, or a ref of git by REPOSITORY:BRANCH."""
    place, colon, branch = name.partition(":")
    return REPOSITORIES.getByPath(place).getRefByPath(branch) if colon else ENTRIES[name]


class Way(TraverseWithGet):
    """A place at which nothing is, but below it."""

    def __init__(self, place: str):
        self.place = place

    def get(self, request, name):
        return at(f"{self.place}/{name}")


class Entry(Way):
    """A thing at its place."""

    @property
    def __parent__(self):
        return getUtility(IServiceRootResource)

    @property
    def __path_parts__(self):
        return self.place.split("/")


class End(Entry):
    """What a proposal can be from and for."""

    @property
    def landing_targets(self):
        """All proposals of which this is the source."""
        return [one for one in everything(Proposal) if one.ends[0] is self]

    @property
    def landing_candidates(self):
        """The open proposals of which this is the target."""
        return self.getMergeProposals()

    def getMergeProposals(self, status=None):  # noqa: N802
        """Return the proposals of which this is the target, as Launchpad does."""
        # What lp.code.model.branch takes for a status that is not sent.
        wanted = status or OPEN
        into = [one for one in everything(Proposal) if one.ends[1] is self]
        return [one for one in into if one.queue_status in wanted]


@implementer(interfaces.IPerson)
class Person(Entry):
    """Somebody; known by what is theirs."""

    def __init__(self, place: str):
        super().__init__(place)
        self.name = place[1:]
        self.display_name = self.name.title()


@implementer(interfaces.IProject)
class Project(Entry):
    """A project; `focus` is the name of its own Bazaar branch."""

    def __init__(self, name: str, about: dict):
        super().__init__(name)
        self.name = name
        self.display_name = name.title()
        self.vcs = VCSType.getTermByToken(about["vcs"]).value if "vcs" in about else None
        self.focus = about.get("focus", "")

    def getMergeProposals(self, status=None):  # noqa: N802
        """Return the proposals for any branch of the project."""
        return [
            one
            for end in everything(End)
            if self.name == end.place.split("/")[1]
            for one in end.getMergeProposals(status)
        ]


@implementer(interfaces.IBranch)
class Branch(End):
    """A Bazaar branch, whose tip is read where it lies."""

    def __init__(self, name: str, directory: Path):
        super().__init__(name)
        self.unique_name = name
        self.name = name.split("/")[2]
        self.owner = _owner(name)
        self._directory = directory

    @property
    def bzr_identity(self):
        names = [one.name for one in everything(Project) if one.focus == self.place]
        return f"lp:{[*names, self.place][0]}"

    @property
    def revision_count(self):
        return self._tip()[0]

    @property
    def last_scanned_id(self):
        return self._tip()[1].decode()

    def _tip(self) -> tuple[int, bytes]:
        if not self._directory.is_dir():
            return 0, b"null:"
        return BazaarBranch.open(str(self._directory)).last_revision_info()


@implementer(interfaces.IGitRepository)
class Repository(Entry):
    """A git repository; `names` are all that it has after lp:, the shortest one first."""

    def __init__(self, name: str, about: dict):
        super().__init__(name)
        owner, project, _, self.name = name.split("/")
        short = {"project": project, "owner": f"{owner}/{project}"}
        self.names = [*(short[one] for one in short if one in about.get("default_of", ())), name]
        self.unique_name = name
        self.git_identity = f"lp:{self.names[0]}"
        self.git_https_url = about["url"]
        self.default_branch = HEADS + about.get("default_branch", "master")
        self.owner = _owner(name)

    def getRefByPath(self, path):  # noqa: N802
        return ENTRIES.get(f"{self.place}/+ref/{_quoted(path)}")


@implementer(interfaces.IGitRef)
class Ref(End):
    """A branch of a git repository."""

    def __init__(self, repository: Repository, branch: str, commit: str):
        super().__init__(f"{repository.place}/+ref/{_quoted(branch)}")
        self.repository = repository
        self.path = HEADS + branch
        self.commit_sha1 = commit


@implementer(interfaces.IBranchMergeProposal)
class Proposal(Entry):
    """A proposal of one branch for another, both of Bazaar or both of git."""

    def __init__(self, number: int, about: dict):
        source, target = self.ends = [_end(about[end]) for end in ("source", "target")]
        super().__init__(f"{source.place}/+merge/{number}")
        status = about.get("status", "Needs review")
        self.queue_status = BranchMergeProposalStatus.getTermByToken(status).value
        self.date_created = datetime.fromisoformat(about["date"])
        self.description = about.get("description")
        self.registrant = _owner(source.place)
        self.source_branch, self.target_branch = map(_bazaar, self.ends)
        self.source_git_repository, self.target_git_repository = map(_repository, self.ends)
        self.source_git_path, self.target_git_path = map(_path, self.ends)


def _quoted(branch: str) -> str:
    return quote(branch.removeprefix(HEADS), safe="")


def _bazaar(end: Entry):
    return end if isinstance(end, Branch) else None


def _repository(end: Entry):
    return end.repository if isinstance(end, Ref) else None


def _path(end: Entry):
    return end.path if isinstance(end, Ref) else None


class All:
    """All things of a kind, at the top of the service."""

    def __init__(self, name: str, kind: type):
        self.__path_parts__ = [name]
        self._kind = kind

    @property
    def __parent__(self):
        return getUtility(IServiceRootResource)

    def getAll(self):  # noqa: N802
        return everything(self._kind)


@implementer(interfaces.IPersonSet)
class AllPeople(All):
    """All people."""


@implementer(interfaces.IProjectSet)
class AllProjects(All):
    """All projects."""


@implementer(interfaces.IBranchSet)
class AllBranches(All):
    """All Bazaar branches."""

    def getByUrl(self, url):  # noqa: N802
        found = ENTRIES.get(url.removeprefix("lp:"))
        return _bazaar(ENTRIES.get(found.focus) if isinstance(found, Project) else found)


@implementer(interfaces.IGitRepositorySet)
class AllRepositories(All):
    """All git repositories."""

    def getByPath(self, path):  # noqa: N802
        return next((one for one in everything(Repository) if path in one.names), None)


PEOPLE = AllPeople("people", Person)
PROJECTS = AllProjects("projects", Project)
BRANCHES = AllBranches("branches", Branch)
REPOSITORIES = AllRepositories("git_repositories", Repository)
