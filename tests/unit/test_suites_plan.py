# SPDX-License-Identifier: Apache-2.0
"""Tests of plans, of how they are packed, and of how suites are found."""

import json
import os
import tarfile
from importlib.resources import files
from pathlib import Path

import pytest

from osci_jobs import data, suites
from osci_jobs.deployment.model import Limit, Suite
from osci_jobs.deployment.suites import DEFAULTS
from osci_jobs.errors import ConfigurationError
from osci_jobs.suites import MalformedOutcomeError, Outcome, Plan, pack

LIMIT = Limit(1800, 600.5)
DIRECTORY = "var/lib/osci/suites/api"
HOSTILE = "{{ lookup('pipe', 'id') }} ${HOME} `id` \u202e ü"


def _pack(tmp_path, plan):
    pack(plan, "api", LIMIT, tmp_path / "in.tar")
    return tarfile.open(tmp_path / "in.tar")


def _settings(tar):
    return json.load(tar.extractfile(f"{DIRECTORY}/suite.json"))


def _plan_command(**options):
    options = {"command": ["./x", HOSTILE], "junit": "out/*.xml", "copy": [], **options}
    return suites.find("command").plan(Suite("api", "command", options), {})


def test_every_suite_of_the_schema_has_a_module_and_a_playbook():
    schema = json.loads(files("osci_jobs.deployment").joinpath("schema.json").read_text("utf-8"))
    names = schema["$defs"]["suite_name"]["enum"]
    assert set(names) == set(DEFAULTS)
    for name in names:
        module = suites.find(name)
        assert callable(module.plan) and callable(module.read)
        assert isinstance(module.OPERATIONS, tuple)
        assert (data.directory() / "playbooks" / "suites" / f"{name}.yml").is_file()


@pytest.mark.parametrize("name", ["nonesuch", "plan", "fetched", "outcome"])
def test_what_is_no_suite_is_not_found(name):
    with pytest.raises(ConfigurationError, match=name):
        suites.find(name)


def test_the_archive_is_unpacked_at_the_root(tmp_path):
    with _pack(tmp_path, Plan(("true",), {"a.txt": "text"})) as tar:
        assert tar.getnames() == [
            "usr/local/lib/osci/run_suite.py",
            f"{DIRECTORY}/suite.json",
            f"{DIRECTORY}/a.txt",
        ]
        assert {(member.uid, member.gid) for member in tar.getmembers()} == {(0, 0)}
        assert tar.extractfile(f"{DIRECTORY}/a.txt").read() == b"text"


def test_what_the_deployment_says_arrives_as_it_is(tmp_path):
    with _pack(tmp_path, _plan_command()) as tar:
        assert _settings(tar) == {
            "archive_bytes": 256 * 1024 * 1024,
            "archive_members": 10_000,
            "collect": ["out/*.xml"],
            "command": ["./x", HOSTILE],
            "grace_seconds": 1,
            "output_bytes": 2 * 1024 * 1024,
            "seconds": 1800,
            "silence_seconds": 600.5,
        }


def test_files_are_copied_with_their_modes_and_links(tmp_path):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / HOSTILE.replace("/", "")).write_text("x")
    (source / "run").write_text("#!/bin/sh")
    (source / "run").chmod(0o4755)
    (source / "link").symlink_to("run")
    (tmp_path / "alias").symlink_to(source / "run")
    os.mkfifo(source / "pipe")
    Path(os.fsdecode(bytes(source) + b"/\xff")).write_text("no UTF-8")
    copied = [str(source), str(tmp_path / "alias")]
    with _pack(tmp_path, _plan_command(copy=copied)) as tar:
        top = f"{DIRECTORY}/source"
        assert tar.getmember(f"{top}/run").mode == 0o755
        assert tar.getmember(f"{top}/link").linkname == "run"
        assert tar.getmember(f"{DIRECTORY}/alias").isfile()
        assert f"{top}/sub/{HOSTILE}" in tar.getnames()
        assert f"{top}/\udcff" in tar.getnames()
        assert f"{top}/pipe" not in tar.getnames()


def test_a_file_that_is_gone_is_an_error_of_the_configuration(tmp_path):
    with pytest.raises(ConfigurationError, match="nonesuch"):
        _pack(tmp_path, Plan(("true",), {"x": tmp_path / "nonesuch"}))


@pytest.mark.parametrize("name", ["suite.json", "output.log", "outcome.json", "output.tar"])
def test_a_file_of_a_name_that_osci_uses_is_refused(name):
    with pytest.raises(ConfigurationError, match=name):
        _plan_command(copy=[f"/x/{name}"])


@pytest.mark.parametrize("pattern", ["**.xml", "a/x**/y.xml", ".", "./."])
def test_a_pattern_that_names_no_file_is_refused(pattern):
    with pytest.raises(ConfigurationError, match="pattern"):
        _plan_command(junit=pattern)


def test_packing_again_writes_the_same(tmp_path):
    plan = Plan(("true",), {"a": "x"})
    _pack(tmp_path, plan).close()
    first = (tmp_path / "in.tar").read_bytes()
    _pack(tmp_path, plan).close()
    assert (tmp_path / "in.tar").read_bytes() == first


def _outcome(tmp_path, text):
    (tmp_path / "outcome.json").write_text(text, "utf-8")
    return suites.outcome(tmp_path)


def test_an_outcome_is_read(tmp_path):
    text = '{"ended": "silence", "exit_code": 143, "seconds": 1.5}'
    assert _outcome(tmp_path, text) == Outcome("silence", 143, 1.5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"ended": "exit", "exit_code": 0}',
        '{"ended": "exit", "exit_code": 0, "seconds": 1, "more": 1}',
        '{"ended": "well", "exit_code": 0, "seconds": 1}',
        '{"ended": ["exit"], "exit_code": 0, "seconds": 1}',
        '{"ended": "exit", "exit_code": true, "seconds": 1}',
        '{"ended": "exit", "exit_code": 256, "seconds": 1}',
        '{"ended": "exit", "exit_code": "0", "seconds": 1}',
        '{"ended": "exit", "exit_code": 0, "seconds": -1}',
        '{"ended": "exit", "exit_code": 0, "seconds": NaN}',
        '{"ended": "exit", "exit_code": 0, "seconds": Infinity}',
        '{"ended": "exit", "exit_code": 0, "seconds": 1}' + " " * 5000,
    ],
)
def test_what_is_no_outcome_is_an_error(tmp_path, text):
    with pytest.raises(MalformedOutcomeError):
        _outcome(tmp_path, text)


def test_a_missing_outcome_is_an_error(tmp_path):
    with pytest.raises(MalformedOutcomeError, match="cannot be read"):
        suites.outcome(tmp_path)
    (tmp_path / "outcome.json").symlink_to("/etc/passwd")
    with pytest.raises(MalformedOutcomeError, match="cannot be read"):
        suites.outcome(tmp_path)
