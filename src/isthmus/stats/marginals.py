"""Two samples of one number each: how far apart their distributions are, and what their densities look like."""

from dataclasses import dataclass

import numpy as np

from isthmus.errors import DataError
from isthmus.keys import stream
from isthmus.stats.intervals import Interval

__all__ = ["Steps", "kolmogorov_smirnov", "scott_density", "wasserstein"]

_FINE = 1024


def wasserstein(first: np.ndarray, second: np.ndarray) -> float:
    """The area between the two distribution functions: how far values must be moved, in the mean."""
    return float(Steps.of(_rows(first), _rows(second)).wasserstein()[0])


def kolmogorov_smirnov(first: np.ndarray, second: np.ndarray) -> float:
    """The largest gap between the two distribution functions, from 0 to 1."""
    return float(Steps.of(_rows(first), _rows(second)).kolmogorov_smirnov()[0])


@dataclass(frozen=True)
class Steps:
    """The distribution functions of pairs of samples, sorted once, so that many resamplings are cheap.

    One row a pair: `values` of both samples in order, `gaps` to the next value, `whose` picture each value is of, and
    its `sign`, plus for the first sample and minus for the second.
    """

    values: np.ndarray
    gaps: np.ndarray
    whose: np.ndarray
    sign: np.ndarray

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray) -> "Steps":
        """`(n, pairs)` and `(m, pairs)`; for `mean_gap` row i of both must be of the same picture."""
        first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
        if len(first) == 0 or len(second) == 0 or first.shape[1:] != second.shape[1:]:
            raise DataError(f"samples of shapes {first.shape} and {second.shape} cannot be compared")
        both = np.concatenate([first, second]).T
        if not np.isfinite(both).all():
            raise DataError("a sample holds NaN or infinity", "Every value must be finite.")
        order = np.argsort(both, axis=1, kind="stable")
        values = np.take_along_axis(both, order, axis=1)
        n, m = len(first), len(second)
        whose = np.concatenate([np.arange(n), np.arange(m)])[order]
        sign = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])[order]
        return cls(values, np.diff(values, axis=1), whose, sign)

    def wasserstein(self, weights: np.ndarray | None = None) -> np.ndarray:
        """The distance of each pair; `weights` are how often each picture counts, 1 in the mean."""
        return (np.abs(self._difference(weights)) * self.gaps).sum(axis=1)

    def kolmogorov_smirnov(self, weights: np.ndarray | None = None) -> np.ndarray:
        """The gap of each pair, looked at only after the last of equal values."""
        return np.where(self.gaps > 0, np.abs(self._difference(weights)), 0.0).max(axis=1, initial=0.0)

    def mean_gaps(self, draws: int = 200, seed: int = 0, level: float = 0.95) -> tuple[Interval, Interval]:
        """Both distances in the mean over pairs, with percentile intervals over resampled pictures.

        Distances cannot be negative, so noise adds to them, and a resampling has more noise than its sample: where the
        two samples hardly differ, the interval lies rather high.
        """
        n = int(self.whose.max()) + 1
        generator = np.random.default_rng(stream(seed, "marginals"))
        found = []
        for _ in range(draws):
            weights = np.bincount(generator.integers(0, n, n), minlength=n).astype(np.float64)
            found.append((self.wasserstein(weights).mean(), self.kolmogorov_smirnov(weights).mean()))
        ends = np.quantile(found, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        values = (self.wasserstein().mean(), self.kolmogorov_smirnov().mean())
        one, two = (Interval(float(v), float(ends[0, i]), float(ends[1, i]), n, level) for i, v in enumerate(values))
        return one, two

    def _difference(self, weights: np.ndarray | None) -> np.ndarray:
        """The first distribution function minus the second, after each value but the last."""
        steps = self.sign if weights is None else self.sign * weights[self.whose]
        return np.cumsum(steps[:, :-1], axis=1)


def scott_density(values: np.ndarray, grid: np.ndarray, within: tuple[float, float] | None = None) -> np.ndarray:
    """The density at each point of `grid`: a Gaussian at each value, as wide as Scott's rule says.

    With `within`, nothing is spread beyond these ends: what would be is laid back inside.
    """
    values, grid = np.asarray(values, np.float64).ravel(), np.asarray(grid, np.float64)
    if values.size < 2 or values.std() == 0:
        raise DataError(f"{values.size} values, all of them equal, have no density", "Draw them as a share instead.")
    width = values.std(ddof=1) * values.size ** (-1 / 5)
    counts, edges = np.histogram(values, _FINE)
    centres = (edges[:-1] + edges[1:]) / 2
    mirrors = [centres] if within is None else [centres, 2 * within[0] - centres, 2 * within[1] - centres]
    kernels = sum(np.exp(-0.5 * ((grid[:, None] - m) / width) ** 2) for m in mirrors)
    density: np.ndarray = (kernels @ counts) / (values.size * width * np.sqrt(2 * np.pi))
    return density


def _rows(sample: np.ndarray) -> np.ndarray:
    return np.asarray(sample, np.float64).reshape(-1, 1)
