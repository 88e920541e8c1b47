# SPDX-License-Identifier: Apache-2.0
"""What the tests of comparisons share: metrics whose noise is made up."""

from dataclasses import replace

import numpy as np

from osci_jobs.regression.model import Paired


def times(count, pairs, seed=1, spread=0.02, changed=(), factor=1.3):
    """Return times of which some are slower by `factor` on the second side."""
    generator = np.random.default_rng(seed)
    levels = np.exp(generator.normal(0, 2, count))
    sides = levels[:, None, None] * np.exp(generator.normal(0, spread, (count, 2, pairs)))
    sides[list(changed), 1] *= factor
    return [time(f"time-{n}", before, after) for n, (before, after) in enumerate(sides.tolist())]


def time(name, before, after, **fields):
    return Paired(name, "seconds", "lower", "time", 0.0, tuple(before), tuple(after), **fields)


def counter(name, before, after, floor=1.0):
    return Paired(name, "statements", "lower", "counter", floor, tuple(before), tuple(after))


def swapped(metric):
    return replace(metric, before=metric.after, after=metric.before)


def scaled(metric, factor):
    """Return the metric in another unit."""
    return replace(
        metric,
        floor=metric.floor * factor,
        before=tuple(value * factor for value in metric.before),
        after=tuple(value * factor for value in metric.after),
    )


def answers(comparison):
    """Return the answers that are one, by metric."""
    return {one.name: one.answer for one in comparison.findings if one.answer != "cannot tell"}
