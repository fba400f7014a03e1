"""A number and how far it can be trusted."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from isthmus.errors import DataError
from isthmus.keys import stream

__all__ = [
    "Interval",
    "bootstrap_interval",
    "mean_interval",
    "paired_difference",
    "size_interval",
    "unit_means",
    "wilson_interval",
]


@dataclass(frozen=True)
class Interval:
    """A value between `low` and `high` at `level`, from `n` observations; NaN ends where one observation cannot say."""

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95

    def __float__(self) -> float:
        return self.value

    def __format__(self, spec: str) -> str:
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]" if spec else str(self)

    def apart(self, other: "Interval") -> bool:
        """Whether the two intervals do not touch."""
        return self.low > other.high or self.high < other.low


def mean_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """The mean with Student's interval."""
    from scipy.special import stdtrit

    values = np.asarray(values, np.float64).ravel()
    n = values.size
    if n == 0:
        raise DataError("a mean of no values was asked for")
    mean = float(values.mean())
    half = float(stdtrit(n - 1, 0.5 + level / 2) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return Interval(mean, mean - half, mean + half, n, level)


def size_interval(errors: np.ndarray, together: np.ndarray, level: float = 0.95) -> Interval:
    """The mean absolute error; what belongs together is one observation, and no error is below 0."""
    found = mean_interval(unit_means(np.abs(errors), together), level)
    return replace(found, low=max(0.0, found.low)) if found.n > 1 else found


def unit_means(values: np.ndarray, together: np.ndarray) -> np.ndarray:
    """The mean of the values that belong together, for each unit."""
    _, unit, sizes = np.unique(together, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(unit, np.asarray(values, np.float64)) / sizes)


def wilson_interval(hits: int, n: int, level: float = 0.95) -> Interval:
    """A share with Wilson's interval, which stays inside [0, 1] and is honest at both ends."""
    from scipy.special import ndtri

    if not 0 <= hits <= n or n == 0:
        raise DataError(f"{hits} hits of {n} trials make no share")
    share, z2 = hits / n, float(ndtri(0.5 + level / 2)) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Interval(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)), n, level)


def paired_difference(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> Interval:
    """The mean of `first - second`, taken pair by pair: the same pictures, or the same draws."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise DataError(f"{first.size} and {second.size} values are not pairs")
    return mean_interval(first - second, level)


def bootstrap_interval(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], float],
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Any statistic of rows with the percentile interval over `draws` resamplings of the rows."""
    values = np.asarray(values)
    if len(values) == 0:
        raise DataError("a statistic of no values was asked for")
    generator = np.random.default_rng(stream(seed, "bootstrap"))
    found = [float(statistic(values[generator.integers(0, len(values), len(values))])) for _ in range(draws)]
    low, high = np.quantile(found, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(statistic(values)), float(low), float(high), len(values), level)
