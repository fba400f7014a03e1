"""Which latent dimension goes with which class or amount, and how surely."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.errors import DataError
from isthmus.stats.intervals import Interval

__all__ = ["Correlation", "correlations"]

_FEWEST = 4
"""Fisher's interval needs four pairs."""


@dataclass(frozen=True)
class Correlation:
    """Of a latent dimension with a class (in it or not) or an amount.

    `p` is how often chance alone would show as much in any of all the pairs looked at (Holm).
    """

    dimension: int
    name: str
    kind: str
    value: Interval
    p: float

    @property
    def short(self) -> str:
        """What it is with, and how strong."""
        return f"{'class ' if self.kind == 'class' else ''}{self.name} {self.value.value:+.2f}"

    def words(self) -> str:
        return f"{self.short} [{self.value.low:+.2f}, {self.value.high:+.2f}]"


def correlations(
    codes: np.ndarray,
    labels: np.ndarray | None = None,
    classes: Sequence[str] = (),
    numbers: dict[str, np.ndarray] | None = None,
    level: float = 0.95,
) -> list[Correlation]:
    """Pearson's, with Fisher's intervals, the strongest first.

    Labels are -1 and numbers NaN where unknown: those pictures take no part. Intervals take pictures as independent.
    """
    codes = np.asarray(codes, np.float64).reshape(len(codes), -1)
    found: list[Correlation] = []
    for name, kind, values in _told(len(codes), labels, classes, numbers or {}):
        known = np.isfinite(values)
        n = int(known.sum())
        if n >= _FEWEST and values[known].std() > 0:
            found += _pairs(codes[known], values[known], name, kind, level)
    found = _together(found)
    return sorted(found, key=lambda one: -abs(one.value.value))


def _told(
    n: int, labels: np.ndarray | None, classes: Sequence[str], numbers: dict[str, np.ndarray]
) -> list[tuple[str, str, np.ndarray]]:
    """Everything as numbers, NaN where unknown; two classes are one question."""
    found = []
    if labels is not None:
        labels = np.asarray(labels)
        present = [int(c) for c in np.unique(labels) if c >= 0]
        for number in present[1:] if len(present) == 2 else present:
            found.append((str(classes[number]), "class", np.where(labels >= 0, labels == number, np.nan)))
    found += [(name, "amount", np.asarray(values, np.float64)) for name, values in numbers.items()]
    for name, _, values in found:
        if len(values) != n:
            raise DataError(f"{n} codes and {len(values)} values of {name} are not pairs")
    return found


def _pairs(codes: np.ndarray, values: np.ndarray, name: str, kind: str, level: float) -> list[Correlation]:
    """With every dimension that varies."""
    from scipy.special import ndtr, ndtri

    n = len(values)
    away, gone = codes - codes.mean(axis=0), values - values.mean()
    size = np.linalg.norm(away, axis=0)
    some = np.flatnonzero(size > 1e-12 * max(float(size.max()), 1e-300))
    r = (gone @ away[:, some] / (size[some] * np.linalg.norm(gone))).clip(-1, 1)
    z, error = np.arctanh(r.clip(-1 + 1e-12, 1 - 1e-12)), 1 / np.sqrt(max(n - 3, 1))
    half = float(ndtri(0.5 + level / 2)) * error
    ends, p = np.tanh(np.stack([z - half, z + half], axis=1)), 2 * ndtr(-np.abs(z) / error)
    found = []
    for i, dimension in enumerate(some):
        value = Interval(float(r[i]), float(ends[i, 0]), float(ends[i, 1]), n, level)
        found.append(Correlation(int(dimension), name, kind, value, float(p[i])))
    return found


def _together(found: list[Correlation]) -> list[Correlation]:
    """Holm's correction over all that were looked at."""
    order = sorted(found, key=lambda one: one.p)
    most, corrected = 0.0, []
    for rank, one in enumerate(order):
        most = max(most, min(1.0, one.p * (len(order) - rank)))
        corrected.append(Correlation(one.dimension, one.name, one.kind, one.value, most))
    return corrected
