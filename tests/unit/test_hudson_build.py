# SPDX-License-Identifier: Apache-2.0
"""What is read of a server's JSON, whatever is in it."""

import pytest

from osci_jobs.hudson import build, server


@pytest.mark.parametrize(
    ("colour", "meaning"),
    [
        ("blue", ("success", False)),
        ("green", ("success", False)),
        ("yellow_anime", ("unstable", True)),
        ("red", ("failure", False)),
        ("aborted_anime", ("aborted", True)),
        ("grey", ("not built", False)),
        ("notbuilt_anime", ("not built", True)),
        ("disabled", ("disabled", False)),
        ("mauve", ("unknown", False)),
        ("", ("unknown", False)),
    ],
)
def test_a_colour_says_how_the_last_build_ended(colour, meaning):
    assert build.colour(colour) == meaning


def test_colours_and_results_have_the_same_words():
    assert set(build.RESULTS.values()) <= set(build.COLOURS.values())


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"actions": None, "artifacts": {}, "number": "7", "result": 5},
        {"actions": [None, 7, [], {"parameters": 1}, {"causes": [3]}], "duration": -1},
        {"actions": [{"parameters": [{"name": [], "value": {}}]}], "duration": 10**400},
        {"artifacts": [{"relativePath": 1}, "x"], "builtOn": {}, "building": "yes"},
    ],
)
def test_a_build_of_nonsense_is_one_that_has_nothing(found):
    read = build.build_of(7, found)
    assert (read.number, read.is_building, read.seconds) == (7, False, 0)
    assert read.agent == ""


def test_a_queue_is_in_the_order_in_which_it_came():
    answer = {
        "items": [
            {"id": 9, "why": None, "blocked": True, "task": {"name": "b"}},
            None,
            {"id": 3, "why": "w", "task": {"name": "a"}},
            {"id": "x", "task": "c"},
        ]
    }
    items = build.queue_of(answer)
    assert [(one.id, one.job, one.place, one.length) for one in items] == [
        (0, "", 1, 3),
        (3, "a", 2, 3),
        (9, "b", 3, 3),
    ]
    assert items[2].why == "an earlier build of the job goes on"


def test_the_estimate_is_the_median_of_the_last_good_builds():
    seconds = [9, 2, 4, 6, 8, 100]
    builds = [{"result": "SUCCESS", "duration": one * 1000} for one in seconds]
    builds.insert(0, {"result": "FAILURE", "duration": 1})
    assert build.job_of("job", {"builds": builds}).seconds == 6
    assert build.job_of("job", {"builds": []}).seconds == 0


def test_parameters_have_their_defaults():
    definitions = [
        {"name": "KEEP", "defaultParameterValue": {"value": "never"}},
        {"name": "DRY", "defaultParameterValue": {"value": True}},
        {"name": "FILE"},
    ]
    read = build.job_of("job", {"property": [{"parameterDefinitions": definitions}]})
    assert read.parameters == {"KEEP": "never", "DRY": "true", "FILE": ""}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("osci-functional-basic", "job/osci-functional-basic/"),
        ("folder/one", "job/folder/job/one/"),
        ("a b?c#d%", "job/a%20b%3Fc%23d%25/"),
    ],
)
def test_the_path_of_a_job_is_quoted(name, path):
    assert server.job_path(name) == path


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("100000", 60, 60),
        ("-1", 0, 0),
        ("soon", 0, 0),
        ("", 0, 0),
        ("9" * 400, 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Wed, 21 Oct 2115 07:28:00 GMT", 60, 60),
    ],
)
def test_how_long_a_server_wants_to_be_left_alone_is_capped(header, low, high):
    assert low <= server._retry_after({"Retry-After": header}) <= high
