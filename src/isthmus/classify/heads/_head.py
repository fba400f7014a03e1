"""What every head is: rows and labels in, class probabilities out."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from isthmus.estimator import Estimator
from isthmus.stats.graph import Graph, neighbour_graph, unit
from isthmus.stats.knn import neighbours

__all__ = ["Head", "Pile", "Told", "stage"]


Told = Callable[[int, int, str], None]
"""Called with (done, total, what) now and then: what a progress bar hangs on."""


def stage(told: Told | None, what: str) -> Callable[[int, int], None] | None:
    """The same for one part of the work."""
    return None if told is None else lambda done, total: told(done, total, what)


class Pile:
    """The rows of a pile, labelled or not. What takes long and knows no labels is done once, when it is asked for.

    Rows are rounded to half precision, as they are saved: a head that was loaded answers as the one that was fitted.
    """

    def __init__(self, rows: np.ndarray, told: Told | None = None) -> None:
        self._told = told
        self.rows = np.asarray(rows, np.float16).astype(np.float32)
        self._graph: Graph | None = None
        self._asked: np.ndarray | None = None
        self._near: tuple[np.ndarray, np.ndarray] | None = None

    def graph(self) -> Graph:
        """Of nearest neighbours."""
        if self._graph is None:
            self._graph = neighbour_graph(self.rows, tick=stage(self._told, "finding neighbours"))
        return self._graph

    def near(self, asked: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and places of the `k` rows at the smallest angles; the last answer is kept."""
        if self._near is None or self._asked is not asked or self._near[0].shape[1] != min(k, len(self.rows)):
            self._asked = asked
            tick = stage(self._told, "finding neighbours")
            self._near = neighbours(unit(asked), unit(self.rows), min(k, len(self.rows)), tick=tick)
        return self._near


@dataclass(kw_only=True, eq=False)
class Head(Estimator, ABC):
    """What is learnt are arrays whose names end in an underscore: they are what is saved, and all that is."""

    @abstractmethod
    def fit(self, pile: Pile, labels: np.ndarray, classes: int) -> "Head":
        """`labels` are -1 where unknown; a class without any is never the answer."""

    @abstractmethod
    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """`(n, classes)`, each row summing to 1."""

    def fresh(self) -> Self:
        """One with the same options that has learnt nothing."""
        return type(self)(**self.get_params())

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: value for name, value in vars(self).items() if name.endswith("_")}
