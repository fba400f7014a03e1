"""The plane of largest variance: at once, straight, and the same way back."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isthmus.look.projections._projection import Plane, Shown, Told, checked
from isthmus.look.projections._projection import Projection as Base
from isthmus.stats.spectrum import principal_components

__all__ = ["Pca", "Projection"]

_FEWEST = 3


@dataclass(kw_only=True, eq=False)
class Pca(Base):
    """Nothing is drawn at random; the seed is there because every map has one."""

    words: ClassVar[str] = "PCA"

    def place(self, rows: np.ndarray, told: Told | None = None, shown: Shown | None = None) -> np.ndarray:
        plane = self.plane(rows)
        flat = np.asarray(rows, np.float32).reshape(len(rows), -1)
        places = ((flat.astype(np.float64) - plane.mean) @ plane.axes.T).astype(np.float32)
        if told:
            told(1, 1, self.words)
        if shown:
            shown(places)
        return places

    def plane(self, rows: np.ndarray) -> Plane:
        flat = checked(rows, _FEWEST)
        found = principal_components(flat, 2)
        axes = np.zeros((2, flat.shape[1]))
        axes[: len(found.axes)] = found.axes.numpy()  # rows of one number lie on a line
        return Plane(found.mean.double().numpy(), axes)


Projection = Pca
