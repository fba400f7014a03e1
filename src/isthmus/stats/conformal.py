"""Sets of classes, and reaches of numbers, that hold the true one as often as was asked (split conformal)."""

import math

import numpy as np

from isthmus.errors import DataError

__all__ = ["fewest_for", "reach_of", "set_threshold", "sets_of"]


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
