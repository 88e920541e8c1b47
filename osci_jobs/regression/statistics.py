# SPDX-License-Identifier: Apache-2.0
"""What the log-ratios of many metrics tell together, in numpy.

A matrix has a row for each metric and a column for each pair; NaN is a pair without value.
Sources, by what is taken from them:

* Smyth, "Linear models and empirical Bayes methods for assessing differential expression in
  microarray experiments", Stat. Appl. Genet. Mol. Biol. 3 (2004) 3: the moderated t, and
  how the variance and the degrees of freedom that metrics share are estimated.
* Sartor et al., "Intensity-based hierarchical Bayes method improves testing for differentially
  expressed genes in microarray experiments", BMC Bioinformatics 7 (2006) 538: small values vary
  more.
* Ritchie et al., "Empirical array quality weights", BMC Bioinformatics 7 (2006) 261: a pair
  that is noisy in most metrics weighs less in all.
* Rousseeuw and Leroy, "Robust regression and outlier detection" (1987), chapter 4: the
  shortest half, from which the shift of most metrics is found.
* Fisher, "The design of experiments" (1935), section 21: the signs of pairs.
* Tusher, Tibshirani and Chu, "Significance analysis of microarrays", PNAS 98 (2001) 5116: a
  statistic is held against what it is when nothing changed, in all metrics together.
* Benjamini and Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B 57
  (1995) 289.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from osci_jobs import signals

# They start threads as they are imported, and one of those would take the signals that the
# main thread holds back, had it not inherited that.
with signals.blocked():
    import numpy as np
    from numpy.typing import NDArray
    from scipy import special

Array = NDArray[np.float64]

MANY = 10  # metrics, from which on they tell of each other
# The weight of what is known beforehand when a metric's own spread says otherwise.
_PRIOR_DEGREES = 4.0
_HISTORY_DEGREES = 6.0
_MOST_DEGREES = 1e6
_DRAWS = 20_000  # of history, from all metrics together
_FEWEST_DRAWS, _MOST_DRAWS = 60, 2000  # from each
# Of probabilities, where tails are looked at: with fewer pairs there is too little to see, with
# more a mean is normal enough.
_TAIL, _MOST_TAIL = 0.005, 2.0
_FLIPPED_PAIRS = range(4, 8)
_STEEPEST = -2.0  # of the trend: noise that is the same, however large the value is
_LEAST_NOISE = 0.1  # of a pair, in that of the others
_OUTLIER = 3.0  # standard deviations
_NORMAL_MAD = 1.4826  # a normal distribution's standard deviation, in those of its MAD
# Of spreads, and of one pair's ratios: some of these are changes, and half of them are not.
_LARGE_SPREAD, _TYPICAL_RATIO = 0.9, 0.5


@dataclass(frozen=True)
class Estimate:
    """Of each row: the log-ratio and its standard error, NaN where nothing varies.

    `how` says what is held against chance: history, moderated t or paired t. `chance` gives
    the probability of rows that are at least so many standard errors away from nothing,
    `critical` the number of errors that a row exceeds with a probability. `growth` is how much
    larger variances are than they were in history, 1 at the least.
    """

    how: str
    effect: Array
    error: Array
    chance: Callable[[Array], Array]
    critical: Callable[[int, float], float]
    growth: float = 1.0


def matrix(rows: Sequence[Sequence[float | None]]) -> Array:
    """Return the rows as a matrix; what is None, and what a shorter row lacks, is NaN."""
    numbers = [[np.nan if value is None else value for value in row] for row in rows]
    width = max(map(len, rows), default=0)
    padded = [row + [np.nan] * (width - len(row)) for row in numbers]
    return np.array(padded, dtype=float).reshape(len(rows), width)


def packed(ratios: Array) -> Array:
    """Return the values of rows that have equally many, without NaN."""
    return ratios[~np.isnan(ratios)].reshape(len(ratios), -1)


def shifts(ratios: Array) -> Array:
    """Return by how much most rows of each column moved, zero where there are few."""
    return np.array([_most(column[~np.isnan(column)]) for column in ratios.T])


def means(ratios: Array) -> Array:
    """Return the mean of each row."""
    return np.nanmean(ratios, axis=1)


def medians(ratios: Array) -> Array:
    """Return the median of each row."""
    return np.nanmedian(ratios, axis=1)


def student(values: Array) -> tuple[float, float, float]:
    """Return mean, half of its 95 % interval and probability (t test); NaN of a single value."""
    degrees = len(values) - 1
    if not degrees:
        return float(values[0]), np.nan, np.nan
    mean, error = float(values.mean()), float(values.std(ddof=1)) / np.sqrt(len(values))
    p = 2 * special.stdtr(degrees, -abs(mean) / error) if error > 0 else float(mean == 0)
    return mean, float(special.stdtrit(degrees, 0.975)) * error, float(p)


def trend(ratios: Array, levels: Sequence[float]) -> Array:
    """Return how much rows of such levels vary, relative to each other.

    What is small varies more, in relation to itself: the logarithm of the variance falls with
    that of the level, along a straight line (Sartor et al. 2006). Ones where that is not seen.
    """
    variances = np.nanvar(ratios, axis=1, ddof=1) if ratios.shape[1] > 1 else np.zeros(len(ratios))
    level = np.array(levels, dtype=float)
    known = (variances > 0) & (level > 0)
    if known.sum() < MANY:
        return np.ones(len(ratios))
    x, y = np.log(level[known]), np.log(variances[known])
    spread = float(x.var())
    slope = float(((x - x.mean()) * (y - y.mean())).mean()) / spread if spread > 0 else 0.0
    slope = min(max(slope, _STEEPEST), 0.0)
    middle = float(x.mean())
    logarithms = np.where(known, np.log(np.where(level > 0, level, 1.0)) - middle, 0.0)
    return np.asarray(np.exp(slope * logarithms / 2))


def moderated(ratios: Array, least_variance: Array) -> Estimate:
    """Judge rows of two values or more by their own spread and that of all rows.

    Assumes that spreads of the rows are draws of one scaled inverse chi-squared distribution,
    and normal log-ratios; how far the tails are from that is looked up (`_tail`). Fewer rows
    than MANY are judged each for itself (paired t).
    """
    effect, squares, counts = _sums(ratios)
    degrees = counts - 1.0
    free, variance = _posterior_of_all(squares, degrees)

    def error(squares: Array) -> Array:
        found = np.sqrt(np.maximum(variance(squares), least_variance) / counts)
        return np.where(found > 0, found, np.nan)

    def chance(errors: Array) -> Array:
        return 2 * special.stdtr(free, -np.abs(errors))

    def flipped(signs: Array) -> Array:
        effect, squares, _ = _sums(ratios * signs)
        return chance(effect / error(squares))

    has_prior = bool((free > degrees).all())
    tail = _tail(ratios.shape, flipped) if has_prior else 1.0

    def critical(row: int, level: float) -> float:
        level = level / tail if level < _TAIL else level
        return float(special.stdtrit(free[row], 1 - level / 2))

    return Estimate(
        how="moderated t" if has_prior else "paired t",
        effect=effect,
        error=error(squares),
        chance=lambda errors: np.minimum(tail * chance(errors), 1.0),
        critical=critical,
    )


def against_history(ratios: Array, least_variance: Array, history: Array) -> Estimate:
    """Judge rows without NaN by what the same statistic is in pairs of trunk and trunk.

    `history` has a row for each row of `ratios`, and more columns. The statistic weighs a
    row's variance in history with its own spread; as many columns as there are pairs, drawn
    from history, say how large it becomes by chance, in all rows together, and no
    distribution is assumed. Where spreads are larger now than they were, by their ninth
    decile, so is what is asked for. The same input draws the same columns.
    """
    pairs = ratios.shape[1]
    squares = _winsorised(history) ** 2
    variance = squares.mean(axis=1)
    least = max(1e-3 * float(np.median(variance)), np.finfo(float).tiny)
    drawn = _draws(history.shape, pairs)
    rest = squares.sum(axis=1)[:, None] - squares[:, drawn].sum(axis=2)
    rest = np.maximum(rest / (history.shape[1] - pairs), least)
    effect, error, spread = _against(history[:, drawn], rest)
    known = np.sort(np.abs(effect / error), axis=None)
    effect, error, now = _against(ratios, np.maximum(variance, least))
    where = _LARGE_SPREAD if pairs > 1 else _TYPICAL_RATIO
    growth = _growth(now, spread, where)

    def chance(errors: Array) -> Array:
        larger = len(known) - np.searchsorted(known, np.abs(errors), side="left")
        return (larger.astype(np.float64) + 1.0) / (len(known) + 1.0)

    return Estimate(
        how="history",
        effect=effect,
        error=np.sqrt(np.maximum(error**2 * growth, least_variance / pairs)),
        chance=chance,
        critical=lambda _, level: _quantile(known, 1 - level),
        growth=growth,
    )


def adjusted(chances: Sequence[float]) -> list[float]:
    """Return the least false discovery rate at which each is a discovery (Benjamini, Hochberg)."""
    p = np.array(chances, dtype=float)
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return [float(one) for one in q]


def _most(values: Array) -> float:
    """Return the median of what is near the middle of the shortest half of the values."""
    if len(values) < MANY:
        return 0.0
    ordered = np.sort(values)
    half = len(ordered) // 2 + 1
    widths = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
    start = int(np.argmin(widths))
    middle = float(np.median(ordered[start : start + half]))
    # A half of a normal distribution is 1.35 standard deviations wide.
    near = np.abs(ordered - middle) <= _OUTLIER * widths[start] / 1.35
    return float(np.median(ordered[near]))


def _sums(ratios: Array) -> tuple[Array, Array, Array]:
    """Return of each row the mean, the sum of squares around it, and the number of values."""
    weights = _weights(ratios)
    counts = (~np.isnan(ratios)).sum(axis=1)
    effect = np.nansum(ratios * weights, axis=1) / counts
    return effect, np.nansum((ratios - effect[:, None]) ** 2 * weights, axis=1), counts


def _tail(shape: tuple[int, ...], flipped: Callable[[Array], Array]) -> float:
    """Return how much likelier than a t distribution says a large statistic is.

    Where nothing changed, sides could be exchanged in any pair, so the statistic of the same
    values with other signs is one by chance (Fisher's randomization). `flipped` gives the
    probabilities of all rows with these signs of the columns. It is bounded, for few are
    counted.
    """
    rows, pairs = shape
    if pairs not in _FLIPPED_PAIRS:
        return 1.0
    signs = [(1, *rest) for rest in itertools.product((1, -1), repeat=pairs - 1)][1:]
    expected = _TAIL * rows * len(signs)
    seen = sum(int((flipped(np.array(one, dtype=float)) <= _TAIL).sum()) for one in signs)
    return min(max((seen + 1) / (expected + 1), 1 / _MOST_TAIL), _MOST_TAIL)


def _weights(ratios: Array) -> Array:
    """Return a weight for each value, with the mean 1 in each row, and 0 where there is none."""
    known = ~np.isnan(ratios)
    away = np.abs(ratios - np.nanmedian(ratios, axis=1)[:, None])
    spread = np.sqrt(np.nanmean(away**2, axis=1))
    varied = spread > 0
    columns = [column[~np.isnan(column)] for column in (away[varied] / spread[varied, None]).T]
    if min(map(len, columns)) < MANY:
        return known.astype(float)
    # In its row's spread no value is large, so the mean is not at the mercy of one.
    noise = np.array([column.mean() for column in columns])
    weights = np.where(known, 1 / np.maximum(noise, _LEAST_NOISE) ** 2, 0.0)
    return weights * (known.sum(axis=1) / weights.sum(axis=1))[:, None]


def _prior(variances: Array, degrees: Array) -> tuple[float, float]:
    """Return the degrees of freedom and the variance that the rows share (Smyth, section 6.2).

    No degrees of freedom say that they tell nothing of each other.
    """
    varied = variances > 0
    if varied.sum() < MANY:
        return 0.0, 0.0
    halves = degrees[varied] / 2
    logarithms = np.log(variances[varied]) - special.digamma(halves) + np.log(halves)
    excess = logarithms.var(ddof=1) - special.polygamma(1, halves).mean()
    prior = min(2 * _inverse_trigamma(excess), _MOST_DEGREES) if excess > 0 else _MOST_DEGREES
    variance = np.exp(logarithms.mean() + special.digamma(prior / 2) - np.log(prior / 2))
    return float(prior), float(variance)


def _posterior_of_all(squares: Array, degrees: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Return the degrees of freedom of each row, and what makes variances of sums of squares."""
    prior, variance = _prior(squares / degrees, degrees)
    if not prior:
        return degrees, lambda squares: squares / degrees
    # The bulk of the rows says how little a variance may be said to be by a few values.
    bulk = max(variance, float(np.median(squares / degrees)))
    return degrees + prior, lambda squares: np.maximum(
        _posterior(squares, degrees, prior, variance),
        _posterior(squares, degrees, _PRIOR_DEGREES, bulk),
    )


def _inverse_trigamma(value: float) -> float:
    """Return y so that trigamma(y) is `value`, by Newton's method (Smyth, appendix)."""
    y = 0.5 + 1 / value
    for _ in range(50):
        trigamma = special.polygamma(1, y)
        step = trigamma * (1 - trigamma / value) / special.polygamma(2, y)
        y += step
        if -step / y < 1e-8:
            break
    return float(y)


def _posterior(
    squares: Array, degrees: Array | float, prior: float, variance: Array | float
) -> Array:
    return (prior * variance + squares) / (prior + degrees)


def _winsorised(history: Array) -> Array:
    """Return the values with outliers of each row brought in."""
    scale = _NORMAL_MAD * np.median(np.abs(history), axis=1)
    # More than half of the values of a row are equal where this is 0.
    scale = np.where(scale > 0, scale, np.sqrt((history**2).mean(axis=1)))
    bound = _OUTLIER * scale[:, None]
    return np.clip(history, -bound, bound)


def _draws(shape: tuple[int, ...], pairs: int) -> NDArray[np.int64]:
    """Return which columns are drawn, a row for each draw."""
    rows, columns = shape
    count = min(max(_DRAWS // rows, _FEWEST_DRAWS), _MOST_DRAWS)
    order = np.random.default_rng(0).random((count, columns)).argsort(axis=1)
    return order[:, :pairs]


def _against(ratios: Array, variance: Array) -> tuple[Array, Array, Array]:
    """Return effect and error of what is along the last axis, and its spread.

    The spread is in variances of history.
    """
    pairs = ratios.shape[-1]
    effect = ratios.mean(axis=-1)
    squares = ((ratios - effect[..., None]) ** 2).sum(axis=-1)
    posterior = _posterior(squares, pairs - 1.0, _HISTORY_DEGREES, variance)
    # One pair has no spread, but where most metrics did not change, so did most ratios.
    return effect, np.sqrt(posterior / pairs), (squares if pairs > 1 else effect**2) / variance


def _quantile(ordered: Array, share: float) -> float:
    return float(ordered[min(int(share * len(ordered)), len(ordered) - 1)])


def _growth(now: Array, earlier: Array, where: float) -> float:
    """Return by how much variances are larger than they were, 1 at the least."""
    was = np.quantile(earlier, where)
    if len(now) < MANY or was == 0:
        return 1.0
    return max(1.0, float(np.quantile(now, where) / was))
