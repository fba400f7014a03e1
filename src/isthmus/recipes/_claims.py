"""Whether a claim held: pure functions of differences and of how far they can be trusted."""

import math
from collections.abc import Mapping

import numpy as np

from isthmus.recipes._recipe import Row
from isthmus.stats.intervals import Interval, mean_interval

__all__ = ["CONFOUNDED", "HELD", "NOT_HELD", "alike", "gain", "more", "no_more", "number", "points", "span"]

HELD, NOT_HELD, CONFOUNDED = "held", "not held", "confounded"


def gain(first: np.ndarray, second: np.ndarray) -> Interval:
    """Of `first - second`, both `(trainings, pictures or draws)`, pair by pair.

    The interval is that over pictures (or draws) and, where there are several trainings, that over them added to it.
    """
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    over = mean_interval(difference.mean(axis=0))
    if len(difference) == 1:
        return over
    trainings = mean_interval(difference.mean(axis=1))
    half = math.hypot(over.high - over.value, trainings.high - trainings.value)
    return Interval(over.value, over.value - half, over.value + half, over.n, over.level)


def more(claimed: Interval, fair: Interval | None = None) -> str:
    """A claim that one thing is better. `fair` is the comparison in which nothing else differs: where the claimed
    difference is there and the fair one is not, something else has made it."""
    if not claimed.low > 0:
        return NOT_HELD
    return HELD if fair is None or fair.low > 0 else CONFOUNDED


def no_more(claimed: Interval, margin: float = 0.005) -> str:
    """A claim that one thing is not better: held where the whole interval lies below a margin that nobody minds."""
    return HELD if claimed.high < margin else NOT_HELD


def alike(values: Mapping[str, float], share: float) -> str:
    """A claim that numbers are similar: the largest is at most this share above the smallest."""
    low, high = min(values.values()), max(values.values())
    return HELD if high - low <= share * abs(low) else NOT_HELD


def number(
    what: str,
    paper: float | None,
    per_seed: Mapping[int, float],
    interval: Interval | None = None,
    *,
    tolerance: float | None = None,
    lower: bool = False,
    words: str = "",
) -> Row:
    """A number beside the paper's. With a tolerance it is held where ours is no worse than that."""
    value = float(np.mean(list(per_seed.values())))
    verdict = None
    if paper is not None and tolerance is not None:
        verdict = HELD if (paper - value if lower else value - paper) >= -tolerance else NOT_HELD
        words = words or f"no worse than the paper's by more than {tolerance:g}"
    told = {str(seed): round(float(one), 6) for seed, one in per_seed.items()}
    return Row(what, paper, round(value, 6), told, span(interval), verdict, words)


def span(interval: Interval | None) -> tuple[float, float] | None:
    """Its ends; None where one observation cannot say."""
    if interval is None or math.isnan(interval.low):
        return None
    return round(interval.low, 6), round(interval.high, 6)


def points(interval: Interval) -> str:
    """A difference of shares, in percentage points."""
    if math.isnan(interval.low):
        return f"{100 * interval.value:+.2f} points (a single one: no interval)"
    return f"{100 * interval.value:+.2f} points [{100 * interval.low:+.2f}, {100 * interval.high:+.2f}]"
