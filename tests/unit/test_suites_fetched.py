# SPDX-License-Identifier: Apache-2.0
"""Tests of unpacking what came back, with archives that were made to do harm."""

import io
import tarfile

import pytest

from osci_jobs.suites import fetched
from osci_jobs.suites.fetched import NoArchiveError, unpack


def _member(name, content=b"", **fields):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    return member, content


def _archive(path, *members, format=tarfile.GNU_FORMAT):
    with tarfile.open(path, "w", format=format) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return path


def _names(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def _unpack(tmp_path, *members, **options):
    sentences = unpack(_archive(tmp_path / "a.tar", *members, **options), tmp_path / "out" / "in")
    assert _names(tmp_path / "out") == ["in", *(f"in/{n}" for n in _names(tmp_path / "out" / "in"))]
    return sentences, _names(tmp_path / "out" / "in")


def test_files_and_directories_are_unpacked(tmp_path):
    long = "/".join(["directory" * 9] * 8)
    sentences, names = _unpack(
        tmp_path,
        _member("empty", type=tarfile.DIRTYPE),
        _member("./dir/file", b"x" * 3_000_000, mode=0o4777),
        _member(f"{long}/ü", b"long"),
        _member("last", b"last"),
    )
    directory = tmp_path / "out" / "in"
    assert sentences == []
    assert {"empty", "dir/file", f"{long}/ü", "last"} <= set(names)
    assert (directory / "dir/file").read_bytes() == b"x" * 3_000_000
    assert (directory / f"{long}/ü").read_bytes() == b"long"
    assert not (directory / "dir/file").stat().st_mode & 0o7111


@pytest.mark.parametrize(
    "name",
    [
        "/etc/x",
        "../x",
        "a/../../x",
        "..",
        "//x",
        "n" * 256,
        "a\nb",
        "\x1b[2J",
        "d/" * 900 + "x",
        "\udcff",
    ],
)
def test_a_name_that_does_harm_is_left_out(tmp_path, name):
    sentences, names = _unpack(tmp_path, _member(name, b"x"), _member("good", b"x"))
    assert names == ["good"]
    assert len(sentences) == 1 and sentences[0].isprintable() and len(sentences[0]) < 300


@pytest.mark.parametrize(
    "kind", [b"1", b"2", b"3", b"4", b"6", b"7", b"S", b"g", b"x", b"Q", b"\xff"]
)
def test_what_is_neither_file_nor_directory_is_left_out(tmp_path, kind):
    strange = _member("strange", type=kind, linkname="/etc/passwd")
    sentences, names = _unpack(tmp_path, strange, _member("good", b"x"))
    assert names == ["good"]
    assert sentences == ["'strange' is neither a file nor a directory."]


def test_nothing_is_written_through_a_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = _member("link", type=tarfile.SYMTYPE, linkname=str(outside))
    sentences, names = _unpack(tmp_path, link, _member("link/x", b"x"))
    assert names == ["link", "link/x"]
    assert not list(outside.iterdir())
    assert len(sentences) == 1


def test_what_comes_twice_or_in_the_place_of_another_is_left_out(tmp_path):
    sentences, names = _unpack(
        tmp_path,
        _member("a", b"first"),
        _member("a", b"second"),
        _member("a/b", b"below a file"),
        _member("a", type=tarfile.DIRTYPE),
        _member("d", type=tarfile.DIRTYPE),
        _member("d", b"a directory"),
        _member(".", b"the directory itself"),
    )
    assert names == ["a", "d"]
    assert (tmp_path / "out/in/a").read_bytes() == b"first"
    assert len(sentences) == 5


def test_bytes_are_capped_over_all_files(tmp_path):
    sizes = {"a": 600, "b": 600, "c": 400, "d": 1}
    archive = _archive(tmp_path / "a.tar", *(_member(n, bytes(s)) for n, s in sizes.items()))
    state = fetched._Unpacking(tmp_path / "in", left=1000)
    with archive.open("rb") as file:
        fetched._unpack_all(file, state)
    assert _names(tmp_path / "in") == ["a", "c"]
    assert len(state.sentences) == 2


@pytest.mark.parametrize("size", [10_000, 1 << 50, 1 << 63, 1 << 85])
def test_a_size_that_is_a_lie_takes_no_space(tmp_path, size):
    block = _member("huge", size=size)[0].tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar").write_bytes(block)
    assert len(unpack(tmp_path / "a.tar", tmp_path / "in")) == 1
    assert sum(path.stat().st_size for path in (tmp_path / "in").iterdir()) == 0


def test_members_are_capped_and_so_are_the_sentences(tmp_path):
    members = [_member(f"../{number}") for number in range(fetched.MEMBERS + 10)]
    sentences, names = _unpack(tmp_path, *members)
    assert names == []
    assert len(sentences) == 101 and sentences[-1].endswith("more were left out.")


@pytest.mark.parametrize("size", [-1, -512, -1024, -(1 << 40)])
def test_a_negative_size_ends_the_archive(tmp_path, size):
    good = _member("good", b"x" * 512)[0].tobuf() + b"x" * 512
    bad = _member("bad", size=size)[0].tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar").write_bytes(good + bad + good)
    sentences = unpack(tmp_path / "a.tar", tmp_path / "in")
    assert _names(tmp_path / "in") == ["good"]
    assert "damaged" in sentences[0]


def test_an_archive_that_was_cut_gives_what_it_has(tmp_path):
    _archive(tmp_path / "a.tar", _member("one", bytes(512)), _member("two", bytes(5000)))
    whole = (tmp_path / "a.tar").read_bytes()
    for end in (1024, 1300, 1536, 2000, 5000):
        (tmp_path / "b.tar").write_bytes(whole[:end])
        sentences = unpack(tmp_path / "b.tar", tmp_path / str(end))
        assert (tmp_path / str(end) / "one").stat().st_size == 512
        assert bool(sentences) == (end != 1024)


def test_extended_headers_are_not_read(tmp_path):
    digits = b"9" * 2_000_000
    slow = _member("slow", digits, type=tarfile.XHDTYPE)
    sentences, names = _unpack(tmp_path, *([slow] * 3), _member("good"))
    assert names == ["good"]
    assert len(sentences) == 3


@pytest.mark.parametrize(
    "content", [b"", b"no tar", b"PK\3\4" * 500, bytes(10240), b"\x1f\x8b" * 600]
)
def test_what_is_no_tar_is_an_error(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(NoArchiveError, match="is no tar"):
        unpack(tmp_path / "a.tar", tmp_path / "in")


def test_damage_at_any_place_raises_nothing(tmp_path):
    members = [_member("one", b"x" * 600), _member("n" * 200, b"y"), _member("d", type=b"5")]
    whole = _archive(tmp_path / "a.tar", *members).read_bytes()[:4096]
    for position in range(512, len(whole), 7):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        (tmp_path / "b.tar").write_bytes(damaged)
        unpack(tmp_path / "b.tar", tmp_path / f"in{position}")
