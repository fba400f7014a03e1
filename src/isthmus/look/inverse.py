"""From a place on the map to a code: exactly where there is an exact way, else between codes of what lies around."""

import numpy as np

from isthmus.errors import DataError
from isthmus.look.guidance import Guidance

__all__ = ["Inverse"]

_AROUND = 6


class Inverse:
    """`codes` are flat, one a place. With the guidance of a map that is a plane, the way back is that plane's."""

    def __init__(self, places: np.ndarray, codes: np.ndarray, guidance: Guidance | None = None) -> None:
        from scipy.spatial import cKDTree

        self.places, self.codes = np.asarray(places, np.float64), np.asarray(codes, np.float32)
        self.codes = self.codes.reshape(len(self.codes), -1)
        if self.places.shape != (len(self.codes), 2) or len(self.codes) == 0:
            raise DataError(f"places {self.places.shape} and codes {self.codes.shape} are not pairs")
        self.plane = guidance if guidance is not None and guidance.straight else None
        self.tree = cKDTree(self.places)

    def codes_at(self, points: np.ndarray) -> np.ndarray:
        """`(m, d)` in float32 for `(m, 2)`. A weight falls to nothing where a point is no longer among the six nearest,
        so that codes change without a jump as a place is moved."""
        points = np.asarray(points, np.float64).reshape(-1, 2)
        if not np.isfinite(points).all():
            raise DataError("a place on the map is NaN or infinite", "Give two finite numbers.")
        if self.plane is not None:
            return self.plane.rows_at(points)
        k = min(_AROUND + 1, len(self.codes))
        away, rows = self.tree.query(points, k=k)
        weights = _weights(away.reshape(len(points), k))
        mixed = np.einsum("mk,mkd->md", weights, self.codes[rows.reshape(len(points), k)].astype(np.float64))
        return np.asarray(mixed, np.float32)


def _weights(away: np.ndarray) -> np.ndarray:
    """By inverse distance, less what the farthest has; a point that is met exactly has all the weight.

    With d of the farthest R they are ((R - d) / (R d)) squared, as in Franke and Little's form of Shepard's mean.
    """
    farthest = away[:, -1:]
    met = away == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.square(1 / away - 1 / farthest)
    weights = np.where(met.any(axis=1, keepdims=True), met, weights)
    alike = ~(weights.sum(axis=1, keepdims=True) > 0)  # all as far as the farthest
    weights = np.where(alike, 1.0, weights)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
