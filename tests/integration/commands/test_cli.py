# SPDX-License-Identifier: Apache-2.0
"""Tests of the command line, each by a process of its own."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from osci_jobs import groups
from osci_jobs.cli import arguments
from osci_jobs.deployment.limits import DEFAULTS
from osci_jobs.results.verdict import VERDICTS

TREE = Path(__file__).resolve().parents[3]
GROUP = "osci-abc123"
PHASES = ", ".join(sorted(DEFAULTS))
RUNS = [("create", "hosts"), ("functional", "hosts")]


def parsers() -> dict:
    """Return the parser of each command."""
    (action,) = arguments.parser()._subparsers._group_actions
    return action.choices


def options() -> list[tuple[str, str]]:
    """Return each command with each of its options."""
    return [
        (name, option)
        for name, parser in parsers().items()
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--") and option != "--help"
    ]


def said(done) -> tuple[int, str]:
    """Return the exit code and the one message of a command that printed nothing else."""
    assert done.out == ""
    return done.code, done.err.removeprefix("osci: ").removesuffix("\n")


def test_without_a_command_the_help_is_shown(osci):
    done = osci()
    assert (done.code, done.err) == (2, "")
    assert done.out == osci("--help").out


def test_version_is_told(osci):
    done = osci("--version")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"osci \d+\.\d+\.\d+\S*\n", done.out)


@pytest.mark.parametrize(
    ("words", "start", "help_of"),
    [
        (["fnctional"], "argument COMMAND: invalid choice: 'fnctional' ", "osci"),
        (["check", "--bogus"], "unrecognized arguments: --bogus", "osci"),
        (["create"], "the following arguments are required: NAME", "osci create"),
        (
            ["create", "hosts", "--keep", "x"],
            "argument --keep: invalid choice: 'x' ",
            "osci create",
        ),
        (["create", "hosts", "--until", "x"], "argument --until: invalid choice", "osci create"),
        (["functional", "--suite"], "argument --suite: expected one argument", "osci functional"),
        (["completion", "fish"], "argument shell: invalid choice: 'fish' ", "osci completion"),
    ],
)
def test_words_that_are_no_command_line_are_a_configuration_error(osci, words, start, help_of):
    code, message = said(osci(*words))
    assert code == 2
    assert message.startswith(start)
    assert message.endswith(f"; see: {help_of} --help")


@pytest.mark.parametrize("command", ["check", "create", "functional"])
def test_an_unknown_deployment_is_told_with_what_there_is(osci, command):
    assert said(osci(command, "nope")) == (
        2,
        f"{osci.deployments}: There is no deployment 'nope'. Expected 'bare' or 'hosts'.",
    )
    assert said(osci(command, "host")) == (
        2,
        f"{osci.deployments}: There is no deployment 'host'. Did you mean 'hosts'?",
    )


def test_check_wants_one_deployment_or_all(osci):
    for words in ([], ["hosts", "--all"]):
        assert said(osci("check", *words)) == (2, "Give the name of one deployment, or --all.")


def test_functional_wants_a_deployment_or_a_group(osci):
    assert said(osci("functional")) == (2, "Give the name of a deployment, or --group GROUP.")


@pytest.mark.parametrize("word", ["0", "-1", "nan", "inf", "x", "", "nophase=3", "create=0", "=="])
def test_a_timeout_that_is_none_is_told(osci, word):
    assert said(osci("functional", "hosts", f"--timeout={word}")) == (
        2,
        f"--timeout: found {word!r}, expected seconds above 0, or PHASE=SECONDS with one of "
        f"{PHASES}.",
    )


@pytest.mark.parametrize("option", ["--state-dir", "--cache-dir"])
@pytest.mark.parametrize("name", ["a b", "a:b", "a,b", "a%h", 'a"b', "a\nb"])
def test_a_path_that_cannot_be_mounted_is_told(osci, option, name):
    path = osci.directory / name
    assert said(osci("functional", "hosts", option, str(path))) == (
        2,
        f"{option}: found {str(path)!r}, expected a path of letters, digits and ./_+@=- only.",
    )


def test_timeouts_of_the_run_and_of_phases_are_taken(osci):
    words = ["--timeout", "90", "--timeout", "create=1.5", "--timeout", "run=80", "--dry-run"]
    assert osci("functional", "hosts", *words).code == 0


@pytest.mark.parametrize(("name", "hint"), [("raech", " Did you mean 'reach'?"), ("xyz", "")])
def test_an_unknown_suite_is_told_with_the_nearest(osci, name, hint):
    assert said(osci("functional", "hosts", "--suite", "reach", "--suite", name)) == (
        2,
        f"--suite: The deployment 'hosts' has no suite '{name}'; it has: reach.{hint}",
    )


def test_functional_wants_suites(osci):
    assert said(osci("functional", "bare")) == (2, "The deployment 'bare' has no suites.")


@pytest.mark.parametrize(
    "words", [("functional", "--group", "nix"), ("delete", "nix"), ("ssh", "nix", "host1", "true")]
)
def test_an_unknown_group_is_told_with_what_there_is(osci, words):
    assert said(osci(*words)) == (2, "There is no group 'nix'; there are: none.")
    osci.keep_group(GROUP, "hosts")
    assert said(osci(*words)) == (2, f"There is no group 'nix'; there are: {GROUP}.")


def test_ssh_to_an_unknown_host_is_told_with_what_there_is(osci):
    osci.keep_group(GROUP, "hosts")
    assert said(osci("ssh", GROUP, "host3", "true")) == (
        2,
        f"'{GROUP}' has no host 'host3'; it has: host1, host2, tester.",
    )


def test_a_group_of_another_deployment_is_not_taken(osci):
    osci.keep_group(GROUP, "hosts")
    assert said(osci("functional", "bare", "--group", GROUP)) == (
        2,
        f"The group '{GROUP}' is of the deployment 'hosts', not 'bare'.",
    )


def test_a_group_of_an_older_deployment_file_is_not_taken(osci):
    osci.keep_group(GROUP, "hosts")
    path = osci.write("hosts", host=[{"name": "host1"}, {"name": "other"}])
    assert said(osci("functional", "--group", GROUP)) == (
        2,
        f"'{path}' has other hosts or services now than the group '{GROUP}' was made with.",
    )


def test_a_group_that_is_not_whole_is_told_and_can_be_deleted(osci):
    group = osci.keep_group(GROUP, "hosts")
    (group.directory / "group.json").unlink()
    message = f"The group '{GROUP}' is not whole; remove it with: osci delete {GROUP}"
    assert said(osci("functional", "--group", GROUP)) == (3, message)
    assert osci("groups", "--json").json["groups"][0]["state"] == "broken"
    assert osci("delete", GROUP).code == 0
    assert not group.directory.exists()
    assert osci("groups", "--json").json == {"groups": []}


def test_groups_are_listed_with_their_hosts(osci):
    osci.keep_group(GROUP, "hosts")
    assert osci("groups").out == f"{GROUP}  kept     hosts         host1 host2 tester\n"
    (row,) = osci("groups", "--json").json["groups"]
    assert row == {
        "deployment": "hosts",
        "group": GROUP,
        "hosts": {"tester": "10.77.0.10", "host1": "10.77.0.11", "host2": "10.77.0.12"},
        "run": "run-1",
        "state": "kept",
    }


def test_delete_takes_the_name_of_a_deployment(osci):
    directories = [osci.keep_group(name, "hosts").directory for name in (GROUP, "osci-def456")]
    other = osci.keep_group("osci-bare00", "bare").directory
    done = osci("delete", "hosts", "--json")
    assert (done.code, done.json) == (0, {"deleted": [GROUP, "osci-def456"]})
    assert [directory.exists() for directory in (*directories, other)] == [False, False, True]


@pytest.mark.parametrize(
    "words",
    [
        ["check", "nope"],
        ["create", "nope"],
        ["functional", "hosts", "--timeout", "0"],
        ["functional", "--group", "nix"],
        ["delete", "nix"],
        ["groups", "--no-such-option"],
    ],
    ids=" ".join,
)
def test_an_error_with_json_is_one_object_on_stdout(osci, words):
    code, message = said(osci(*words))
    done = osci(*words, "--json")
    assert (done.code, done.err, code) == (2, "", 2)
    assert done.json == {"error": message, "exit_code": 2, "verdict": "configuration"}


def test_a_group_in_use_is_not_deleted(osci):
    group = osci.keep_group(GROUP, "hosts")
    ledger = groups.open_ledger(osci.state, GROUP, "run-2")
    assert said(osci("delete", GROUP)) == (
        3,
        f"The group '{GROUP}' is in use by another osci command.",
    )
    ledger.close()
    assert group.directory.exists()


@pytest.mark.parametrize("words", [("groups",), ("check", "--all")], ids=" ".join)
def test_a_reader_that_has_gone_is_no_trouble(osci, words):
    osci.keep_group(GROUP, "hosts")
    script = 'set -o pipefail; (sleep 0.2; exec "$@") | true'
    done = osci(*words, prefix=("bash", "-c", script, "bash"))
    assert (done.code, done.err) == (0, "")


def test_check_all_shows_every_deployment(osci):
    done = osci("check", "--all", "--json")
    assert (done.code, done.err) == (0, "")
    assert [one["name"] for one in done.json["deployments"]] == ["bare", "hosts"]
    text = osci("check", "--all")
    assert text.code == 0
    assert f"hosts ({osci.deployments}/hosts.json)\n" in text.out


def test_check_all_tells_the_faults_of_all_files(osci):
    osci.write("wrong", hosts=[])
    osci.write("worse", host=[{"name": "host1", "adress": ""}])
    code, message = said(osci("check", "--all"))
    assert code == 2
    assert "Did you mean 'host'?" in message
    assert "Did you mean 'address'?" in message


def test_the_samples_of_the_tree_are_right(osci):
    done = osci("check", "--all", "--deployment-config-dir", "config/deploy", cwd=TREE)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_a_dry_run_says_what_it_would_do_and_makes_nothing(osci, words):
    done = osci(*words, "--dry-run", "--json")
    assert (done.code, done.err) == (0, "")
    is_create = words[0] == "create"
    assert {**done.json["plan"], "run_directory": ""} == {
        "deployment": "hosts",
        "group": "new",
        "keep": "success" if is_create else "never",
        "phases": ["install", "create", "deploy"],
        "run_directory": "",
        "sources": [],
        "suites": [] if is_create else ["reach"],
    }
    assert "phases: install, create, deploy\n" in osci(*words, "--dry-run").out
    assert osci.made == set()


def test_a_dry_run_of_delete_removes_nothing(osci):
    group = osci.keep_group(GROUP, "hosts")
    assert osci("delete", "hosts", "--dry-run").out == f"would remove {GROUP}\n"
    assert osci("delete", GROUP, "--dry-run", "--json").json == {"would_delete": [GROUP]}
    assert group.directory.exists()


@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_a_run_directory_with_other_files_is_left_alone(osci, more):
    mine = osci.work / "mine"
    mine.mkdir()
    (mine / "notes").write_text("mine")
    assert said(osci("functional", "hosts", "--run-directory", "mine", *more)) == (
        2,
        f"--run-directory: '{mine}' holds 'notes' and is not the directory of a run.",
    )
    assert (mine / "notes").read_text() == "mine"
    assert osci.made == {"work/mine"}


def test_a_run_directory_that_is_a_file_is_left_alone(osci):
    file = osci.work / "file"
    file.write_text("mine")
    assert said(osci("functional", "hosts", "--run-directory", "file")) == (
        2,
        f"--run-directory: '{file}': Not a directory.",
    )
    assert file.read_text() == "mine"


def test_results_below_a_file_cannot_be_written(osci):
    (osci.work / "file").write_text("mine")
    code, message = said(osci("functional", "hosts", "--output", "file"))
    assert code == 3
    assert message.startswith("The results cannot be written: ")
    assert str(osci.work / "file") in message


@pytest.mark.parametrize("command", arguments.COMMANDS)
def test_help_has_examples_that_are_right(osci, command):
    done = osci(command, "--help")
    assert (done.code, done.err) == (0, "")
    examples = done.out.partition("examples:\n")[2].splitlines()
    assert examples
    for line in examples:
        words = shlex.split(line.partition(">")[0])
        assert words[:2] == ["osci", command]
        arguments.parser().parse_args(words[1:])


@pytest.mark.parametrize("command", arguments.COMMANDS)
def test_the_page_of_commands_has_a_section_for_each(command):
    page = (TREE / "docs" / "commands.md").read_text()
    assert len(re.findall(rf"^## osci {command}\b", page, re.M)) == 1


@pytest.mark.parametrize(("command", "option"), options())
def test_the_page_of_commands_has_each_option(command, option):
    page = (TREE / "docs" / "commands.md").read_text()
    assert re.search(rf"(?<![\w-]){option}(?![\w-])", page), f"{option} of {command}"


def test_the_page_of_commands_has_no_option_that_is_not_there():
    page = (TREE / "docs" / "commands.md").read_text()
    assert set(re.findall(r"--[a-z][a-z-]+", page)) <= {
        *(option for _, option in options()),
        *("--help", "--version"),
    }


def test_readme_has_the_verdicts_of_the_table():
    rows = re.findall(r"^\| (\w+) \| ([\d, ]+) \|", (TREE / "README.md").read_text(), re.M)
    assert rows == [
        (row.name, ", ".join(map(str, row.signals.values() or [row.exit_code])))
        for row in VERDICTS.values()
    ]


def test_readme_has_the_line_that_ci_runs():
    lines = re.findall(r"^    (apt-get .*)$", (TREE / "README.md").read_text(), re.M)
    assert len(lines) == 2
    assert lines[1] == (TREE / ".ci" / "run").read_text().splitlines()[-1]


def test_readme_shows_commands_that_there_are():
    lines = re.findall(r"^    osci (.*?)(?:   .*)?$", (TREE / "README.md").read_text(), re.M)
    assert {line.split()[0] for line in lines} <= set(arguments.COMMANDS)
    for line in lines:
        arguments.parser().parse_args(shlex.split(line))


def test_the_page_on_hudson_shows_commands_that_there_are():
    """What they do is tested by tests/integration/test_page.py."""
    blocks = re.findall(r"```sh\n(.*?)```", (TREE / "docs" / "hudson.md").read_text(), re.DOTALL)
    lines = re.findall(r"^osci (.*)$", "".join(blocks), re.MULTILINE)
    assert {"create hudson", "trigger single", "delete hudson"} <= set(lines)
    for line in lines:
        arguments.parser().parse_args(shlex.split(line))


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_every_command_and_option(osci, shell):
    done = osci("completion", shell)
    assert (done.code, done.err) == (0, "")
    words = {*arguments.COMMANDS, *(option for _, option in options())}
    assert {word for word in words if word not in done.out} == set()


def test_the_completion_of_bash_is_bash(osci):
    script = osci("completion", "bash").out
    checked = subprocess.run(
        ["bash", "-n"], input=script, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_help_stays_quick_for_it_imports_nothing_heavy(osci):
    command = [sys.executable, "-X", "importtime", "-m", "osci_jobs", "--help"]
    done = subprocess.run(command, cwd=osci.work, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "osci_jobs.cli.arguments" in imported
    heavy = (
        *("ansible_runner", "jenkins", "jenkins_jobs", "jsonschema", "jinja2", "junit_xml"),
        *("requests", "shtab", "yaml"),
    )
    assert [name for name in imported if name.split(".")[0] in heavy] == []


def test_what_json_prints_is_sorted_and_ends_with_a_newline(osci):
    for words in (["check", "hosts"], ["groups"], ["functional", "hosts", "--dry-run"]):
        done = osci(*words, "--json")
        assert done.out.endswith("}\n")
        assert list(done.json) == sorted(json.loads(done.out))
