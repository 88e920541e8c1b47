# SPDX-License-Identifier: Apache-2.0
"""Tests of what reports take from a harvest: who waited for whom, excerpts, usage, links."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from osci_jobs.reports import excerpt, links, operations, tested, timeline, usage
from osci_jobs.results.harvested import HostHarvest, ServiceUsage, Unit
from osci_jobs.results.record import Cause, Host, Phase, Record
from osci_jobs.results.samples import Sample

START = datetime(2026, 11, 23, 9, 35, 44, tzinfo=UTC)
HOSTS = (Host("control", "10.0.0.1", {"nova": "31"}), Host("compute", "10.0.0.2", {"nova": "31"}))


def _at(seconds):
    return None if seconds is None else START + timedelta(seconds=seconds)


def _record(**fields):
    record = Record(
        *("r", "functional", (), START.isoformat(), 60.0),
        deployment={"name": "basic", "digest": "", "resolved": {}},
        group="",
        sources={},
        phases=(Phase("deploy", START.isoformat(), 40.0, "success"),),
        hosts=HOSTS,
        suites={},
        verdict="success",
        exit_code=0,
        cause=None,
        later=(),
    )
    return replace(record, **fields)


def _unit(host, name, times, needs=(), listens=(), **fields):
    waited, started, ended = map(_at, times)
    unit = Unit(host, name, "active", "success", 0, 0, waited, started, ended, needs, listens)
    return replace(unit, **fields)


def _spans(*units):
    harvest = [
        HostHarvest(host.name, tuple(unit for unit in units if unit.host == host.name))
        for host in HOSTS
    ]
    return {span.unit: span for span in timeline.gather(_record(), harvest).spans}


def test_a_unit_waited_for_the_one_that_listens_at_the_address():
    spans = _spans(
        _unit("control", "mariadb", (None, 5, None), listens=(3306,)),
        _unit("control", "keystone", (6, 9, None), ("10.0.0.1:3306", "10.9.9.9:80")),
        _unit("compute", "neutron", (6, 9, None), ("10.0.0.1:3306",)),
    )
    assert spans["keystone"].needs == ("mariadb", "10.9.9.9:80")
    assert spans["neutron"].needs == ("mariadb on control",)
    assert (spans["mariadb"].wait, spans["keystone"].wait) == (0, 3)


def test_what_still_ran_is_drawn_up_to_the_end_of_deploy():
    spans = _spans(
        _unit("control", "running", (1, 2, None)),
        _unit("control", "done", (1, 2, 9)),
        _unit("control", "again", (1, 50, 45), restarts=1),
        _unit("control", "waiting", (1, None, None)),
        _unit("control", "dead", (1, 2, 50), active="failed", result="signal"),
    )
    found = {name: (span.ended, span.state) for name, span in spans.items()}
    assert found == {
        "running": (40, "running"),
        "done": (9, "done"),
        "again": (60, "running"),
        "waiting": (40, "still waiting"),
        "dead": (50, "failed"),
    }


def test_a_unit_of_another_time_is_not_of_the_run():
    assert (
        _spans(_unit("control", "a", (-100, -90, None)), _unit("control", "b", (99, 99, None)))
        == {}
    )


def test_units_past_the_limit_are_counted_and_those_that_failed_stay():
    units = [_unit("control", f"u{number}", (1, 2, None)) for number in range(timeline.SPANS + 3)]
    units[-1] = replace(units[-1], active="failed")
    found = timeline.gather(_record(), [HostHarvest("control", tuple(units))])
    assert (len(found.spans), found.left) == (timeline.SPANS, 3)
    assert units[-1].name in {span.unit for span in found.spans}


def _cause(line, context):
    return Cause("deploy", "", "", line, "", "It failed.", tuple(context))


def test_the_failing_line_is_marked_among_its_neighbours():
    context = [f"line {number}" for number in range(30)]
    lines = excerpt.excerpt(_cause("line 20", context))
    assert [line.text for line in lines if line.is_failing] == ["line 20"]
    first, last = 20 - excerpt.BEFORE, 20 + excerpt.AFTER
    assert (lines[0].text, lines[-1].text) == (f"line {first}", f"line {last}")


@pytest.mark.parametrize("stamp", ["2026-11-23 09:36:33.5 812 ", ""])
def test_the_head_of_a_journals_line_is_cut_down(stamp):
    line = f"2026-11-23T09:36:33.512345+0000 host1 nova-api[812]: {stamp}ERROR no"
    (only,) = excerpt.excerpt(_cause("ERROR no", [line]))
    assert (only.text, only.is_failing) == ("09:36:33 nova-api[812]: ERROR no", True)


def test_a_failing_line_that_the_context_lacks_follows_it():
    lines = excerpt.excerpt(_cause("b\x1b", ["a"]))
    assert [(line.text, line.is_failing) for line in lines] == [("a", False), (r"b\x1b", True)]
    assert excerpt.excerpt(_cause("", [])) == ()


def _samples(service, rows):
    return [ServiceUsage(_at(at), service, cpu, memory) for at, cpu, memory in rows]


def _usage(*hosts):
    found = [HostHarvest(f"host{n}", services=tuple(rows)) for n, rows in enumerate(hosts)]
    return usage.gather(found, START.isoformat())


def test_a_service_is_summed_over_its_hosts():
    rows = [(0, 0, 100), (2, 1, None), (4, 3, 300)]
    found = _usage(_samples("nova", rows), _samples("nova", rows))
    assert found.memory.times == (0, 4)
    assert found.memory.series[0].values == (200, 600)
    assert found.cpu.series[0].values == (None, 1, 2)
    (service,) = found.services
    assert (service.memory_peak, service.cpu_peak, service.cpu_seconds) == (600, 2, 6)


def test_a_host_that_was_sampled_a_little_longer_makes_no_cliff():
    rows = [(n, 0, 100) for n in range(21)]
    found = _usage(_samples("nova", rows), _samples("nova", rows[:-1]))
    assert set(found.memory.series[0].values) == {200}


def test_a_counter_that_begins_anew_is_no_negative_use():
    found = _usage(_samples("nova", [(0, 5, 1), (1, 0, 1), (2, 1, 1)]))
    assert found.cpu.series[0].values == (None, 0, 1)


def test_samples_of_another_year_are_left_out():
    found = _usage(_samples("nova", [(-1e8, 0, 1), (0, 0, 1), (1, 1, 1), (1e8, 2, 1)]))
    assert found.cpu.times == (0, 1)


def test_an_operations_spread_is_of_the_calls_that_were_answered_well():
    seconds = [0.1, 0.2, 0.3, 0.4, 0.5]
    calls = [Sample(START, "list", one, 200) for one in seconds] + [Sample(START, "list", 9, 500)]
    (found,) = operations.gather([*calls, Sample(START, "never", 1, 0)])
    assert (found.calls, found.failed) == (6, 1)
    spread = (found.least, found.low, found.median, found.high, found.most)
    assert spread == (0.1, 0.2, 0.3, 0.4, 0.5)


def test_versions_that_agree_stand_together():
    (one,) = tested.packages(_record())
    assert one.versions == (("31", ""),)
    hosts = (HOSTS[0], Host("compute", "", {"nova": "32", "qemu": "9"}))
    nova, qemu = tested.packages(_record(hosts=hosts))
    assert nova.versions == (("31", "control"), ("32", "compute"))
    assert qemu.versions == (("9", "compute"),)


def test_a_sources_commits_are_told():
    nova = {"text": "u@x", "url": "u", "trunk_ref": "t", "merged": "c", "files": 1, "x": 1}
    pinned = {"text": "", "kind": "release", "ref": "1"}
    (source,) = tested.sources(_record(sources={"glance": pinned, "nova": nova}))
    assert source.parts == {
        "source": "u@x",
        "url": "u",
        "trunk ref": "t",
        "merged": "c",
        "change": "1 file, +0 -0",
    }


def test_a_link_is_relative_and_quoted(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "javascript:%?#é").write_text("")
    assert links.url(tmp_path, "a b/javascript:%?#é") == "a%20b/javascript%3A%25%3F%23%C3%A9"


@pytest.mark.parametrize(
    "path", ["", "..", "a/../../b", "/etc/passwd", "nothing", "\ud800", "\0", "x" * 5000]
)
def test_a_path_that_leads_elsewhere_is_no_link(tmp_path, path):
    assert links.url(tmp_path, path) == ""


def test_the_links_are_the_files_that_are_there(tmp_path):
    for name in ("run.json", "report.html", "logs/host1/x.log", "junit/a b.xml"):
        Path(tmp_path, name).parent.mkdir(parents=True, exist_ok=True)
        Path(tmp_path, name).write_text("")
    found = [(link.path, link.url) for link in links.gather(tmp_path)]
    expected = ["run.json", "junit/a b.xml", "logs/host1/"]
    assert found == [(name, name.replace(" ", "%20")) for name in expected]
