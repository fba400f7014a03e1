"""Whether a picture looks like anything seen before: its distance from the pile against theirs from one another."""

from dataclasses import dataclass

import numpy as np

from isthmus.contract import evenly
from isthmus.stats.knn import neighbours

__all__ = ["Usual"]

_KNOWN = 4000
"""Pictures that a new one is compared with."""


@dataclass(frozen=True)
class Usual:
    """Some rows of the pile, and how far from them the others are, nearest first."""

    known: np.ndarray
    distances: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> "Usual":
        places = evenly(len(rows), 2 * _KNOWN)
        known = rows[places[::2]]
        others = rows[places[1::2]] if len(places) > 1 else known
        return cls(known, np.sort(neighbours(others, known, 1)[0][:, 0]))

    def arrays(self) -> dict[str, np.ndarray]:
        return {"known": self.known, "distances": self.distances}

    def typical(self, rows: np.ndarray) -> np.ndarray:
        """Above 0, at most 1: the share of the pile that lies at least as far from the rest as this picture does."""
        nearer = np.searchsorted(self.distances, neighbours(rows, self.known, 1)[0][:, 0])
        return np.asarray((1 + len(self.distances) - nearer) / (1 + len(self.distances)))
