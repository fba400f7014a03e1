"""A code of exactly two numbers as it is: the model's own map."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isthmus.errors import UsageError
from isthmus.look.projections._projection import Plane, Shown, Told, checked
from isthmus.look.projections._projection import Projection as Base

__all__ = ["Latent", "Projection"]

_FEWEST = 3


@dataclass(kw_only=True, eq=False)
class Latent(Base):
    """Places are codes, to the last bit and not moved to the middle, so that every place decodes as what it is."""

    words: ClassVar[str] = "the code itself"

    def place(self, rows: np.ndarray, told: Told | None = None, shown: Shown | None = None) -> np.ndarray:
        self.plane(rows)
        places = checked(rows, _FEWEST).copy()
        if told:
            told(1, 1, self.words)
        if shown:
            shown(places)
        return places

    def plane(self, rows: np.ndarray) -> Plane:
        flat = checked(rows, _FEWEST)
        if flat.shape[1] != 2:
            what = f"a code of {flat.shape[1]} numbers is no place on a plane"
            raise UsageError(what, "Fit with --latent 2, or use --by umap.")
        return Plane(np.zeros(2), np.eye(2))


Projection = Latent
