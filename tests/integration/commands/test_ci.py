# SPDX-License-Identifier: Apache-2.0
"""`osci functional --ci`: what a job on a Hudson says by its environment."""

import json

import pytest


@pytest.fixture
def plan(osci):
    """Return a function that tells the plan of a run whose job has these parameters."""
    suites = [
        {"suite": "command", "name": name, "command": ["true"], "junit": "junit.xml"}
        for name in ("one", "two", "three")
    ]
    osci.write("hosts", host=[{"name": "host1"}], suites=suites)

    def plan(*words, **parameters):
        osci.environment.update(parameters)
        return osci("functional", "hosts", "--dry-run", "--json", *words).json

    return plan


@pytest.mark.parametrize("suites", ["one three", "one,three", " three ,, one\n", "one\tthree,one"])
def test_suites_are_those_of_the_parameter(plan, suites):
    assert plan("--ci", SUITES=suites)["plan"]["suites"] == ["one", "three"]


def test_hosts_are_kept_as_the_parameter_says(plan):
    assert plan("--ci", KEEP="failed")["plan"]["keep"] == "failed"


def test_empty_parameters_say_nothing(plan):
    told = plan("--ci", SUITES=" ", KEEP="")["plan"]
    assert (told["suites"], told["keep"]) == (["one", "two", "three"], "never")


def test_options_go_before_parameters(plan):
    words = ["--ci", "--suite", "two", "--keep", "always"]
    told = plan(*words, SUITES="one", KEEP="failed")["plan"]
    assert (told["suites"], told["keep"]) == (["two"], "always")


def test_without_ci_parameters_are_ignored(plan):
    told = plan(SUITES="nonsense", KEEP="nonsense")["plan"]
    assert (told["suites"], told["keep"]) == (["one", "two", "three"], "never")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"KEEP": "sometimes"}, "KEEP: found 'sometimes', expected never, failed or always."),
        (
            {"SUITES": "one twox"},
            "SUITES: The deployment 'hosts' has no suite 'twox'; it has: one, two, three. "
            "Did you mean 'two'?",
        ),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(plan, parameters, message):
    assert plan("--ci", **parameters) == {
        "error": message,
        "exit_code": 2,
        "verdict": "configuration",
    }


@pytest.mark.parametrize("name", ["SUITES", "KEEP"])
def test_a_parameter_is_never_shown_whole_or_raw(plan, name):
    error = plan("--ci", **{name: "\x1b[31m$(id)`id`" * 1000})["error"]
    assert error.startswith(f"{name}: ")
    assert "\x1b" not in error
    assert len(error) < 300


def test_a_build_that_ends_at_its_check_leaves_nothing_of_the_one_before(osci):
    run = osci.work / "run"
    run.mkdir()
    (run / "log.jsonl").write_text("")
    (run / "report.html").write_text("of the build before")
    osci.write("hosts", host=[])
    done = osci("functional", "hosts", "--ci", "--run-directory", "run", "--json")
    assert done.json["verdict"] == "configuration"
    assert not run.exists()


@pytest.mark.parametrize("words", [["--dry-run", "--ci"], ["--suite", "nonsense"]])
def test_otherwise_the_run_before_stays_until_all_is_checked(osci, words):
    run = osci.work / "run"
    run.mkdir()
    (run / "log.jsonl").write_text("")
    osci("functional", "hosts", "--run-directory", "run", *words)
    assert run.exists()


def test_what_is_no_run_is_left_alone(osci):
    mine = osci.work / "run" / "mine"
    mine.parent.mkdir()
    mine.write_text(json.dumps("mine"))
    done = osci("functional", "hosts", "--ci", "--run-directory", "run")
    assert done.code == 2
    assert mine.exists()
