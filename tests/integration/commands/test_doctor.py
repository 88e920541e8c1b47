# SPDX-License-Identifier: Apache-2.0
"""Tests of `osci doctor` on machines that lack something; none has a network."""

import re
import shutil
from pathlib import Path

import pytest

from osci_jobs import doctor, groups
from osci_jobs.groups import tools

TREE = Path(__file__).resolve().parents[3]
NO_NETWORK = ("unshare", "--net")
OF_THE_NETWORK = {"apt", "pip", "clock"}


@pytest.fixture(scope="module", autouse=True)
def _tools():
    tools.ensure("", print, may_install=True)


@pytest.fixture(autouse=True)
def _impatient(osci):
    """Have apt and pip give up at once, as their own settings can."""
    (osci.directory / "apt.conf").write_text('Acquire::Retries "0";\n')
    osci.environment["APT_CONFIG"] = str(osci.directory / "apt.conf")


def findings(osci, *words: str, prefix=NO_NETWORK, code=3) -> dict[str, dict[str, str]]:
    """Return what each check found that is neither of the network nor ok."""
    done = osci("doctor", *words, "--json", prefix=prefix)
    assert (done.code, done.err) == (code, "")
    checks = {check["name"]: check for check in done.json["checks"]}
    assert list(checks) == [name for name in doctor.NAMES if name in checks]
    for check in checks.values():
        assert check.keys() == {"name", "outcome", "message", "remedy"}
        assert check["message"]
        assert bool(check["remedy"]) == (check["outcome"] != "ok")
    return {
        name: check
        for name, check in checks.items()
        if check["outcome"] != "ok" and name not in OF_THE_NETWORK
    }


def test_all_checks_are_made_whatever_fails_and_nothing_is_changed(osci):
    done = osci("doctor", "hosts", "--json", prefix=NO_NETWORK)
    assert done.code == 3
    outcomes = {check["name"]: check["outcome"] for check in done.json["checks"]}
    assert tuple(outcomes) == doctor.NAMES
    assert {name for name, outcome in outcomes.items() if outcome == "trouble"} == OF_THE_NETWORK
    assert osci.made == set()


def test_what_to_do_is_below_what_was_found(osci):
    done = osci("doctor", prefix=NO_NETWORK)
    assert (done.code, done.err) == (3, "")
    lines = done.out.splitlines()
    assert lines[0] == "ok       rights          osci runs as root."
    (number,) = [number for number, line in enumerate(lines) if line.split()[1] == "pip"]
    assert lines[number].startswith("trouble  pip             pip's index does not answer: ")
    assert lines[number + 1].startswith(" " * 25 + "See that pip's index-url")


def test_who_may_not_make_namespaces_is_told(osci):
    prefix = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    found = findings(osci, prefix=(*NO_NETWORK, *prefix))
    assert found["namespaces"]["remedy"] == (
        "osci needs a machine, or a container with CAP_SYS_ADMIN, that does."
    )


def test_a_missing_package_is_a_note_where_apt_knows_it(osci):
    path = osci.directory / "bin"
    path.mkdir()
    for tool in {"env", "apt-cache", "apt-get", "unshare", *tools.PACKAGES} - {"nc"}:
        (path / tool).symlink_to(shutil.which(tool))
    osci.environment["PATH"] = str(path)
    found = findings(osci)["packages"]
    assert found["outcome"] == "note"
    assert found["message"] == "The Debian packages netcat-openbsd are missing."
    assert "apt-get install --yes --no-install-recommends netcat-openbsd" in found["remedy"]
    empty = f'Dir::State "{path}";\nDir::Cache "{path}";\nDir::State::status "/dev/null";\n'
    (osci.directory / "apt.conf").write_text(empty)
    found = findings(osci)["packages"]
    assert found["outcome"] == "trouble"
    assert found["remedy"].startswith("Run apt-get update")


@pytest.mark.parametrize(
    ("option", "name"),
    [("--state-dir", "state"), ("--cache-dir", "cache"), ("--output", "results")],
)
def test_a_directory_that_cannot_be_is_told_with_its_option(osci, option, name):
    (osci.work / "file").write_text("")
    found = findings(osci, option, "file/below")
    assert list(found) == [name]
    assert option in found[name]["remedy"]


def test_a_directory_without_room_is_told(osci):
    osci.state.mkdir()
    mount = ("sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"', "sh")
    found = findings(osci, prefix=(*NO_NETWORK, "--mount", *mount, str(osci.state)))
    assert found["state"]["message"] == f"'{osci.state}' has 0.0 GiB free, and 0.2 GiB are needed."


def test_groups_whose_command_has_died_are_named(osci):
    osci.keep_group("osci-kept00", "hosts")
    groups.open_ledger(osci.state, "osci-dead00", "run-1").close()
    with_owner = groups.open_ledger(osci.state, "osci-used00", "run-2")
    found = findings(osci)["groups"]
    with_owner.close()
    assert (found["outcome"], found["message"]) == (
        "note",
        "The command of osci-dead00 has died and left its hosts.",
    )
    assert len(list((osci.state / "groups").glob("*.jsonl"))) == 3


def test_a_deployment_file_that_is_wrong_is_told_as_check_tells_it(osci):
    osci.write("wrong", host=[{"name": "host1", "adress": ""}])
    found = findings(osci, "wrong", code=2)
    assert list(found) == ["deployment"]
    assert found["deployment"]["message"] == osci("check", "wrong").err[6:].rstrip("\n")


def test_hosts_that_do_not_fit_are_told(osci):
    size = {"memory": "1 TiB"}
    osci.write("large", host=[{"name": f"host{n}", "hardware": size} for n in range(3)])
    found = findings(osci, "large")
    assert list(found) == ["hosts"]
    assert "may use 3145728 MiB of memory" in found["hosts"]["message"]


def test_what_is_not_in_the_cache_yet_is_said(osci):
    checks = osci("doctor", "hosts", "--json", prefix=NO_NETWORK).json["checks"]
    layers = next(check for check in checks if check["name"] == "layers")
    assert layers["message"] == "The next run makes the image of the hosts, in some minutes."


def test_the_page_has_each_check():
    page = (TREE / "docs" / "commands.md").read_text()
    table = page.partition("## osci doctor")[2].partition("## osci completion")[0]
    rows = re.findall(r"^\| ([a-z, ]+) \| (?!what it looks at)", table, re.M)
    assert tuple(name for row in rows for name in row.split(", ")) == doctor.NAMES
