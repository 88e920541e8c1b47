# SPDX-License-Identifier: Apache-2.0
"""What a job names is what osci has: paths that reporters write, options that the parser takes."""

import argparse
import configparser
import re
import shlex
import tempfile
from fnmatch import fnmatch
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import change
import jjb
import pytest

from osci_jobs import deployment
from osci_jobs.cli import arguments, parameters
from osci_jobs.deployment.model import METHODS
from osci_jobs.errors import ConfigurationError
from osci_jobs.hudson import components, trigger
from osci_jobs.results import metrics

DATA = jjb.TREE / "tests" / "data"
JOBS = {
    path.stem: ElementTree.parse(path).getroot() for path in (DATA / "jobs").glob("osci-*-*.xml")
}
# What a run of a deployment with services leaves, as the reporters' own tests have it.
EXAMPLES = {"functional": "success", "stress": "stress"}


def left_of_a_change():
    """Return what a run leaves that held a change against trunk."""
    with tempfile.TemporaryDirectory() as parent:
        side = change.Side({"smoke": change.passed("a")})
        run, _ = change.Change(side, side, measured="effects.csv.gz").lay(Path(parent))
        return [
            f"{components.RUN_DIRECTORY}/{path.relative_to(run)}"
            for path in run.rglob("*")
            if path.is_file() and not {"before", "after"} & set(path.relative_to(run).parts)
        ]


LEFT = {
    family: [
        f"{components.RUN_DIRECTORY}/{path.relative_to(DATA / 'results' / example / 'expected')}"
        for path in (DATA / "results" / example / "expected").rglob("*")
        if path.is_file()
    ]
    for family, example in EXAMPLES.items()
} | {"regression": left_of_a_change()}
# What has too many columns for a plot, or says nothing of a change.
NOT_PLOTTED = {
    "functional": (),
    "stress": ("run/metrics/api.csv", "run/metrics/costs.csv"),
    "regression": ("run/metrics/phases.csv",),
}
PAGE = (jjb.JOBS / "README.md").read_text("utf-8")


def asked_by(job):
    """Return what osci's own parser makes of a job's builder."""
    words = shlex.split(jjb.text(job, "builders/hudson.tasks.Shell/command"))
    assert words[0] == "osci"
    return arguments.parser().parse_args(words[1:], argparse.Namespace(words=words[1:]))


def family_of(name):
    return name.split("-")[1]


@pytest.mark.parametrize("name", JOBS)
def test_the_builder_is_a_command_that_osci_takes(name):
    asked = asked_by(JOBS[name])
    assert trigger.job_name(asked.command, asked.deployment) == name
    assert asked.command in deployment.FAMILIES
    assert (asked.ci, asked.run_directory) == (True, Path(components.RUN_DIRECTORY))


@pytest.mark.parametrize("name", JOBS)
def test_the_parameters_are_those_that_osci_reads(name):
    properties = JOBS[name].iter("hudson.model.StringParameterDefinition")
    defaults = {jjb.text(one, "name"): jjb.text(one, "defaultValue") for one in properties}
    assert set(defaults) == set(parameters.PARAMETERS[family_of(name)])
    asked = asked_by(JOBS[name])
    applied = parameters.applied(asked, defaults)
    assert (applied.suite, applied.keep) == ([], defaults.get("KEEP", ""))
    assert (applied.branch, applied.method) == ([], "")


@pytest.mark.parametrize("name", JOBS)
def test_the_options_that_parameters_feed_are_there(name):
    words = jjb.text(JOBS[name], "builders/hudson.tasks.Shell/command")
    for option in parameters.PARAMETERS[family_of(name)].values():
        value = {"--merge": [], "--pairs": ["7"]}.get(option, ["never"])
        arguments.parser().parse_args([*shlex.split(words)[1:], option, *value])


def test_the_methods_of_the_command_line_are_those_of_sources():
    assert tuple(arguments.METHODS) == METHODS


def test_the_families_of_triggers_are_those_of_jobs():
    assert arguments.FAMILIES == deployment.FAMILIES


NOTHING = {
    **{"suite": [], "scenario": [], "keep": "", "branch": [], "method": "", "words": []},
    **{"mail_to": [], "pairs": None},
}
GIVEN = {
    "functional": {"keep": "failed", "suite": ["one", "two"]},
    "stress": {"keep": "always", "scenario": ["one", "two"]},
    "regression": {"mail_to": ["bob@example.org", "eve@example.org"], "pairs": 7},
}


@pytest.mark.parametrize("family", GIVEN)
def test_options_become_the_parameters_that_give_them_back(family):
    branches = ["nova=https://example.org/nova@fix", "glance=33.0.0"]
    nothing = {**NOTHING, "family": family, "command": family}
    given = {"branch": branches, "method": "rebase", **GIVEN[family]}
    sent = parameters.asked_for(argparse.Namespace(**nothing | given))
    assert set(sent) == set(parameters.PARAMETERS[family])
    read = parameters.applied(argparse.Namespace(**nothing), sent)
    assert {name: vars(read)[name] for name in given} == given
    assert read.is_for_job
    again = arguments.parser().parse_args([family, "x", *read.words])
    assert {name: vars(again)[name] for name in given} == given
    assert parameters.asked_for(argparse.Namespace(**nothing)) == {}


@pytest.mark.parametrize("text", ["0", "101", "-1", "five", "５", "1" * 5000])
def test_a_number_of_pairs_that_is_none_is_refused(text):
    asked = argparse.Namespace(**NOTHING, command="regression")
    with pytest.raises(ConfigurationError, match="PAIRS: found .* a whole number from 1 to 100"):
        parameters.applied(asked, {"PAIRS": text})


@pytest.mark.parametrize(
    ("family", "option"),
    [
        ("functional", "scenario"),
        ("functional", "mail_to"),
        ("stress", "suite"),
        ("regression", "keep"),
    ],
)
def test_an_option_of_the_other_family_is_refused(family, option):
    asked = argparse.Namespace(**NOTHING | {option: ["x"], "family": family})
    with pytest.raises(
        ConfigurationError, match=f"--{option.replace('_', '-')}: .* of the family '{family}'"
    ):
        parameters.asked_for(asked)


@pytest.mark.parametrize("name", JOBS)
def test_junit_is_read_from_where_it_is_written(name):
    pattern = jjb.text(JOBS[name], "publishers/hudson.tasks.junit.JUnitResultArchiver/testResults")
    left = LEFT[family_of(name)]
    assert [path for path in left if fnmatch(path, pattern)] == [
        path for path in left if "/junit/" in path
    ]
    assert any(fnmatch(path, pattern) for path in left)


@pytest.mark.parametrize("name", JOBS)
def test_everything_that_a_run_leaves_is_archived(name):
    pattern = jjb.text(JOBS[name], "publishers/hudson.tasks.ArtifactArchiver/artifacts")
    assert pattern == f"{components.RUN_DIRECTORY}/**"
    assert {"run/report.html", "run/run.json", "run/manifest.json"} <= set(LEFT[family_of(name)])


@pytest.mark.parametrize("name", JOBS)
def test_every_file_of_metrics_is_plotted(name):
    plotted = [one.text for one in JOBS[name].iterfind(".//hudson.plugins.plot.CSVSeries/file")]
    left = {path for path in LEFT[family_of(name)] if "/metrics/" in path}
    assert sorted(plotted) == sorted(left - set(NOT_PLOTTED[family_of(name)]))


@pytest.mark.parametrize("name", JOBS)
def test_a_plot_has_a_title_a_unit_and_a_file_of_its_own(name):
    plots = list(JOBS[name].iter("hudson.plugins.plot.Plot"))
    for key in ("title", "csvFileName"):
        values = [jjb.text(plot, key) for plot in plots]
        assert all(values)
        assert len(set(values)) == len(values)
    family = family_of(name)
    is_change = family == "regression"
    names = (metrics.EFFECTS,) if is_change else metrics.names(True, family == "stress")
    units = {metric.unit for metric in metrics.METRICS if metric.file in names}
    assert {unit for plot in plots for unit in jjb.text(plot, "yaxis").split(", ")} == units


def test_the_files_of_metrics_have_titles():
    assert set(metrics.TITLES) == {metric.file for metric in metrics.METRICS}


def test_without_services_only_the_files_that_have_columns_are_plotted():
    columns = {
        "phases": metrics.phase_columns(()),
        "api": metrics.api_columns(()),
        "memory": metrics.memory_columns(()),
        "cpu": metrics.cpu_columns(()),
        "counters": metrics.counter_columns({}),
    }
    assert metrics.names(False) == tuple(name for name in columns if columns[name])
    assert metrics.names(True) == tuple(columns)


def test_hudson_gets_no_key_of_the_archiver_that_it_refuses():
    for job in JOBS.values():
        (archiver,) = job.iter("hudson.tasks.ArtifactArchiver")
        assert [child.tag for child in archiver] == ["artifacts", "latestOnly"]


def test_the_components_are_registered_and_documented():
    own = {
        (group, entry.name)
        for group in ("publishers", "triggers", "wrappers")
        for entry in entry_points(group=f"jenkins_jobs.{group}")
        if entry.value.startswith("osci_jobs.")
    }
    rows = re.findall(r"^\| `(osci-\w+)` \| (\w+) \| (.*?) \|", PAGE, re.MULTILINE)
    assert own == {(section, name) for name, section, _ in rows}
    assert {name for _, name in own} == set(components.KEYS)
    for name, _, keys in rows:
        assert tuple(re.findall(r"`(\w+)`", keys)) == tuple(components.KEYS[name])


def test_the_page_has_every_file_of_the_jobs():
    documented = set(re.findall(r"^\| `([\w.]+\.\w+)` \|", PAGE, re.MULTILINE))
    assert documented == {path.name for path in jjb.JOBS.iterdir()} - {"README.md"}


def test_the_sample_asks_hudson_for_no_plugins():
    sample = configparser.ConfigParser()
    sample.read(jjb.JOBS / "jenkins_jobs.ini")
    assert not sample.getboolean("jenkins", "query_plugins_info")
    assert sample.getboolean("job_builder", "ignore_cache")
