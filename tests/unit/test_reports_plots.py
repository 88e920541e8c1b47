# SPDX-License-Identifier: Apache-2.0
"""Tests of the plots: plain SVG, the same each time, safe whatever a stranger calls things."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import page
import pytest

import osci_jobs
from osci_jobs.reports import content, html, plots, svg
from osci_jobs.results.harvested import HostHarvest, HostUsage, ServiceUsage, Unit
from osci_jobs.results.record import Host, Phase, Record
from osci_jobs.results.samples import Sample, Samples

START = datetime(2026, 11, 23, 9, 35, 44, tzinfo=UTC)
HOSTILE = (
    "\x1b[31m</text></svg><script>alert(1)</script>\u202e\ud800\"'$\\frac{1}$_^%\n✂💩 {{ 7*7 }}"
)
NAMESPACE = "{http://www.w3.org/2000/svg}"
# Those of a run without load.
DRAWN = tuple(name for name in plots.NAMES if name not in ("load", "series"))
TREE = Path(osci_jobs.__file__).parents[1]  # where osci is installed for this test
PAGE_BYTES = 1_000_000


def _at(seconds):
    return START + timedelta(seconds=seconds)


def _record(hosts=("host1",), phase="deploy", seconds=60.0):
    return Record(
        run="r",
        command="functional",
        arguments=(),
        started=START.isoformat(),
        seconds=seconds,
        deployment={"name": "basic", "digest": "", "resolved": {}},
        group="",
        sources={},
        phases=(Phase(phase, START.isoformat(), seconds, "success"),),
        hosts=tuple(Host(name, "10.0.0.1", {}) for name in hosts),
        suites={},
        verdict="success",
        exit_code=0,
        cause=None,
        later=(),
    )


def _harvest(name="host1", services=("nova-api",), count=120):
    unit = Unit(
        *(name, services[0], "failed", "signal", 9, 2),
        *(_at(5), _at(9), _at(50), ("10.0.0.1:3306", services[-1]), (3306,)),
    )
    rows = [
        ServiceUsage(_at(n / 2), service, n * 0.1 * place, place * n << 20)
        for n in range(count)
        for place, service in enumerate(services, 1)
    ]
    usage = [
        HostUsage(_at(n / 2), n * 0.3, n << 22, n << 20, n << 12, n << 11) for n in range(count)
    ]
    units = tuple(replace(unit, name=service) for service in services)
    return HostHarvest(name, units=units, services=tuple(rows), usage=tuple(usage))


def _gather(directory, record=None, harvest=None, operations=("server.create",)):
    samples = [Sample(_at(n), name, 0.1 * n, 200) for n in range(9) for name in operations]
    return content.gather(
        record or _record(),
        {},
        Samples(tuple(samples), 0),
        (_harvest(),) if harvest is None else harvest,
        directory,
    )


def _texts(root):
    return [text for element in root.iter("text") if (text := "".join(element.itertext()))]


def test_each_plot_is_drawn_when_there_is_data_for_it(tmp_path):
    assert tuple(plots.draw(_gather(tmp_path))) == DRAWN


def test_no_plot_is_drawn_without_data(tmp_path):
    found = _gather(tmp_path, replace(_record(), phases=()), (), ())
    assert plots.draw(found) == {}


def test_an_empty_log_draws_nothing(tmp_path):
    record = replace(_record(seconds=0.0), started="", phases=())
    assert plots.draw(_gather(tmp_path, record, operations=())) == {}


def test_the_same_content_gives_the_same_bytes(tmp_path):
    found = _gather(tmp_path)
    first, second = ([svg.standalone(plot) for plot in plots.draw(found).values()] for _ in "12")
    assert first == second


def test_a_file_is_well_formed_and_needs_nothing_from_outside(tmp_path):
    for name, plot in plots.draw(_gather(tmp_path)).items():
        text = svg.standalone(plot)
        root = ElementTree.fromstring(text)
        assert root.tag == f"{NAMESPACE}svg"
        assert "DOCTYPE" not in text
        assert "://" not in text.replace(NAMESPACE.strip("{}"), "")
        tags = {element.tag.removeprefix(NAMESPACE) for element in root.iter()}
        assert tags <= {
            "svg",
            "title",
            "style",
            "defs",
            "g",
            "path",
            "text",
            "use",
            "clipPath",
            "rect",
        }
        for element in root.iter():
            assert "style" not in element.attrib
            assert element.get("href", f"#{name}-").startswith(f"#{name}-")
        assert svg.INK not in text and "currentColor" in text
        assert root.get("aria-label").strip(". ")


def test_axes_have_titles_and_units(tmp_path):
    drawn = plots.draw(_gather(tmp_path))
    found = {name: _texts(plot.root) for name, plot in drawn.items()}
    time_axis = "since the start of the run (minutes:seconds)"
    assert all(time_axis in found[name] for name in ("timeline", "memory", "cpu", "hosts"))
    assert "answer time (logarithmic)" in found["api"]
    assert "memory (MiB)" in found["memory"]
    assert "CPU (cores)" in found["cpu"]
    assert {"CPU (cores)", "memory (MiB)", "disk (MiB)", "network (KiB/s)"} <= set(found["hosts"])


def test_what_a_unit_waited_for_is_named(tmp_path):
    texts = _texts(plots.draw(_gather(tmp_path))["timeline"].root)
    assert any(text.startswith("waited for nova-api") for text in texts)
    assert "failed, restarted 2×" in texts


def test_hostile_names_are_seen_and_do_nothing(tmp_path):
    record = _record((HOSTILE,), HOSTILE)
    harvest = (_harvest(HOSTILE, (HOSTILE, f"{HOSTILE}2")),)
    found = _gather(tmp_path, record, harvest, (HOSTILE,))
    drawn = plots.draw(found)
    assert tuple(drawn) == DRAWN
    for plot in drawn.values():
        text = svg.standalone(plot)
        assert r"\x1b[31m&lt;/text" in text
        assert "<script" not in text and not set(text) & set("\x1b\u202e\ud800")
    text = html.render(found, drawn, ())
    page.check(text)
    assert r"\u202e\ud800" in text


def test_more_lines_than_an_eye_can_follow_are_summed(tmp_path):
    services = tuple(f"service-{number:02}" for number in range(12))
    drawn = plots.draw(_gather(tmp_path, harvest=(_harvest(services=services),)))
    texts = _texts(drawn["memory"].root)
    shown = [text for text in texts if text in (*services, "other")]
    assert sorted(shown) == sorted([*services[-plots.LINES :], "other"])


def test_a_whole_run_keeps_to_its_size(tmp_path):
    services = tuple(f"service-{number:02}" for number in range(10))
    names = ("host1", "host2", "tester")
    harvest = tuple(_harvest(name, services) for name in names)
    operations = [f"compute.server.operation_{number}" for number in range(40)]
    found = _gather(tmp_path, _record(names), harvest, operations)
    text = html.render(found, plots.draw(found), ())
    assert len(text.encode()) < PAGE_BYTES


@pytest.mark.parametrize("home", ["/nonexistent", "/proc"])
def test_drawing_leaves_nothing_anywhere(tmp_path, home):
    """In a process of its own, for matplotlib looks for its directories when it is imported."""
    places = {name: tmp_path / name for name in ("run", "tmp", "work")}
    for place in places.values():
        place.mkdir()
    (places["work"] / "matplotlibrc").write_text("svg.fonttype: path\nfont.size: 40\n")
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]);"
        "import test_reports_plots as t; from osci_jobs.reports import plots, svg;"
        "drawn = plots.draw(t._gather(Path(sys.argv[1])));"
        "print(svg.standalone(drawn['cpu']), end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, places["run"], Path(__file__).parent],
        cwd=places["work"],
        env={"HOME": home, "TMPDIR": str(places["tmp"]), "PYTHONPATH": str(TREE)}
        | {"MPLBACKEND": "rubbish", "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == svg.standalone(plots.draw(_gather(tmp_path))["cpu"])
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["matplotlibrc"]
    assert list(places["run"].iterdir()) == []
