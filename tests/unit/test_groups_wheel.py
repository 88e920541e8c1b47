# SPDX-License-Identifier: Apache-2.0
"""Tests of wheels that a stranger made, the unsound ones made here."""

import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from osci_jobs.errors import SourceError
from osci_jobs.groups import wheel

NAME = "os_traits-3.9.0-py3-none-any.whl"
INFO = "os_traits-3.9.0.dist-info"
METADATA = "Metadata-Version: 2.1\nName: os-traits\nVersion: 3.9.0\n"


def write(directory: Path, *, name=NAME, metadata: str | None = METADATA, entries=()) -> Path:
    """Write a wheel with a module, its metadata, and whatever else."""
    path = directory / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("os_traits/__init__.py", "")
        if metadata is not None:
            archive.writestr(f"{INFO}/METADATA", metadata)
        for entry, content in entries:
            archive.writestr(entry, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        wheel.read(path, "os-traits")
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_wheel_says_what_it_is_and_what_it_requires(tmp_path):
    path = write(tmp_path, metadata=METADATA + "Requires-Dist: six>=1.10\nRequires-Dist: pbr\n")
    found = wheel.find(tmp_path, "OS.Traits")
    assert (found.path, found.name, found.version) == (path, "os_traits", "3.9.0")
    assert [str(one) for one in found.requirements] == ["six>=1.10", "pbr"]


def test_a_label_of_the_version_may_be_there(tmp_path):
    name = "os_traits-3.9.1.dev5+g0123456789ab"
    path = tmp_path / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        metadata = METADATA.replace("3.9.0", "3.9.1.dev5+g0123456789ab")
        archive.writestr(f"{name}.dist-info/METADATA", metadata)
    assert wheel.read(path, "os-traits").version == "3.9.1.dev5+g0123456789ab"


@pytest.mark.parametrize(
    ("requirement", "is_excluded"),
    [
        ("oslo.utils>=10", False),
        ("oslo.utils", False),
        ("Oslo_Utils>=99", True),
        ("oslo.utils!=10.2.0", True),
        ("oslo.utils>=99; python_version >= '3.11'", True),
        ("oslo.utils>=99; python_version < '3.11'", False),
        ("oslo.utils>=99; extra == 'test'", False),
        ("oslo.utils>=99; sys_platform == 'win32'", False),
        ("oslo.context>=99", False),
    ],
)
def test_a_wheel_may_exclude_a_version_of_another_package(tmp_path, requirement, is_excluded):
    path = write(tmp_path, metadata=f"{METADATA}Requires-Dist: {requirement}\n")
    assert wheel.read(path, "os-traits").excludes("oslo-utils", "10.2.0") is is_excluded


@pytest.mark.parametrize("count", [0, 2])
def test_there_has_to_be_one_file(tmp_path, count):
    for number in range(count):
        write(tmp_path, name=NAME.replace("none", f"abi{number}"))
    with pytest.raises(SourceError, match="instead of one wheel"):
        wheel.find(tmp_path, "os-traits")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nova-3.9.0-py3-none-any.whl", "it is not of 'os-traits'"),
        ("os_traits-3.9.0.tar.gz", "its name is malformed"),
        ("os_traits-x.y-py3-none-any.whl", "its name is malformed"),
        ("os_traits-3.9.0.whl", "its name is malformed"),
        ("-os_traits-3.9.0-py3-none-any.whl", "its name is malformed"),
        ("os_traits\x1b[31m-3.9.0-py3-none-any.whl", "its name is malformed"),
        ("os_traits-3.9.1-py3-none-any.whl", "it has 0 files"),
    ],
)
def test_a_name_that_is_another_is_refused(tmp_path, name, reason):
    assert reason in refusal(write(tmp_path, name=name))


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (None, "it has 0 files"),
        ("", "its metadata names another package"),
        (METADATA.replace("os-traits", "nova"), "its metadata names another package"),
        (METADATA.replace("3.9.0", "3.9.1"), "its metadata names another version"),
        (METADATA.replace("3.9.0", "\x1b[31m"), "the version in its metadata is malformed"),
        (METADATA + "Requires-Dist: six >== 3\n", "a requirement is malformed"),
        (METADATA + f"Requires-Dist: six>={'9' * 2000}\n", "it requires too much"),
        (METADATA + "Requires-Dist: six\n" * 2000, "it requires too much"),
    ],
)
def test_metadata_that_is_another_is_refused(tmp_path, metadata, reason):
    assert reason in refusal(write(tmp_path, metadata=metadata))


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../x", "os_traits/../../x", "os_traits\\..\\x", "os_traits/a\x1b[31m.py"],
)
def test_a_path_that_leads_out_is_refused(tmp_path, path):
    assert "leads out of it" in refusal(write(tmp_path, entries=[(path, "")]))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
def test_anything_but_files_is_refused(tmp_path, kind):
    entry = zipfile.ZipInfo("os_traits/link")
    entry.external_attr = (kind | 0o777) << 16
    assert "is not a regular file" in refusal(write(tmp_path, entries=[(entry, "/root/.ssh")]))


def test_two_files_of_metadata_are_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write(tmp_path, entries=[(f"{INFO}/METADATA", METADATA)])
    assert "it has 2 files" in refusal(path)


def test_a_link_is_not_followed(tmp_path):
    aside = write(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).symlink_to(aside)
    assert "is not installed" in refusal(tmp_path / "out" / NAME)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / NAME)
    assert "is not installed" in refusal(tmp_path / NAME)


def test_a_directory_is_refused(tmp_path):
    (tmp_path / NAME).mkdir()
    assert "is not installed" in refusal(tmp_path / NAME)


def test_a_large_file_is_not_read(tmp_path):
    with (tmp_path / NAME).open("wb") as file:
        file.truncate(wheel.WHEEL_BYTES + 1)
    assert "bytes, expected" in refusal(tmp_path / NAME)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all, for sure"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    assert "is not installed" in refusal(tmp_path / NAME)


@pytest.mark.parametrize(("entries", "listed"), [(0xFFFF, 100), (5, 0xFFFFFFFF), (0xFFFF, 10**9)])
def test_a_list_of_files_that_is_too_long_is_not_read(tmp_path, entries, listed):
    data = bytearray(write(tmp_path).read_bytes())
    data[-14:-6] = struct.pack("<HHI", entries, entries, listed)
    (tmp_path / NAME).write_bytes(data)
    assert "is not installed" in refusal(tmp_path / NAME)


@pytest.mark.parametrize("place", [0, 30, 60, -60, -30, -10])
def test_a_damaged_archive_is_refused_or_read(tmp_path, place):
    data = bytearray(write(tmp_path).read_bytes())
    data[place] ^= 0xFF
    (tmp_path / NAME).write_bytes(data)
    try:
        wheel.read(tmp_path / NAME, "os-traits")
    except SourceError as error:
        assert "is not installed" in str(error)


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(wheel, "UNPACKED_BYTES", 1 << 20)
    path = write(tmp_path, entries=[("os_traits/zeros", b"\0" * (2 << 20))])
    assert "unpacked it has more than 1 MiB" in refusal(path)


def test_an_unusual_compression_is_refused(tmp_path):
    path = tmp_path / NAME
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(f"{INFO}/METADATA", METADATA)
    assert "packed in an unusual way" in refusal(path)
