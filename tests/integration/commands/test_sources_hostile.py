# SPDX-License-Identifier: Apache-2.0
"""Tests that names, authors, subjects and files of a stranger do nothing but stand there."""

import subprocess
import tarfile

import pytest
from hostile import CORPUS, REF_CORPUS
from repositories import Repository

from osci_jobs.deployment import notation
from osci_jobs.deployment.projects import Project
from osci_jobs.errors import ConfigurationError, SourceError
from osci_jobs.results.escape import visible_line
from osci_jobs.sources import archive, fetching, merging, mirror, package
from osci_jobs.sources.attempts import Patience

AUTHOR = "author {} <b@e> 1700000000 +0000\ncommitter {} <b@e> 1700000000 +0000\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a directory whose `aviary` has no canary in it when the tests are over."""
    path = tmp_path_factory.mktemp("place")
    (path / "aviary").mkdir()
    yield path
    assert list((path / "aviary").iterdir()) == []


@pytest.fixture(scope="module")
def texts(place):
    """Return all strings; their canaries would be in `place` wherever they are run."""
    return [text.replace("canary-", f"{place}/aviary/canary-") for text in (*REF_CORPUS, *CORPUS)]


@pytest.fixture(scope="module")
def made(place):
    return Repository(place / "made")


@pytest.fixture(scope="module")
def refs(made, texts):
    """Return what the notation accepts as a ref, by the commit that it was given."""
    found = {}
    for text in texts:
        try:
            ref = notation.parse("nova", f"{made.url}@{text}").ref
        except notation.MalformedSourceError:
            continue
        found[ref if ref.startswith("refs/") else f"refs/heads/{ref}"] = ref
    tree = made.tree("master")
    # A commit that the mirror has is not fetched again, so some have the same.
    own = [commit(made, tree, f"Commit {number}", "Bob") for number in range(len(found) // 4 + 1)]
    commits = {name: own[number // 4] for number, name in enumerate(found)}
    made.git(
        "update-ref",
        "--stdin",
        "-z",
        content="".join(f"create {name}\0{commit}\0" for name, commit in commits.items()),
    )
    return {ref: commits[name] for name, ref in found.items()}


def is_harmless(text: str) -> bool:
    """Tell whether nothing of a text is left to escape."""
    return visible_line(text) == text


def commit(made: Repository, tree: str, subject: str, author: str, parent: str = "master") -> str:
    """Return a commit by this author, whatever his name is."""
    head = f"tree {tree}\nparent {made.id(parent)}\n" + AUTHOR.format(author, author)
    content = f"{head}\n{subject}\n".encode("utf-8", "surrogatepass")
    return made.git("hash-object", "-t", "commit", "-w", "--stdin", content=content)


def test_there_are_enough_of_them(texts, refs):
    assert len(texts) > 400
    assert len(refs) > 90


def test_what_the_notation_accepts_is_a_ref_for_git(refs, made):
    for ref in refs:
        made.git("check-ref-format", f"refs/heads/{ref}")


@pytest.mark.parametrize("how", ["{}", "https://x/y@{}", "lp:~bob/nova:{}", "lp:{}", "gerrit:{}"])
def test_other_notations_refuse_or_take_them_whole(texts, how):
    for text in texts:
        written = how.replace("{}", text)
        try:
            source = notation.parse("nova", written)
        except notation.MalformedSourceError:
            continue
        assert source.text == written
        assert source.kind == "checkout" or not f"{source.url}{source.ref}".startswith("-")


def test_refs_are_fetched_by_their_name(place, made, refs):
    patience = Patience(30, print, ())
    with mirror.claimed(place / "cache", "nova") as repository:
        for ref, commit in refs.items():
            assert mirror.fetch(repository, made.url, ref, patience).commit == commit
        with pytest.raises(SourceError) as caught:
            mirror.fetch(repository, made.url, next(iter(refs)) + "x", patience)
    assert is_harmless(str(caught.value))


def test_what_is_no_ref_is_not_given_to_git(place, made, texts, refs):
    accepted = (*refs, "", *filter(notation.is_git_url, texts))
    refused = [text for text in texts if text not in accepted and not notation.is_branch(text)]
    patience = Patience(30, print, ())
    with mirror.claimed(place / "cache", "nova") as repository:
        for text in refused:
            with pytest.raises(ConfigurationError, match="is no place that git has"):
                mirror.fetch(repository, made.url, text, patience)
            with pytest.raises(ConfigurationError, match="is no place that git has"):
                mirror.fetch(repository, text, "x", patience)


def test_authors_and_subjects_go_through_a_rebase(place, made, texts):
    tip = made.id("master")
    for number, text in enumerate(texts[::6]):
        author = text.translate(str.maketrans("", "", "<>\n\0"))[:200].strip() or "x"
        listed = f"{made.git('ls-tree', tip)}\n100644 blob {made.id('master:api.py')}\tf{number}\n"
        tree = made.git("mktree", content=listed)
        tip = commit(made, tree, text.replace("\0", "")[:300], author, tip)
    made.git("update-ref", "refs/heads/long", tip)
    made.commit("Go on", {"log.py": "x"})
    found = fetching.fetch(
        place / "rebased",
        notation.parse("nova", f"{made.url}@long", "rebase"),
        Project("nova", "nova", made.url, "master"),
        None,
        Patience(30, print, ()),
    )
    with mirror.claimed(place / "rebased", "nova") as repository:
        told = ("log", "--format=%an %ae %at%n%B", "-z")
        rebased = merging.git.read(repository, *told, f"{found.trunk}..{found.merged}")
        for commit_id in merging.git.read(repository, "rev-list", found.merged).split():
            assert is_harmless(merging.name(repository, commit_id))
    assert rebased == made.git(*told, f"{found.base}..long")


def test_names_of_files_go_through_a_conflict_and_an_export(place, made, texts):
    names = {text.replace("/", "_").replace("\0", "")[:60] for text in texts} - {"", ".", ".."}
    commits = []
    for content in ("ours", "theirs"):
        blob = made.git("hash-object", "-w", "--stdin", content=content)
        lines = [made.git("ls-tree", "-z", "master")]
        lines += [f"100644 blob {blob}\t{name}\0" for name in sorted(names)]
        tree = made.git("mktree", "-z", content="".join(lines).encode("utf-8", "surrogatepass"))
        commits.append(commit(made, tree, "Add names", "Bob"))
        made.git("update-ref", f"refs/heads/names-{content}", commits[-1])
    patience = Patience(30, print, ())
    with mirror.claimed(place / "cache", "nova") as repository:
        ours, theirs = (
            mirror.fetch(repository, made.url, f"names-{side}", patience).commit
            for side in ("ours", "theirs")
        )
        with pytest.raises(SourceError, match=f"and {len(names) - 5} more") as caught:
            merging.meet(repository, "merge", ours, theirs)
        archive.export(repository, ours, place / "names.tar")
        listed = merging.git.read(repository, "ls-tree", "-r", "-z", "--name-only", ours)
    assert is_harmless(str(caught.value))
    assert is_harmless(caught.value.line)
    with tarfile.open(place / "names.tar") as opened:
        assert sorted(opened.getnames()) == sorted(listed.split("\0")[:-1])


def test_names_of_packages_are_only_compared(place, made, texts):
    with mirror.claimed(place / "cache", "nova") as repository:
        tip = mirror.fetch(repository, made.url, "master", Patience(30, print, ())).commit
        for text in texts[1::40]:
            setup = f"[metadata]\nname = {text}\n".encode("utf-8", "surrogatepass")
            blob = merging.git.read(repository, "hash-object", "-w", "--stdin", content=setup)
            listed = f"100644 blob {blob}\tsetup.cfg\n".encode()
            tree = merging.git.read(repository, "mktree", content=listed)
            written = merging.write(repository, tree, (), (tip,), "Be another\n")
            with pytest.raises(SourceError, match="expected 'nova'") as caught:
                package.check(repository, written, Project("nova", "nova", made.url, "master"))
            assert is_harmless(str(caught.value))


def test_a_shell_would_make_a_canary(place, texts):
    made = [text for text in texts if text.startswith("$(") and "aviary" in text][0]
    subprocess.run(["sh", "-c", made], check=False, stderr=subprocess.DEVNULL)
    canaries = list((place / "aviary").iterdir())
    assert len(canaries) == 1
    canaries[0].unlink()
