# SPDX-License-Identifier: Apache-2.0
"""The plots of a run, drawn by matplotlib."""

import io
import logging
import math
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osci_jobs import signals
from osci_jobs.reports import load, svg, usage
from osci_jobs.reports.amounts import duration, number, size
from osci_jobs.reports.content import Content
from osci_jobs.reports.operations import Operation
from osci_jobs.reports.timeline import Bar, Span
from osci_jobs.reports.usage import Chart
from osci_jobs.results.escape import clip, visible_line
from osci_jobs.results.load import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = 8  # of one chart; the rest are summed as 'other'
OPERATIONS = 24  # of the plot; the table has more
LABEL_CHARACTERS = 26
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 9.0, 0.8, 1.9, 0.35, 0.55  # inches
_ROW, _PANEL = 0.25, 1.15
_CHARACTER = 0.0092  # how much of an axis a character takes
_INK = svg.INK
# Each has a contrast of 3:1 or more on white and on the dark ground, and those
# that an eye may take for another differ in their dashes.
_COLOURS = ("#2f7ed8", "#d9640f", "#1a936a", "#a264d0", "#b0733c", "#1793a6", "#d6508f", "#8a8413")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))
_OTHER = ("#808080", (0, (1, 2)))
_RUNNING, _DONE, _FAILED, _WAITING = "#2f7ed8", "#1a936a", "#d6453d", "#808080"
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_LEAST_SECONDS = 1e-4  # zero has no place on a logarithmic axis
_MIB, _GIB = 1 << 20, 1 << 30
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "osci",
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.15,
    "lines.linewidth": 1.7,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK
    ),
    "grid.color": _INK,
}

Style = tuple[str, Any]  # colour and dashes


@dataclass(frozen=True)
class _Panel:
    """One chart of lines: its axis' title, and what one of its unit is."""

    chart: Chart
    title: str
    scale: float


def draw(content: Content) -> dict[str, svg.Plot]:
    """Return the plots for which there is data, by name, in the order of NAMES.

    The same content gives the same plots. While matplotlib is imported, it keeps
    its files in the run's directory, where nothing of them is left.
    """
    with _matplotlib(content.run_directory):
        drawn = {name: drawing(content) for name, drawing in _DRAWINGS.items()}
        return {
            name: svg.parse(name, _save(figure), title, words)
            for name, found in drawn.items()
            if found
            for figure, title, words in [found]
        }


@contextmanager
def _matplotlib(directory: Path) -> Iterator[None]:
    """Set matplotlib up as it comes, whatever files and variables of its user say."""
    # It would warn that it scans the machine's fonts, and of each font that is missing.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # It imports slowly, so it comes when it is needed.
    with tempfile.TemporaryDirectory(prefix=".matplotlib-", dir=directory) as private:
        # No fc-list is found in that PATH, which would write a cache of its own.
        private_places = {"MPLCONFIGDIR": private, "MPLBACKEND": "svg", "PATH": private}
        with _environment(private_places), signals.blocked():
            import matplotlib.figure

    with warnings.catch_warnings(), matplotlib.rc_context():
        # A name may hold characters that its font lacks; the browser has others.
        warnings.simplefilter("ignore")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    # The only way to tell matplotlib where its files belong before it writes them.
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _save(figure: "Figure") -> str:
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing)
    return text.getvalue()


def _figure(height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, height))


def _axes(figure: "Figure", left: float, top: float, right: float, height: float) -> "Axes":
    """Return axes at these distances from the figure's edges, in inches."""
    whole = figure.get_figheight()
    place = (left / _WIDTH, 1 - (top + height) / whole, 1 - (left + right) / _WIDTH, height / whole)
    return figure.add_axes(place)


def _label(text: str) -> str:
    return clip(visible_line(text), LABEL_CHARACTERS)


# The timeline


def _timeline(content: Content) -> tuple["Figure", str, str] | None:
    line = content.timeline
    if not line.bars or not line.seconds:
        return None
    rows = 1 + len(line.spans)
    figure = _figure(_TOP + _ROW * rows + _BOTTOM)
    axes = _axes(figure, 2.2, 0.1, 0.2, _ROW * rows + 0.1)
    axes.set_xlim(0, line.seconds)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    for number_, bar in enumerate(line.bars):
        _draw_phase(axes, bar, line.seconds, number_)
    for row, span in enumerate(line.spans, 1):
        _draw_span(axes, span, row, line.seconds)
    several = len({span.host for span in line.spans}) > 1
    names = [f"{span.unit} ({span.host})" if several else span.unit for span in line.spans]
    axes.set_yticks(range(rows), ["phases", *map(_label, names)])
    axes.tick_params(axis="y", length=0)
    _time_axis(axes)
    return figure, "Timeline of phases and services", _timeline_words(content)


def _draw_phase(axes: "Axes", bar: Bar, seconds: float, place: int) -> None:
    is_failed = bar.phase.outcome not in ("success", "skipped")
    colour = _FAILED if is_failed else _INK
    alpha = 0.35 if is_failed else (0.16, 0.28)[place % 2]
    axes.barh(0, bar.end - bar.start, left=bar.start, height=0.8, color=colour, alpha=alpha)
    if place:
        axes.axvline(bar.start, color=_INK, linewidth=0.6, alpha=0.3, linestyle=(0, (2, 2)))
    name = _label(bar.phase.name)
    if _fits(name, bar.end - bar.start, seconds):
        axes.text((bar.start + bar.end) / 2, 0, name, ha="center", va="center", fontsize=8)


def _draw_span(axes: "Axes", span: Span, row: int, seconds: float) -> None:
    started = span.ended if span.started is None else span.started
    if span.waited is not None and span.wait:
        axes.plot([span.waited, started], [row, row], color=_WAITING, linestyle=(0, (1, 1)))
    if span.started is not None:
        colour = _FAILED if span.is_failed else _DONE if span.is_over else _RUNNING
        width = max(span.ended - started, seconds / 400)
        axes.barh(
            row, width, left=started, height=0.7, color=_see_through(colour), edgecolor=colour
        )
    befell = ["failed"] if span.is_failed else []
    befell += [f"restarted {span.restarts}×"] if span.restarts else []
    if befell:
        _mark(axes, span, row, seconds, ", ".join(befell))
    if span.needs and span.wait:
        _name_needs(axes, span, row, seconds, is_marked=bool(befell))


def _see_through(colour: str) -> tuple[str, float]:
    # So that what is written on a bar has its contrast on light and dark ground.
    return colour, 0.3


def _name_needs(axes: "Axes", span: Span, row: int, seconds: float, is_marked: bool) -> None:
    """Write what the unit waited for in or behind its bar, or else above its waiting."""
    started = span.ended if span.started is None else span.started
    behind = 0.0 if is_marked else seconds - span.ended
    rooms = [(span.ended - started, started, 0.0), (behind, span.ended, 0.0)]
    rooms.append((span.wait, started - span.wait, 0.28))
    room, place, rise = max(rooms)
    text = visible_line(f"waited for {', '.join(span.needs)}")
    fitting = int(room / seconds / _CHARACTER)
    if len(text) <= fitting or fitting >= LABEL_CHARACTERS:
        axes.annotate(
            clip(text, fitting),
            (place, row - rise),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )


def _mark(axes: "Axes", span: Span, row: int, seconds: float, text: str) -> None:
    """Write what befell the unit behind its bar, or before it where there is no room."""
    is_room = _fits(text, seconds - span.ended, seconds)
    start = span.waited if span.waited is not None else span.started
    place = span.ended if is_room else start or 0.0
    axes.plot([span.ended], [row], marker="D", markersize=5, color=_FAILED)
    axes.annotate(
        text,
        (place, row),
        (7 if is_room else -4, 0),
        textcoords="offset points",
        ha="left" if is_room else "right",
        va="center",
        fontsize=8,
        fontweight="bold",
    )


def _fits(text: str, width: float, whole: float) -> bool:
    """Whether so many characters find room in `width` of an axis that is `whole` long."""
    return len(text) * _CHARACTER * whole < width


def _timeline_words(content: Content) -> str:
    line = content.timeline
    told = number(len(line.bars), "phase")
    if line.spans:
        longest = max(line.spans, key=lambda span: span.wait)
        told += f" and {number(len(line.spans), 'service')}; the longest wait was"
        told += f" {duration(longest.wait)}, of {visible_line(longest.unit)}"
    return told


# The API


def _api(content: Content) -> tuple["Figure", str, str] | None:
    found = content.operations[:OPERATIONS]
    if not found:
        return None
    slowest = found[0]
    words = f"{number(len(found), 'operation')}; the slowest is {visible_line(slowest.name)}"
    figure = _spread(found, "answer time (logarithmic)")
    return figure, "API times by operation", f"{words} with {duration(slowest.median)}"


def _spread(found: Sequence[Operation], title: str) -> "Figure":
    """Draw a row for each operation: its median, its middle half, its whole range."""
    figure = _figure(0.15 + _ROW * len(found) + _BOTTOM)
    axes = _axes(figure, 2.6, 0.1, 0.9, _ROW * len(found) + 0.05)
    axes.set_xscale("log")
    low = min(max(operation.least, _LEAST_SECONDS) for operation in found) / 1.4
    high = max(max(operation.most, _LEAST_SECONDS) for operation in found) * 1.4
    axes.set_xlim(low, high)
    axes.set_ylim(len(found) - 0.5, -0.6)
    for row, operation in enumerate(found):
        _draw_operation(axes, operation, row)
    axes.set_yticks(range(len(found)), [_label(operation.name) for operation in found])
    axes.set_xticks(_ticks(low, high), [_short(tick) for tick in _ticks(low, high)])
    axes.set_xticks([], minor=True)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(title)
    return figure


def _draw_operation(axes: "Axes", operation: Operation, row: int) -> None:
    def line(start: float, end: float, width: float, alpha: float) -> None:
        times = [max(time, _LEAST_SECONDS) for time in (start, end)]
        axes.plot(times, [row, row], color=_COLOURS[0], linewidth=width, alpha=alpha)

    if operation.most > operation.least:
        line(operation.least, operation.most, 1.3, 1)
        line(operation.low, operation.high, 6, 0.45)
    median = max(operation.median, _LEAST_SECONDS)
    axes.plot([median], [row], marker="o", markersize=5, color=_COLOURS[1])
    axes.text(
        1.02, row, duration(operation.median), transform=axes.get_yaxis_transform(), va="center"
    )


def _ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if high / low > 1000 else (1, 2, 5)
    ticks = [factor * 10.0**power for power in powers for factor in factors]
    return [tick for tick in ticks if low <= tick <= high]


def _short(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


# Load


def _load(content: Content) -> tuple["Figure", str, str] | None:
    found = [one.measured for one in content.load if one.measured.latency][:OPERATIONS]
    if not found:
        return None
    rows = [_as_operation(one) for one in found]
    slowest = max(rows, key=lambda one: one.median)
    words = f"{number(len(found), 'scenario')}; the slowest is {visible_line(slowest.name)}"
    figure = _spread(rows, "latency (logarithmic)")
    return figure, "Latency under load", f"{words} with {duration(slowest.median)}"


def _as_operation(one: Measured) -> Operation:
    half, most, nearly_all = (one.latency.get(name, 0.0) for name in ("p50", "p95", "p99"))
    failed = sum(one.errors.values())
    return Operation(one.name, one.operations, failed, half, half, half, most, nearly_all)


def _series(content: Content) -> tuple["Figure", str, str] | None:
    lines = [line for line in load.lines(content.load) if len(line.points) > 1][:LINES]
    if not lines:
        return None
    height = 2.3
    figure = _figure(0.15 + height + _BOTTOM)
    axes = _axes(figure, _LEFT, 0.15, _RIGHT, height)
    axes.set_yscale("log")
    seconds = [max(value, _LEAST_SECONDS) for line in lines for _, value in line.points]
    low, high = min(seconds) / 1.4, max(seconds) * 1.4
    axes.set_ylim(low, high)
    axes.set_xlim(0, max(line.points[-1][0] for line in lines))
    axes.set_yticks(_ticks(low, high), [_short(tick) for tick in _ticks(low, high)])
    axes.set_yticks([], minor=True)
    axes.set_ylabel("median latency")
    axes.set_xlabel("seconds of the scenario, after its ramp")
    styles = {line.name: _style(place) for place, line in enumerate(lines)}
    for line in lines:
        colour, dashes = styles[line.name]
        axes.plot(*zip(*line.points, strict=True), color=colour, linestyle=dashes)
    _draw_ends(axes, [(line.points[-1], line.name) for line in lines], styles, 0.145 / height)
    slowest = visible_line(lines[0].name)
    return (
        figure,
        "Latency over time",
        f"{number(len(lines), 'scenario')}; the slowest is {slowest}",
    )


# What was used


def _memory(content: Content) -> tuple["Figure", str, str] | None:
    panel = _sized(content.usage.memory, "memory")
    return _lines(content, "Memory by service", [panel], 2.3, size)


def _cpu(content: Content) -> tuple["Figure", str, str] | None:
    panel = _Panel(content.usage.cpu, "CPU (cores)", 1)
    return _lines(content, "CPU by service", [panel], 2.3, lambda peak: f"{peak:.2f} cores")


def _hosts(content: Content) -> tuple["Figure", str, str] | None:
    found = content.usage
    panels = [
        _Panel(found.host_cpu, "CPU (cores)", 1),
        _sized(found.host_memory, "memory"),
        _sized(found.host_disk, "disk"),
        _sized(found.host_network, "network", "/s"),
    ]
    return _lines(content, "Hosts", panels, _PANEL, lambda peak: f"{peak:.2f} cores")


def _sized(chart: Chart, what: str, per: str = "") -> _Panel:
    peak = max((series.peak for series in chart.series), default=0.0)
    name, scale = (
        ("GiB", _GIB) if peak >= _GIB else ("MiB", _MIB) if peak >= _MIB else ("KiB", 1024)
    )
    return _Panel(chart, f"{what} ({name}{per})", scale)


def _lines(
    content: Content,
    title: str,
    panels: Sequence[_Panel],
    height: float,
    amount: Callable[[float], str],
) -> tuple["Figure", str, str] | None:
    panels = [panel for panel in panels if panel.chart.series]
    if not panels:
        return None
    figure = _figure(_TOP + len(panels) * (height + 0.22) + _BOTTOM - 0.2)
    low = min(panel.chart.times[0] for panel in panels)
    high = max(panel.chart.times[-1] for panel in panels)
    styles = _styles(content, panels)
    for place, panel in enumerate(panels):
        axes = _axes(figure, _LEFT, _TOP + place * (height + 0.22), _RIGHT, height)
        axes.set_xlim(low, high)
        _draw_lines(axes, panel, styles, height)
        _draw_phases(axes, content.timeline.bars, is_named=place == 0)
        _time_axis(axes, is_named=place == len(panels) - 1)
    top = max(panels[0].chart.series, key=lambda series: series.peak)
    words = f"The highest peak is {amount(top.peak)}, of {visible_line(top.name)}"
    return figure, title, words


def _styles(content: Content, panels: Sequence[_Panel]) -> dict[str, Style]:
    """Return colour and dashes by name; a service has the same in every plot where it can."""
    known = [series.name for series in usage.fold(content.usage.memory, LINES).series]
    names = [series.name for panel in panels for series in usage.fold(panel.chart, LINES).series]
    wanted = list(dict.fromkeys(names))
    places = {name: place for place, name in enumerate(known[:LINES]) if name in wanted}
    free = [place for place in range(len(wanted)) if place not in places.values()]
    places |= dict(zip((name for name in wanted if name not in places), free, strict=False))
    styles = {name: _style(place) for name, place in places.items()}
    return {**styles, "other": _OTHER}


def _style(place: int) -> Style:
    return _COLOURS[place % len(_COLOURS)], _DASHES[place % len(_DASHES)]


def _draw_lines(axes: "Axes", panel: _Panel, styles: dict[str, Style], height: float) -> None:
    chart = usage.fold(panel.chart, LINES)
    top = max(series.peak for series in chart.series) / panel.scale * 1.08 or 1.0
    axes.set_ylim(0, top)
    axes.set_ylabel(panel.title)
    axes.locator_params(axis="y", nbins=4)
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    ends = []
    for series in chart.series:
        known = [
            (time, value / panel.scale)
            for time, value in zip(chart.times, series.values, strict=True)
            if value is not None
        ]
        colour, dashes = styles[series.name]
        axes.plot(*zip(*known, strict=True), color=colour, linestyle=dashes)
        ends.append((known[-1], series.name))
    _draw_ends(axes, ends, styles, 0.145 / height)


def _draw_ends(
    axes: "Axes",
    ends: list[tuple[tuple[float, float], str]],
    styles: dict[str, Style],
    gap: float,
) -> None:
    """Name each line beside its end, at least `gap` of the axis from the next."""
    to_axes = axes.transData + axes.transAxes.inverted()
    ends = sorted(ends, key=lambda end: -end[0][1])
    # Where each line ends, as a part of the axes.
    there = [tuple(to_axes.transform(end)) for end, _ in ends]
    places = _apart([high for _, high in there], gap)
    for (_, name), (across, high), place in zip(ends, there, places, strict=True):
        colour, dashes = styles[name]
        points = [across, 1.01, 1.03, 1.06], [high, place, place, place]
        # The thin part leads to the name, the thick part shows the line's colour and dashes.
        axes.plot(
            *(part[:3] for part in points),
            transform=axes.transAxes,
            color=colour,
            linewidth=0.6,
            clip_on=False,
        )
        axes.plot(
            *(part[2:] for part in points),
            transform=axes.transAxes,
            color=colour,
            linestyle=dashes,
            clip_on=False,
        )
        axes.text(1.07, place, _label(name), transform=axes.transAxes, va="center", fontsize=8)


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """Return `places`, highest first, moved so that neighbours are `gap` apart."""
    moved: list[float] = []
    for place in places:
        moved.append(min(place, moved[-1] - gap) if moved else place)
    floor = 0.0
    for number_ in reversed(range(len(moved))):
        moved[number_] = max(moved[number_], floor)
        floor = moved[number_] + gap
    return moved


def _draw_phases(axes: "Axes", bars: Sequence[Bar], is_named: bool) -> None:
    low, high = axes.get_xlim()
    taken = -math.inf
    for bar in bars:
        start = max(bar.start, low)
        if bar.end <= low or start >= high:
            continue
        axes.axvline(start, color=_INK, linewidth=0.7, alpha=0.35, linestyle=(0, (2, 2)))
        name = _label(bar.phase.name)
        if is_named and start >= taken and _fits(name, min(bar.end, high) - start, high - low):
            transform = axes.get_xaxis_transform()
            axes.text(start, 1.03, f" {name}", transform=transform, fontsize=8, alpha=0.8)
            taken = min(bar.end, high)


def _time_axis(axes: "Axes", is_named: bool = True) -> None:
    low, high = axes.get_xlim()
    step = next((step for step in _STEPS if (high - low) / step <= 12), _STEPS[-1])
    while (high - low) / step > 12:
        step *= 2
    ticks = [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
    axes.set_xticks(ticks, [_clock(tick) for tick in ticks] if is_named else [""] * len(ticks))
    if is_named:
        axes.set_xlabel("since the start of the run (minutes:seconds)")


def _clock(seconds: int) -> str:
    sign = "-" if seconds < 0 else ""
    return f"{sign}{abs(seconds) // 60}:{abs(seconds) % 60:02}"


_DRAWINGS = {
    "load": _load,
    "series": _series,
    "timeline": _timeline,
    "api": _api,
    "memory": _memory,
    "cpu": _cpu,
    "hosts": _hosts,
}
NAMES = tuple(_DRAWINGS)
