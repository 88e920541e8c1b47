# SPDX-License-Identifier: Apache-2.0
"""Tests that a machine which cannot make hosts is told so, and stays as it was."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from osci_jobs.groups import model, resource, tools

# Gives its rights up once all modules are loaded, for another user may not read them.
AS_NOBODY = (
    "import os, sys\n"
    "from osci_jobs import cli\n"
    "from osci_jobs.cli import check, delete, doctor, functional, groups, ssh\n"
    "''.encode('unicode-escape')\n"
    "os.setgroups([]); os.setgid(65533); os.setuid(65533)\n"
    "sys.exit(cli.main(sys.argv[1:]))\n"
)
# Mounts a tmpfs with the options $1 on $2 in a mount namespace of its own, becomes the rest.
WITH_MOUNT = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
WITHOUT_SYS_ADMIN = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")


@pytest.fixture(scope="module", autouse=True)
def _tools():
    """Have what osci would install itself, for these tests are about what it cannot help."""
    tools.ensure("", print, may_install=True)


@pytest.fixture
def tmp_path():
    """A directory that every user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="osci-test-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def as_nobody(osci, *words: str) -> subprocess.CompletedProcess:
    """Run osci as a user who may do nothing but write results."""
    osci.work.chmod(0o777)
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *words],
        cwd=osci.work,
        env=osci.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def with_mount(options: str, point: Path) -> tuple[str, ...]:
    point.mkdir()
    return ("unshare", "--mount", "sh", "-c", WITH_MOUNT, "sh", options, str(point))


def trouble(osci, *words: str, prefix=()) -> str:
    """Return the message of a run that ended with trouble of the machine and left nothing."""
    done = osci("functional", "hosts", "--no-install", "--json", *words, prefix=prefix)
    assert (done.code, done.json["verdict"], done.json["later"]) == (3, "infrastructure", [])
    assert left_by(osci, done.json["group"]) == []
    return done.json["cause"]["message"]


def left_by(osci, group: str) -> list[str]:
    """Return what there is of a group and of parts of images and layers."""
    mounts = [point for point in resource.mount_points() if group in point]
    files = [*Path("/run/netns").glob(f"{group}*"), *osci.state.glob("groups/*")]
    files += [*osci.cache.glob("*/*.partial"), *model.SCRATCH.glob(group)]
    mounts += [point for point in resource.mount_points() if str(osci.directory) in point]
    return mounts + [str(file) for file in files]


def test_who_has_neither_rights_nor_home_can_check(osci):
    del osci.environment["HOME"]
    done = as_nobody(osci, "check", "hosts", "--json")
    assert (done.returncode, done.stderr) == (0, "")


def test_who_is_not_root_is_told_so(osci):
    done = as_nobody(osci, "functional", "hosts", "--no-install", "--json")
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["cause"]["message"] == (
        "Hosts are made by root only; run osci as root (for example with sudo)."
    )


def test_doctor_tells_who_is_not_root_and_goes_on(osci):
    done = as_nobody(osci, "doctor", "hosts", "--json")
    assert (done.returncode, done.stderr) == (3, "")
    checks = json.loads(done.stdout)["checks"]
    assert (checks[0]["message"], checks[0]["remedy"]) == (
        "Hosts are made by root only.",
        "Run osci as root (for example with sudo).",
    )
    outcomes = {check["name"]: check["outcome"] for check in checks}
    assert outcomes["deployment"] == "ok"


def test_an_unreadable_deployment_file_is_told(osci):
    osci.write("secret", host=[{"name": "host1"}]).chmod(0)
    done = as_nobody(osci, "check", "secret")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        f"osci: {osci.deployments}/secret.json: The file cannot be read: Permission denied.\n",
    )


@pytest.mark.parametrize(
    "words", [["groups"], ["delete", "hosts"], ["ssh", "osci-1", "host1", "true"]]
)
def test_who_is_not_root_is_told_that_a_group_is_roots(osci, words):
    osci.keep_group("osci-1", "hosts").directory.chmod(0o700)
    done = as_nobody(osci, *words)
    assert (done.returncode, done.stdout, done.stderr) == (
        3,
        "",
        "osci: The group 'osci-1' is root's; run osci as root (for example with sudo).\n",
    )


def test_a_machine_without_namespaces_is_told(osci):
    assert trouble(osci, prefix=WITHOUT_SYS_ADMIN) == (
        "This machine makes no namespaces (unshare: unshare failed: Operation not permitted); "
        "osci needs a machine, or a container with CAP_SYS_ADMIN, that does."
    )


@pytest.mark.parametrize("missing", sorted(tools.PACKAGES))
def test_a_missing_tool_is_told_with_the_line_that_installs_it(osci, missing):
    path = osci.directory / "bin"
    path.mkdir()
    for tool in tools.PACKAGES.keys() - {missing}:
        (path / tool).symlink_to(shutil.which(tool))
    osci.environment["PATH"] = str(path)
    package = tools.PACKAGES[missing]
    assert trouble(osci) == (
        f"The Debian packages {package} are missing; "
        f"run: apt-get install --yes --no-install-recommends {package}"
    )


def test_a_state_directory_below_a_file_is_told(osci):
    osci.state.write_text("")
    assert trouble(osci, "--state-dir", str(osci.state / "below")) == (
        f"The state directory '{osci.state}/below' cannot be written: Not a directory; "
        "name another with --state-dir or OSCI_STATE_DIR."
    )


def test_a_state_directory_that_is_read_only_is_told(osci):
    assert trouble(osci, prefix=with_mount("ro", osci.state)) == (
        f"The state directory '{osci.state}' cannot be written: Read-only file system; "
        "name another with --state-dir or OSCI_STATE_DIR."
    )


def test_a_cache_below_a_file_is_told(osci):
    osci.cache.write_text("")
    assert trouble(osci, "--cache-dir", str(osci.cache / "below")) == (
        f"The cache '{osci.cache}/below/images' cannot be written: Not a directory; "
        "name another with --cache-dir or OSCI_CACHE_DIR."
    )


def test_a_cache_that_is_read_only_is_told(osci):
    assert trouble(osci, prefix=with_mount("ro,size=5g", osci.cache)) == (
        f"The cache '{osci.cache}/images' cannot be written: Read-only file system; "
        "name another with --cache-dir or OSCI_CACHE_DIR."
    )


def test_a_cache_without_space_is_told_before_anything_is_made(osci):
    assert trouble(osci, prefix=with_mount("size=8m", osci.cache)) == (
        f"'{osci.cache}' has 8 MiB free, and the hosts' image and layer take 4096 MiB; "
        "make room or name another place with --cache-dir."
    )


def test_results_without_space_are_told(osci):
    prefix = with_mount("size=4k", osci.work / "results")
    osci.state.write_text("")
    done = osci("functional", "hosts", "--no-install", "--json", prefix=prefix)
    assert (done.code, done.json["verdict"]) == (3, "infrastructure")
    assert done.json["error"].endswith(" could not be written: No space left on device.")


def test_a_silent_mirror_is_told_by_name(osci):
    """Nothing is reachable in a network namespace; that apt does not retry is its own setting."""
    (osci.directory / "apt.conf").write_text('Acquire::Retries "0";\n')
    osci.environment["APT_CONFIG"] = str(osci.directory / "apt.conf")
    osci.directory.chmod(0o700)  # a cache that apt's own user cannot read has it warn first
    message = trouble(osci, prefix=("unshare", "--net"))
    assert message.startswith("mmdebstrap could not make the image: E: Failed to fetch http")
    (lock,) = (osci.cache / "images").iterdir()
    assert lock.suffix == ".lock"


def test_a_silent_mirror_is_waited_for_within_the_limit_only(osci):
    prefix = ("unshare", "--net")
    done = osci(
        *("functional", "hosts", "--no-install", "--json", "--timeout", "install=0.7"),
        prefix=prefix,
    )
    assert (done.code, done.json["verdict"]) == (8, "timeout")
    assert done.json["cause"]["message"] == "'install' went past its limit of 0.7 s."
    assert left_by(osci, done.json["group"]) == []
