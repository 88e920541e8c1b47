# SPDX-License-Identifier: Apache-2.0
"""The description of a build, on either server."""

from html.parser import HTMLParser

import pytest

from osci_jobs.hudson import description
from osci_jobs.hudson.description import Place
from osci_jobs.hudson.server import Dialect

HUDSON, JENKINS = Dialect("Hudson", "3.3.2"), Dialect("Jenkins", "2.516")
REPORT = "http://hudson.example.org/ci/job/osci-functional-basic/3/artifact/run/report.html"
CAUSE = "The case 'a.b' of the suite 'smoke' ended as 'failure'. See there."
EVIL = "<script>x</script> & \x1b[2J\u202e <a href='//evil'>more</a>"


def tags(text):
    """Return the tags of HTML with their attributes."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(text)
    return found


def test_hudson_gets_html_with_a_link_from_the_root_of_the_server():
    assert description.text(HUDSON, "failure", CAUSE, REPORT) == (
        "<b>failure</b> The case &#x27;a.b&#x27; of the suite &#x27;smoke&#x27; ended as "
        "&#x27;failure&#x27;. "
        '<a href="/ci/job/osci-functional-basic/3/artifact/run/report.html">report</a>'
    )


def test_jenkins_gets_plain_text():
    assert description.text(JENKINS, "failure", CAUSE, REPORT) == (
        f"failure: The case 'a.b' of the suite 'smoke' ended as 'failure'. {REPORT}"
    )


@pytest.mark.parametrize(
    ("dialect", "text"),
    [(HUDSON, "<b>success</b>"), (JENKINS, "success")],
    ids=str,
)
def test_without_cause_and_report_there_is_the_verdict(dialect, text):
    assert description.text(dialect, "success", "", "") == text


@pytest.mark.parametrize(("dialect", "allowed"), [(HUDSON, ["b", "a"]), (JENKINS, [])])
def test_nothing_of_a_stranger_is_a_tag(dialect, allowed):
    text = description.text(dialect, "failure", EVIL, REPORT)
    assert [tag for tag, _ in tags(text)] == allowed
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("dialect", [HUDSON, JENKINS])
def test_a_long_cause_is_clipped(dialect):
    text = description.text(dialect, "failure", "x" * 100_000 + "\nmore", "")
    assert len(text) < 400
    assert "more" not in text


def test_the_build_is_known_by_its_environment():
    environment = {"JOB_NAME": "folder/osci-functional-basic", "BUILD_NUMBER": "12"}
    assert description.place(environment) == Place("folder/osci-functional-basic", 12)


@pytest.mark.parametrize(
    ("job", "number"),
    [
        ("", "1"),
        ("a", ""),
        ("a", "0"),
        ("a", "1/../2"),
        ("a", "1\n"),
        ("a/../b", "1"),
        ("/a", "1"),
        ("a//b", "1"),
        ("a\nb", "1"),
        ("a", "9" * 30),
    ],
)
def test_what_is_no_build_is_none(job, number):
    assert description.place({"JOB_NAME": job, "BUILD_NUMBER": number}) is None


@pytest.mark.parametrize(
    ("message", "line", "text"),
    [
        ("The case 'a' failed. See there.", "host2 is gone", "The case 'a' failed: host2 is gone"),
        ("The case 'a' failed.", "", "The case 'a' failed."),
        ("It said: host2 is gone", "host2 is gone", "It said: host2 is gone"),
    ],
)
def test_the_failing_line_stands_behind_the_first_sentence(message, line, text):
    assert description.summary(message, line) == text
