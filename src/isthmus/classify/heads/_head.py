"""What every head is: a pile and labels in, class probabilities for any other pile out."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from isthmus.classify.usual import Usual
from isthmus.contract import Fitted, some
from isthmus.errors import UsageError
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
    """Pictures as heads see them: rows of features and, for heads that look for themselves, the pictures.

    What takes long and knows no labels is done once, when it is asked for. Rows are rounded to half precision, as they
    are saved: a head that was loaded answers as the one that was fitted.
    """

    def __init__(
        self, rows: np.ndarray, told: Told | None = None, model: Fitted | None = None, pictures: Any = None
    ) -> None:
        self.told = told
        self.rows = np.asarray(rows, np.float16).astype(np.float32)
        self._model, self._pictures = model, pictures
        self._graph: Graph | None = None
        self._usual: Usual | None = None
        self._asked: Pile | None = None
        self._near: tuple[np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, places: np.ndarray | slice) -> "Pile":
        """Some of them, as a pile of their own."""
        pictures = None if self._pictures is None else some(self._pictures, np.arange(len(self))[places])
        return Pile(self.rows[places], self.told, self._model, pictures)

    @property
    def model(self) -> Fitted:
        if self._model is None:
            raise UsageError("these are rows without a model", "Use a head that learns from rows, such as linear.")
        return self._model

    @property
    def pictures(self) -> Any:
        if self._pictures is None:
            raise UsageError("these are rows without pictures", "Use a head that learns from rows, such as linear.")
        return self._pictures

    def graph(self) -> Graph:
        """Of nearest neighbours."""
        if self._graph is None:
            self._graph = neighbour_graph(self.rows, tick=stage(self.told, "finding neighbours"))
        return self._graph

    def usual(self) -> Usual:
        """How far its rows lie from one another."""
        if self._usual is None:
            self._usual = Usual.of(self.rows)
        return self._usual

    def near(self, asked: "Pile", k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and places of the `k` rows at the smallest angles; the last answer is kept."""
        if self._near is None or self._asked is not asked or self._near[0].shape[1] != min(k, len(self.rows)):
            self._asked = asked
            tick = stage(asked.told, "finding neighbours")
            self._near = neighbours(unit(asked.rows), unit(self.rows), min(k, len(self.rows)), tick=tick)
        return self._near


@dataclass(kw_only=True, eq=False)
class Head(Estimator, ABC):
    """What is learnt are arrays whose names end in an underscore: they are what is saved, and all that is."""

    slow: ClassVar[bool] = False
    """Whether fitting one takes so long that a second time is all that certainty may cost."""

    @abstractmethod
    def fit(self, pile: Pile, labels: np.ndarray, classes: int) -> "Head":
        """`labels` are -1 where unknown; a class without any is never the answer."""

    @abstractmethod
    def probabilities(self, asked: Pile) -> np.ndarray:
        """`(n, classes)`, each row summing to 1."""

    def fresh(self) -> Self:
        """One with the same options that has learnt nothing."""
        return type(self)(**self.get_params())

    def restore(self, arrays: dict[str, np.ndarray], model: Fitted | None = None) -> None:
        """Become the head whose arrays these are; the model is the one it was fitted with."""
        vars(self).update(arrays)

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: value for name, value in vars(self).items() if name.endswith("_")}
