"""Promises kept whatever the model is (split conformal): sets and reaches that hold the truth, rare false alarms."""

import math

import numpy as np

from isthmus.errors import DataError
from isthmus.stats.intervals import Interval

__all__ = ["alarm_threshold", "fewest_for", "p_values", "reach_of", "set_threshold", "sets_of"]


def fewest_for(level: float) -> int:
    """Below so many labelled pictures no finite threshold keeps the promise."""
    return math.ceil(level / (1 - level) - 1e-9)


def set_threshold(probabilities: np.ndarray, labels: np.ndarray, level: float) -> float:
    """A class of at least this probability belongs to a set; from pictures that the classifier was not fitted on."""
    probabilities, labels = np.asarray(probabilities, np.float64), np.asarray(labels)
    n = len(labels)
    rank = math.ceil((n + 1) * level)
    if rank > n:
        raise DataError(
            f"{n} labelled pictures cannot promise sets at {level:.0%}", f"Label at least {fewest_for(level)}."
        )
    strangeness = np.sort(1 - probabilities[np.arange(n), labels])
    return float(1 - strangeness[rank - 1])


def reach_of(errors: np.ndarray, level: float) -> float:
    """How far to either side of a told number the true one lies, so often; from pictures that it was not fitted on."""
    n = len(errors)
    rank = math.ceil((n + 1) * level)
    if rank > n:
        raise DataError(
            f"{n} labelled pictures cannot promise intervals at {level:.0%}", f"Label at least {fewest_for(level)}."
        )
    return float(np.sort(np.abs(np.asarray(errors, np.float64)))[rank - 1])


def sets_of(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Booleans, `(n, classes)`; the likeliest class is always in."""
    probabilities = np.asarray(probabilities)
    inside = probabilities >= threshold
    inside[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
    return inside


def alarm_threshold(scores: np.ndarray, rate: float, level: float = 0.95) -> tuple[float, Interval]:
    """Above it, normal pictures score at most as often as `rate`; and how often that really is.

    `scores` are of normal pictures that nothing was learnt from. The share of all normal pictures above one of them
    has a Beta distribution, whatever the scores' is: that gives the interval.
    """
    from scipy.special import betaincinv

    scores = np.sort(np.asarray(scores, np.float64))
    n = len(scores)
    allowed = math.floor((n + 1) * rate + 1e-9)
    if allowed < 1:
        raise DataError(f"{n} pictures cannot promise {rate:.2g} false alarms", f"It takes {fewest_for(1 - rate)}.")
    low, high = (float(betaincinv(allowed, n + 1 - allowed, end)) for end in (0.5 - level / 2, 0.5 + level / 2))
    return float(scores[n - allowed]), Interval(allowed / (n + 1), low, high, n, level)


def p_values(scores: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """How often a normal picture scores at least as high: at most `rate` for what `alarm_threshold` lets alarm."""
    normal = np.sort(np.asarray(normal, np.float64))
    at_least = len(normal) - np.searchsorted(normal, np.asarray(scores, np.float64), side="left")
    return np.asarray((1 + at_least) / (1 + len(normal)))
