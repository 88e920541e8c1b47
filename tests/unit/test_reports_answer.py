# SPDX-License-Identifier: Apache-2.0
"""What a run tells that held a change against trunk: a directory in, result and reports out.

OSCI_REWRITE_GOLDEN=1 rewrites those of `tests/data/answer`.
"""

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import page
import pytest
from change import Change, Side, failed, passed

from osci_jobs import reports, run
from osci_jobs.results import metrics
from osci_jobs.results.cases import Case

GOLDEN = Path(__file__).parent.parent / "data" / "answer"
EFFECTS = "effects.csv.gz"
DEPLOY = (("deploy", "deploy", "OpenStack did not come up: 'nova-api' is not ready."),)
CHANGES = {
    "mixed": Change(
        before=Side({"smoke": [*passed("a", "b", "c"), *failed("d", "e")]}),
        after=Side({"smoke": [*passed("a", "d"), *failed("b", "c", "e")]}),
        rerun=Side({"smoke": [*passed("a", "c", "d"), *failed("b", "e")]}),
        measured=EFFECTS,
    ),
    "comment": Change(
        before=Side({"smoke": passed("a", "b")}),
        after=Side({"smoke": passed("a", "b")}),
        measured="comment.csv.gz",
    ),
    "undeployed": Change(
        before=Side({}),
        after=Side({}, DEPLOY),
        troubles=(("after", "deploy", DEPLOY[0][2]),),
    ),
}


@pytest.fixture
def lay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda found: found.lay(Path())


def shown(directory: Path) -> str:
    return (directory / "report.txt").read_text("utf-8")


def failing(directory: Path) -> list[str]:
    root = ElementTree.parse(directory / "junit" / "regression.xml").getroot()
    return [
        f"{case.get('classname')}.{case.get('name')}"
        for case in root.iter("testcase")
        if case.find("failure") is not None
    ]


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_gives_the_reports_it_gave_before(lay, name):
    directory, _ = lay(CHANGES[name])
    for file in ("report.txt", "report.html"):
        written = (directory / file).read_text("utf-8")
        expected = GOLDEN / name / file
        if os.environ.get("OSCI_REWRITE_GOLDEN"):
            expected.parent.mkdir(parents=True, exist_ok=True)
            expected.write_text(written)
        assert written == expected.read_text("utf-8")


@pytest.mark.parametrize("name", CHANGES)
def test_the_page_is_sound_and_asks_for_nothing_from_outside(lay, name):
    directory, _ = lay(CHANGES[name])
    text = (directory / "report.html").read_text("utf-8")
    page.check(text)
    assert "<svg" not in text


def test_cases_anew_and_metrics_that_got_worse_fail(lay):
    directory, record = lay(CHANGES["mixed"])
    assert record.verdict == "failure"
    found = failing(directory)
    assert found[0] == "smoke.servers.b"
    assert "server-list.p50" in found
    assert not any(name.startswith(("smoke.servers.c", "smoke.servers.e")) for name in found)
    skipped = (directory / "junit" / "regression.xml").read_text()
    assert "It fails on trunk too." in skipped
    assert "It is flaky" in skipped


def test_metrics_alone_make_a_regression(lay):
    side = Side({"smoke": [*passed("a"), *failed("e")]})
    directory, record = lay(Change(side, side, measured=EFFECTS))
    assert (record.verdict, record.exit_code) == ("regression", 6)
    assert not any(name.startswith("smoke.") for name in failing(directory))


def test_what_fails_on_both_sides_is_no_failure(lay):
    side = Side({"smoke": [*passed("a"), *failed("e")]})
    directory, record = lay(Change(side, side))
    assert record.verdict == "success"
    assert "fails on trunk too: smoke: servers.e" in shown(directory)


def test_without_a_case_the_run_is_empty(lay):
    _, record = lay(Change(Side(), Side()))
    assert record.verdict == "empty"


def test_the_answer_is_the_first_line(lay):
    directory, _ = lay(CHANGES["mixed"])
    line = shown(directory).split("\n\n")[0].replace("\n", " ")
    assert line.startswith("1 newly failing, keypair fails more often (0 to 2 times)")
    assert "server list 28.4 ms (+23 %) slower" in line
    assert "token 11.4 ms (-12 %) faster" in line
    assert line.endswith("1 newly passing")
    assert reports.headline(directory) == line


def test_of_a_comment_nothing_is_said_but_what_could_have_been_seen(lay):
    directory, record = lay(CHANGES["comment"])
    assert record.verdict == "success"
    text = shown(directory)
    assert text.startswith("Nothing got worse or better\n")
    assert "what would have been seen: flavor list" in text.replace("\n    ", " ")
    assert "Worse" not in text


def test_pairs_for_which_there_was_no_time_are_told(lay):
    side = Side({"smoke": passed("a")})
    directory, _ = lay(Change(side, side, measured="comment.csv.gz", asked=8))
    assert "99 metrics tested, 5 of 8 pairs (then the time was over), seed 7" in shown(directory)


def test_what_could_not_be_counted_is_told(lay):
    side = Side({"smoke": passed("a")})
    why = ("messages: RabbitMQ: it hangs.",)
    directory, _ = lay(Change(side, side, measured="comment.csv.gz", uncounted=why))
    assert "Not counted everywhere: messages: RabbitMQ: it hangs.\n" in shown(directory)


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (Side(), Side({}, DEPLOY), "The branch does not deploy, trunk does"),
        (Side({}, DEPLOY), Side(), "Trunk does not deploy, the branch does"),
        (Side({}, DEPLOY), Side({}, DEPLOY), "Trunk does not deploy"),
    ],
)
def test_it_is_said_which_side_does_not_deploy(lay, before, after, line):
    name = "before" if before.troubles else "after"
    directory, record = lay(Change(before, after, troubles=((name, *DEPLOY[0][1:]),)))
    assert (record.verdict, record.exit_code) == ("deploy", 7)
    assert shown(directory).splitlines()[0] == line
    assert ("Not yours" in shown(directory)) is bool(before.troubles)


def test_a_suite_that_was_stopped_is_not_laid_to_the_change(lay):
    lost = Side({"smoke": passed("a")}, (("smoke", "infrastructure", "The host is lost."),))
    whole = (("suites", "infrastructure", "The host is lost."),)
    directory, record = lay(Change(Side({"smoke": passed("a")}), lost, troubles=whole))
    assert record.verdict == "infrastructure"
    assert failing(directory) == []
    assert "newly failing" not in shown(directory).lower()


def test_a_suite_that_hangs_with_the_change_alone_is_its_doing(lay):
    hung = Side({"smoke": passed("a")}, (("smoke", "timeout", "It went past its limit."),))
    whole = (("suites", "timeout", "It went past its limit."),)
    directory, record = lay(Change(Side({"smoke": passed("a")}), hung, troubles=whole))
    assert record.verdict == "timeout"
    assert failing(directory) == ["smoke.smoke"]
    assert "It went past its limit." in shown(directory)
    assert "Newly failing\n  smoke: smoke\n" in shown(directory)


def test_a_cloud_on_which_no_load_can_be_put_is_not_well(lay):
    side = Side({"smoke": passed("a")})
    message = "The side 'after' could not be measured: no server comes up."
    directory, record = lay(Change(side, side, troubles=(("stress", "failure", message),)))
    assert record.verdict == "failure"
    assert " ".join(shown(directory).split()).startswith(message)


def test_what_is_known_of_a_run_that_was_killed_is_told(lay):
    known = CHANGES["mixed"]
    killed = Change(known.before, known.after, known.rerun, EFFECTS, is_killed=True)
    directory, record = lay(killed)
    assert record.verdict == "interrupted"
    assert "smoke: servers.b" in shown(directory)
    assert json.loads((directory / "run.json").read_text())["suites"]["regression"]


def test_a_report_that_is_made_again_is_the_same(lay):
    directory, _ = lay(CHANGES["mixed"])
    before = {path: path.read_bytes() for path in directory.glob("report.*")}
    run.report(directory)
    assert {path: path.read_bytes() for path in before} == before


def test_a_mail_of_the_report_stays_below_its_limit_whatever_a_stranger_writes(lay):
    wild = "\N{PILE OF POO}\"<&\x1b[31m' " * 500
    many = [Case(f"{wild}{number}", wild, "failed", 1.0, wild, wild) for number in range(500)]
    directory, record = lay(Change(Side({"smoke": []}), Side({"smoke": many}), measured=EFFECTS))
    assert record.verdict == "failure"
    written = [(directory / f"report.{kind}").read_bytes() for kind in ("txt", "html")]
    assert sum(map(len, written)) < 72_000
    assert b"and 498 more" in written[0] or b"and 49" in written[0]
    page.check(written[1].decode())


def test_the_effects_are_there_to_be_plotted(lay, tmp_path):
    directory, _ = lay(CHANGES["mixed"])
    found = metrics.read_csv(directory / "metrics" / "effects.csv")
    assert found["server-list.effect"] == pytest.approx(22.5, abs=0.1)
    assert "keypair.effect" not in found  # its operations failed
    header = (directory / "metrics" / "effects.csv").read_text().splitlines()[0]
    directory, _ = Change(Side(), Side({}, DEPLOY)).lay(tmp_path / "other")
    rest = (directory / "metrics" / "effects.csv").read_text().splitlines()
    assert rest == [header, "," * header.count(",")]


def test_the_numbers_of_the_bars_are_those_of_the_text(lay):
    directory, _ = lay(CHANGES["mixed"])
    told = re.search(r"pairs: (127 to 155.*?) ms", shown(directory), re.S)[1]
    bars = (directory / "report.html").read_text()
    for pair in re.split(r"\s{2,}", told):
        assert pair in bars
