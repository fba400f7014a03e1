"""How well a score tells odd from normal: the area under the ROC curve, with DeLong's interval."""

import numpy as np

from isthmus.errors import DataError
from isthmus.stats.intervals import Interval, wilson_interval

__all__ = ["auroc", "auroc_difference", "midranks"]


def auroc(scores: np.ndarray, odd: np.ndarray, level: float = 0.95) -> Interval:
    """How often an odd one scores above a normal one, a tie counting half; `odd` are booleans.

    The interval is DeLong's (1988), taken on the logit, where it stays inside (0, 1). Where all odd ones are on one
    side of all normal ones there is no spread to go by, and it is Wilson's for as many trials as there are of the
    fewer. A single one of either kind cannot say: NaN.
    """
    from scipy.special import expit, logit, ndtri

    above, below = _components(scores, odd)
    area, n, fewer = float(above.mean()), len(above) + len(below), min(len(above), len(below))
    if area in (0.0, 1.0):
        ends = wilson_interval(round(area) * fewer, fewer, level)
        return Interval(area, ends.low, ends.high, n, level)
    reach = float(ndtri(0.5 + level / 2)) * _deviation(above, below) / (area * (1 - area))
    low, high = (float(expit(logit(area) + side * reach)) for side in (-1, 1))
    return Interval(area, low, high, n, level)


def auroc_difference(first: np.ndarray, second: np.ndarray, odd: np.ndarray, level: float = 0.95) -> Interval:
    """`auroc(first) - auroc(second)` on the same pictures, with DeLong's interval for pairs."""
    from scipy.special import ndtri

    above, below = (one - two for one, two in zip(_components(first, odd), _components(second, odd), strict=True))
    value = float(above.mean())
    reach = float(ndtri(0.5 + level / 2)) * _deviation(above, below)
    return Interval(value, value - reach, value + reach, len(above) + len(below), level)


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; those that tie share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place.reshape(-1)])


def _components(scores: np.ndarray, odd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each odd one the share of normal ones below it, for each normal one the share of odd ones above it.

    The mean of either is the area; their spreads are all that DeLong's variance needs.
    """
    scores, odd = np.asarray(scores, np.float64).ravel(), np.asarray(odd).ravel()
    if odd.dtype != bool or len(odd) != len(scores):
        raise DataError(f"{len(scores)} scores and {len(odd)} marks make no area", "Give one boolean for each score.")
    if not np.isfinite(scores).all():
        raise DataError(f"{int((~np.isfinite(scores)).sum())} scores are NaN or infinite", "Leave them out first.")
    high, low = scores[odd], scores[~odd]
    if not len(high) or not len(low):
        raise DataError(f"{len(high)} odd and {len(low)} normal pictures make no area", "It takes some of each.")
    ranks = midranks(scores)
    above = (ranks[odd] - midranks(high)) / len(low)
    below = 1 - (ranks[~odd] - midranks(low)) / len(high)
    return above, below


def _deviation(above: np.ndarray, below: np.ndarray) -> float:
    if min(len(above), len(below)) < 2:
        return float("nan")
    return float(np.sqrt(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)))
