# SPDX-License-Identifier: Apache-2.0
"""Strings that do harm where they are executed or expanded, in every place that jobs have.

Each is refused with file and place, or it is in the XML as it was written.
"""

import html
import json
import os
import shutil
import stat
import subprocess

import jjb
import pytest
from hostile import CORPUS

from osci_jobs import deployment
from osci_jobs.errors import ConfigurationError

# What a shell would make of a string that is pasted into it.
PASTED = ("echo {}", 'echo "{}"', "echo '{}'", "false {}")
CLOUD = {"host": [{"name": "host1"}], "api": [{"host": "host1"}]}
# Each place of a deployment file that jobs have something of, and what is put there.
PLACES = {
    "$.description": lambda text: {"description": text},
    "$.job.label": lambda text: {"job": {"label": text}},
    "$.job.schedule": lambda text: {"job": {"schedule": text}},
    "$.job.mail[0]": lambda text: {"job": {"mail": [text]}},
    "$.job.families[0]": lambda text: {"job": {"families": [text]}},
}
# The few strings that are right as they are, harmless as they look.
WORDS = {
    "$.job.label": {"null", "yes", "0x1f", "1e3", "2026-11-23"},
}


def test_a_hundred_strings_are_executed_where_they_are_pasted_into_a_shell(tmp_path):
    for text in CORPUS:
        for pasted in PASTED if "canary-" in text and "\0" not in text else ():
            words = ["bash", "-c", pasted.replace("{}", text)]
            subprocess.run(words, cwd=tmp_path, input=b"", capture_output=True, check=False)
    assert len(list(tmp_path.glob("canary-*"))) >= 100


@pytest.fixture(scope="module")
def carried(tmp_path_factory):
    """Every deployment that loads: its name and string by place, and its job as JJB made it."""
    directory = tmp_path_factory.mktemp("hostile")
    deployments = directory / "deploy"
    deployments.mkdir()
    texts = {}
    for place, content in PLACES.items():
        for number, text in enumerate(CORPUS):
            name = f"{place.rpartition('.')[2].partition('[')[0]}-{number}"
            path = deployments / f"{name}.json"
            path.write_text(json.dumps(CLOUD | content(text)))
            try:
                deployment.load(deployments, name)
            except ConfigurationError as error:
                assert str(error).startswith(f"{path}:1:"), str(error)
                assert place in str(error)
                assert str(error).replace("\n", "").isprintable()
                path.unlink()
            else:
                texts[name] = (place, text)
    jobs = jjb.parsed(jjb.rendered_deployments(deployments, directory / "jjb"))
    assert not list(directory.rglob("canary*"))
    return {name: (*texts[name], jobs[f"osci-functional-{name}"]) for name in texts}


def test_the_corpus_is_large():
    assert len(set(CORPUS)) == len(CORPUS) >= 100
    assert sum("canary-" in text for text in CORPUS) >= 100


def test_a_description_is_in_the_xml_as_it_was_written(carried):
    found = [
        (text, html.unescape(jjb.text(job, "description").removesuffix(jjb.SIGNATURE)))
        for place, text, job in carried.values()
        if place == "$.description"
    ]
    assert len(found) >= 100
    assert [text for text, shown in found if text != shown] == []


def test_no_description_is_markup_for_hudson(carried):
    for _, _, job in carried.values():
        shown = jjb.text(job, "description").removesuffix(jjb.SIGNATURE)
        assert not {"<", ">"} & set(shown)


@pytest.mark.parametrize("place", [place for place in PLACES if place != "$.description"])
def test_everywhere_else_only_plain_words_pass(carried, place):
    passed = {text for where, text, _ in carried.values() if where == place}
    assert passed == WORDS.get(place, set()) & set(CORPUS)


def test_a_label_is_in_the_xml_as_it_was_written(carried):
    labels = {text: job for place, text, job in carried.values() if place == "$.job.label"}
    assert {text: jjb.text(job, "assignedNode") for text, job in labels.items()} == {
        text: text for text in labels
    }


def test_the_name_of_a_file_that_is_none_of_a_deployment_stops_the_rendering(tmp_path):
    for text in CORPUS:
        deployments = tmp_path / "deploy"
        deployments.mkdir()
        path = deployments / f"{text}.json"
        try:
            path.write_text(json.dumps(CLOUD))
        except (OSError, ValueError):
            assert "/" in text or "\0" in text or "\ud800" in text or len(text) > 200
        else:
            _check_name(deployments, text)
        shutil.rmtree(deployments)


def _check_name(deployments, text):
    if text in WORDS["$.job.label"]:
        assert [found.name for found in deployment.load_all(deployments)] == [text]
        return
    with pytest.raises(ConfigurationError) as caught:
        deployment.load_all(deployments)
    assert str(caught.value).startswith(f"{deployments}: ")
    assert "is no name of a deployment" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.fixture
def osci(tmp_path):
    """A directory with a stand-in for osci that notes its arguments and parameters."""
    program = tmp_path / "bin" / "osci"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf \'%s\\0\' "$@" "$SUITES" "$KEEP" > "$NOTES"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "work").mkdir()
    return tmp_path


def _build(osci, job, **parameters):
    """Run the builder of a job as Hudson does, and return what osci was called with."""
    script = osci / "script.sh"
    script.write_text(jjb.text(job, "builders/hudson.tasks.Shell/command"))
    environment = {"PATH": f"{osci / 'bin'}:{os.environ['PATH']}", "NOTES": str(osci / "notes")}
    subprocess.run(
        ["/bin/sh", "-xe", str(script)],
        cwd=osci / "work",
        env=environment | parameters,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return (osci / "notes").read_bytes().decode().split("\0")[:-1]


def test_a_builder_calls_osci_and_nothing_else(osci, carried):
    for name, (_, _, job) in carried.items():
        words = _build(osci, job)
        assert words[:-2] == ["functional", name, "--ci", "--run-directory", "run"]
    assert list((osci / "work").iterdir()) == []


def test_parameters_reach_osci_as_they_were_given(osci, carried):
    *_, job = next(iter(carried.values()))
    for text in CORPUS:
        if "\0" in text or "\ud800" in text:
            continue  # no environment holds these
        assert _build(osci, job, SUITES=text, KEEP=text)[-2:] == [text, text]
    assert list((osci / "work").iterdir()) == []
