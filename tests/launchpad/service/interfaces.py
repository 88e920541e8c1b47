# SPDX-License-Identifier: Apache-2.0
"""What the web service says of each kind of thing; names are those of Launchpad's WADL."""

from lazr.enum import EnumeratedType, Item
from lazr.restful.declarations import (
    collection_default_content,
    export_read_operation,
    exported,
    exported_as_webservice_collection,
    exported_as_webservice_entry,
    operation_parameters,
    operation_returns_collection_of,
    operation_returns_entry,
)
from lazr.restful.fields import CollectionField, Reference
from lazr.restful.simple import IMultiplePathPartLocation
from zope.interface import Interface
from zope.schema import Choice, Datetime, Int, List, TextLine


class BranchMergeProposalStatus(EnumeratedType):
    """How far a proposal has come."""

    WORK_IN_PROGRESS = Item("Work in progress")
    NEEDS_REVIEW = Item("Needs review")
    CODE_APPROVED = Item("Approved")
    REJECTED = Item("Rejected")
    MERGED = Item("Merged")
    MERGE_FAILED = Item("Code failed to merge")
    QUEUED = Item("Queued")
    SUPERSEDED = Item("Superseded")


class VCSType(EnumeratedType):
    """What a project keeps its code in."""

    BZR = Item("Bazaar")
    GIT = Item("Git")


def text(title: str):
    """A line of text that is read only, or nothing."""
    return exported(TextLine(title=title, readonly=True, required=False))


def link(interface=Interface):
    """A link to another thing, or nothing."""
    return exported(Reference(schema=interface, readonly=True, required=False))


# By which proposals are chosen.
CHOSEN = {"status": List(value_type=Choice(vocabulary=BranchMergeProposalStatus), required=False)}


@exported_as_webservice_entry("person", plural_name="people")
class IPerson(IMultiplePathPartLocation):
    """Somebody, or a team."""

    name = text("Name")
    display_name = text("Name to show")


@exported_as_webservice_entry("branch_merge_proposal")
class IBranchMergeProposal(IMultiplePathPartLocation):
    """A branch that is to go into another one, both of Bazaar or both of git."""

    queue_status = exported(Choice(vocabulary=BranchMergeProposalStatus, readonly=True))
    date_created = exported(Datetime(title="Date", readonly=True))
    registrant = link(IPerson)
    description = text("Description")
    source_branch = link()
    target_branch = link()
    source_git_repository = link()
    source_git_path = text("Ref of the source")
    target_git_repository = link()
    target_git_path = text("Ref of the target")


def proposals():
    """A collection of proposals."""
    return exported(
        CollectionField(value_type=Reference(schema=IBranchMergeProposal), readonly=True)
    )


@exported_as_webservice_entry("branch", plural_name="branches")
class IBranch(IMultiplePathPartLocation):
    """A branch of Bazaar."""

    name = text("Name")
    unique_name = text("Owner, project and name")
    bzr_identity = text("The shortest name after lp:")
    owner = link(IPerson)
    last_scanned_id = text("Revision id of its tip")
    revision_count = exported(Int(title="Revisions", readonly=True))

    landing_targets = proposals()
    landing_candidates = proposals()

    @operation_parameters(**CHOSEN)
    @operation_returns_collection_of(IBranchMergeProposal)
    @export_read_operation()
    def getMergeProposals(status=None):  # noqa: N802, N805
        """Return the proposals to merge something into it."""


@exported_as_webservice_entry("git_ref")
class IGitRef(IMultiplePathPartLocation):
    """A branch of a git repository."""

    repository = link()
    path = text("Full name")
    commit_sha1 = text("Its commit")

    landing_targets = proposals()
    landing_candidates = proposals()

    @operation_parameters(**CHOSEN)
    @operation_returns_collection_of(IBranchMergeProposal)
    @export_read_operation()
    def getMergeProposals(status=None):  # noqa: N802, N805
        """Return the proposals to merge something into it."""


@exported_as_webservice_entry("git_repository", plural_name="git_repositories")
class IGitRepository(IMultiplePathPartLocation):
    """A repository of git."""

    name = text("Name")
    unique_name = text("Owner, project and name")
    git_identity = text("The shortest name after lp:")
    git_https_url = text("Where everybody may fetch it")
    default_branch = text("The ref that HEAD is")
    owner = link(IPerson)

    @operation_parameters(path=TextLine())
    @operation_returns_entry(IGitRef)
    @export_read_operation()
    def getRefByPath(path):  # noqa: N802, N805
        """Return a ref, or nothing."""


@exported_as_webservice_entry("project")
class IProject(IMultiplePathPartLocation):
    """A project."""

    name = text("Name")
    display_name = text("Name to show")
    vcs = exported(Choice(vocabulary=VCSType, readonly=True, required=False))

    @operation_parameters(**CHOSEN)
    @operation_returns_collection_of(IBranchMergeProposal)
    @export_read_operation()
    def getMergeProposals(status=None):  # noqa: N802, N805
        """Return the proposals to merge into one of its branches."""


# Links to what stands further down.
IGitRef["repository"].schema = IGitRepository
for END in ("source", "target"):
    IBranchMergeProposal[f"{END}_branch"].schema = IBranch
    IBranchMergeProposal[f"{END}_git_repository"].schema = IGitRepository


@exported_as_webservice_collection(IPerson)
class IPersonSet(IMultiplePathPartLocation):
    """All people."""

    @collection_default_content()
    def getAll():  # noqa: N802
        """Return all of them."""


@exported_as_webservice_collection(IProject)
class IProjectSet(IMultiplePathPartLocation):
    """All projects."""

    @collection_default_content()
    def getAll():  # noqa: N802
        """Return all of them."""


@exported_as_webservice_collection(IBranch)
class IBranchSet(IMultiplePathPartLocation):
    """All branches of Bazaar."""

    @collection_default_content()
    def getAll():  # noqa: N802
        """Return all of them."""

    @operation_parameters(url=TextLine())
    @operation_returns_entry(IBranch)
    @export_read_operation()
    def getByUrl(url):  # noqa: N802, N805
        """Return a branch by its name after lp:, or nothing."""


@exported_as_webservice_collection(IGitRepository)
class IGitRepositorySet(IMultiplePathPartLocation):
    """All repositories of git."""

    @collection_default_content()
    def getAll():  # noqa: N802
        """Return all of them."""

    @operation_parameters(path=TextLine())
    @operation_returns_entry(IGitRepository)
    @export_read_operation()
    def getByPath(path):  # noqa: N802, N805
        """Return a repository by its name after lp:, or nothing."""
