"""What a map is."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from isthmus import discover
from isthmus.look.guidance import Guidance
from isthmus.look.scores import MapScores

__all__ = ["OF", "Map"]

OF = ("codes", "pixels", "features")
"""What maps are made of."""


@dataclass(frozen=True)
class Map:
    """`held` says which pictures gave no vote and taught nothing; `distilled` scores where the guidance puts those.

    `extra` are arrays that whoever made the rows needs to make those of other pictures.
    """

    name: str
    method: str
    fields: dict[str, Any]
    of: str
    seed: int
    ids: tuple[str, ...]
    places: np.ndarray
    held: np.ndarray
    scores: MapScores
    distilled: MapScores | None
    guidance: Guidance
    extra: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What people call the way it was drawn."""
        return str(discover.find("look.projections", self.method, "Projection").words)

    @property
    def voters(self) -> np.ndarray:
        """The pictures whose labels vote on the others."""
        return ~self.held

    @property
    def placed(self) -> np.ndarray:
        """Which pictures have a place: all, but where the map is laid `over` more."""
        return np.isfinite(self.places).all(axis=1)

    def over(self, rows: dict[str, int]) -> "Map":
        """The same over all pictures of a run, of which it may have been drawn of a part: others have NaN for a place.

        `rows` are those of the ids, in their order.
        """
        if self.ids == tuple(rows):
            return self
        mine = np.array([rows[one] for one in self.ids])
        places, held = np.full((len(rows), 2), np.nan, np.float32), np.zeros(len(rows), bool)
        places[mine], held[mine] = self.places, self.held
        return replace(self, ids=tuple(rows), places=places, held=held)

    def subtitle(self) -> str:
        """The scores in a line."""
        return f"{self.of}, {self.scores.words()}"
