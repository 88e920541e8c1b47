# SPDX-License-Identifier: Apache-2.0
"""Record what scenarios measured: attachments/stress.json, samples.csv, cases.jsonl."""

import collections
import csv
import json
import statistics
from dataclasses import replace
from datetime import timedelta

import stress_cost
from hdrh.histogram import HdrHistogram
from stress_engine import Measured

# Microseconds, up to an hour, three digits.
LOWEST, HIGHEST, DIGITS = 1, 3_600_000_000, 3
PERCENTILES = (50, 90, 95, 99, 99.9)
# Samples of what went on longer than this are a part of it; histograms hold all of it.
SAMPLES = 100_000
COLUMNS = ("at", "operation", "seconds", "status")
GOOD, BAD = 200, 0
# An arrival that is later than this is the generator's delay, not the cloud's.
LAG_SECONDS = 0.05
SERIES_LIMIT = 3600


class Record:
    """What was measured so far, on disk as soon as a scenario ends; `directory` is the suite's."""

    def __init__(self, directory):
        self._attachments = directory / "attachments"
        self._attachments.mkdir(exist_ok=True)
        self._cases = open(directory / "cases.jsonl", "w", encoding="utf-8")
        self._samples = open(directory / "samples.csv", "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._samples, lineterminator="\n")
        self._writer.writerow(COLUMNS)
        self._left = SAMPLES
        self._document = {"format": 1, "idle": [], "scenarios": []}
        self.has_failed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._save()
        self._cases.close()
        self._samples.close()

    def idle(self, used):
        """Keep what the idle cloud uses in a second, by (service, resource)."""
        self._document["idle"] = rows(used)
        self._save()

    def scenario(self, scenario, measured, cost, uncounted=()):
        """Keep what a scenario measured and cost, with a case for each of its limits."""
        summary = summarize(scenario, measured, cost, uncounted)
        self._document["scenarios"].append(summary)
        self._save()
        self._sample(scenario, measured)
        for name, message in judge(scenario, summary):
            self._case(scenario["name"], name, scenario["duration"], message)

    def trouble(self, name, message):
        """Add a case in error for what kept the load from going on."""
        self._case("stress", name, 0, message, "error")

    def _sample(self, scenario, measured):
        for one in measured.done[: self._left]:
            at = measured.started + timedelta(seconds=scenario["ramp"] + one.second)
            status = BAD if one.error else GOOD
            name = f"{scenario['name']}.{one.operation}"
            text = at.isoformat(timespec="milliseconds")
            self._writer.writerow([text, name, f"{one.seconds:.6f}", status])
        self._left = max(self._left - len(measured.done), 0)
        self._samples.flush()

    def _case(self, group, name, seconds, message, outcome="failed"):
        outcome = outcome if message else "passed"
        self.has_failed |= outcome != "passed"
        fields = {"classname": group, "name": name, "outcome": outcome}
        fields |= {"seconds": seconds, "message": message}
        self._cases.write(json.dumps(fields) + "\n")
        self._cases.flush()
        print(f"CASE {group}.{name} {outcome}", flush=True)

    def _save(self):
        path = self._attachments / "stress.json"
        aside = path.with_suffix(".part")
        aside.write_text(json.dumps(self._document, sort_keys=True) + "\n", encoding="utf-8")
        aside.rename(path)


class Pieces:
    """What a scenario did in several pieces, as if it had been one."""

    def __init__(self):
        self._pieces = []
        self._costs = []
        self._uncounted = []

    def add(self, measured, cost, uncounted=()):
        """Take in a piece, what each of its operations cost, and what was not counted of that."""
        self._pieces.append(measured)
        self._costs.append(cost)
        self._uncounted += uncounted

    def together(self, scenario):
        """Return the scenario as long as all pieces, and of all what `add` takes of each."""
        first, *_ = self._pieces
        whole = Measured(first.started)
        for piece in self._pieces:
            whole.done += [replace(one, second=one.second + whole.seconds) for one in piece.done]
            whole.seconds += piece.seconds
            whole.finished += piece.finished
            whole.examples = {**piece.examples, **whole.examples}
        scenario = {**scenario, "duration": whole.seconds}
        return scenario, whole, self._cost(whole.finished), list(dict.fromkeys(self._uncounted))

    def _cost(self, finished):
        sums = collections.Counter()
        for piece, cost in zip(self._pieces, self._costs, strict=True):
            for key, used in cost.items():
                sums[key] += used * piece.finished
        return stress_cost.divided(sums, finished)


def summarize(scenario, measured, cost=None, uncounted=()):
    """Return what a scenario measured: numbers, histogram, series, costs; seconds are those of
    good operations alone, for an error is often quick.
    """
    good = [one for one in measured.done if not one.error]
    errors = collections.Counter(one.error for one in measured.done if one.error)
    lag = _percentiles(_histogram(one.lag_seconds for one in measured.done))
    steps = collections.defaultdict(list)
    for one in good:
        for name, seconds in one.steps.items():
            steps[f"{one.operation}.{name}"].append(seconds)
    latency = _histogram(one.seconds for one in good)
    return {
        "name": scenario["name"],
        "scenario": scenario,
        "started": measured.started.isoformat(timespec="milliseconds"),
        "seconds": measured.seconds,
        "operations": len(measured.done),
        "finished": measured.finished,
        "throughput": len(good) / measured.seconds,
        "errors": dict(errors),
        "examples": {kind: measured.examples.get(kind, "")[:500] for kind in errors},
        "latency": _percentiles(latency),
        "histogram": latency.encode().decode(),
        "lag": lag,
        "is_late": lag.get("p99", 0) > LAG_SECONDS,
        "steps": {name: statistics.median(found) for name, found in steps.items()},
        "series": _series(measured),
        "cost": rows(cost or {}),
        "uncounted": list(uncounted),
    }


def judge(scenario, summary):
    """Yield each limit of the scenario by name, with a sentence when it was broken, else ""."""
    count, bad = summary["operations"], sum(summary["errors"].values())
    limits = scenario["limits"]
    for name, limit in limits.items():
        if name == "errors":
            share = bad / count if count else 1.0
            yield name, _broken_errors(share, limit, summary) if share > limit else ""
        elif name == "throughput":
            found = summary["throughput"]
            text = f"{found:.3g} operations a second went well, and {limit:g} should."
            yield name, text if found < limit else ""
        else:
            found = summary["latency"].get(name)
            yield name, "" if found is not None and found <= limit else _slow(name, found, limit)
    if "errors" not in limits and count == bad:
        yield "any", _broken_errors(1.0, 1.0, summary)


def _slow(name, found, limit):
    if found is None:
        return "Not one operation went well."
    return f"{name[1:]} % of the operations took up to {found:.3f} s, and {limit:g} s is the limit."


def _broken_errors(share, limit, summary):
    kinds = sorted(summary["errors"].items(), key=lambda item: -item[1])
    named = "; ".join(f"{kind} ({number} times)" for kind, number in kinds[:3])
    text = f"{100 * share:.3g} % of {summary['operations']} operations failed"
    text = f"{text}, and {100 * limit:g} % may: {named}." if kinds else f"{text}."
    example = summary["examples"].get(kinds[0][0], "") if kinds else ""
    return f"{text} {example}".strip()


def _histogram(seconds):
    histogram = HdrHistogram(LOWEST, HIGHEST, DIGITS)
    for one in seconds:
        histogram.record_value(min(max(round(one * 1e6), LOWEST), HIGHEST))
    return histogram


def _percentiles(histogram):
    """Return seconds by name of percentile, with `max` and `mean`; nothing of nothing."""
    if not histogram.get_total_count():
        return {}
    found = {f"p{at:g}": histogram.get_value_at_percentile(at) / 1e6 for at in PERCENTILES}
    return found | {
        "max": histogram.get_max_value() / 1e6,
        "mean": histogram.get_mean_value() / 1e6,
    }


def _series(measured):
    """Return [second, good, bad, median seconds of the good] for each second of the scenario."""
    seconds = collections.defaultdict(list)
    for one in measured.done:
        seconds[int(one.second)].append(one)
    rows = []
    for second, found in sorted(seconds.items())[:SERIES_LIMIT]:
        good = [one.seconds for one in found if not one.error]
        median = statistics.median(good) if good else None
        rows.append([second, len(good), len(found) - len(good), median])
    return rows


def rows(found):
    """Return numbers by (service, resource) as rows of JSON."""
    return [[*key, round(number, 9)] for key, number in sorted(found.items())]


def numbers(found):
    """Return what `rows` made of numbers."""
    return {(service, resource): number for service, resource, number in found}
