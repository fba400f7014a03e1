"""What every projection is: rows in, a place on the plane for each out; no label is ever seen."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isthmus.errors import DataError
from isthmus.estimator import Estimator, option

__all__ = ["Plane", "Projection", "Shown", "Told", "centred", "checked", "stage"]

Told = Callable[[int, int, str], None]
"""Called with (done, total, what) now and then: what a progress bar hangs on. It may raise, which stops the work."""

Shown = Callable[[np.ndarray], None]
"""Called with the places so far, now and then, so that a map is seen while it forms."""


@dataclass(frozen=True)
class Plane:
    """A map that is a plane through the rows: it has an exact way there and an exact way back."""

    mean: np.ndarray
    axes: np.ndarray


@dataclass(kw_only=True, eq=False)
class Projection(Estimator, ABC):
    """One way to place rows."""

    words: ClassVar[str]
    """What people call it."""

    seed: int = option(0, "of every random number of the map", low=0)

    @abstractmethod
    def place(self, rows: np.ndarray, told: Told | None = None, shown: Shown | None = None) -> np.ndarray:
        """`(n, 2)` in float32, finite, and but for codes as they are with the middle at zero."""

    def plane(self, rows: np.ndarray) -> Plane | None:
        """The plane that the places lie on; None for a map that bends."""
        return None


def stage(told: Told | None, what: str) -> Callable[[int, int], None] | None:
    """`told` for one part of the work."""
    return None if told is None else lambda done, total: told(done, total, what)


def checked(rows: np.ndarray, fewest: int) -> np.ndarray:
    """`(n, d)` in float32, of which a map can be made."""
    rows = np.asarray(rows)
    flat = np.ascontiguousarray(rows.reshape(len(rows), -1), np.float32)
    if len(flat) < fewest:
        raise DataError(f"{len(flat)} pictures are too few for a map", f"Give at least {fewest}.")
    bad = int((~np.isfinite(flat)).any(axis=1).sum())
    if bad:
        raise DataError(f"{bad} of {len(flat)} rows are NaN or infinite", "Leave those pictures out first.")
    if not (flat != flat[0]).any():
        raise DataError(
            f"all {len(flat)} rows are equal: there is nothing to map", "Map other pictures or a new model."
        )
    return flat


def centred(places: np.ndarray) -> np.ndarray:
    places = np.asarray(places, np.float64)
    return np.ascontiguousarray(places - places.mean(axis=0), np.float32)
