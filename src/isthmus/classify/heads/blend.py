"""The graph while labels are few, more and more of the kernel as they become many."""

from dataclasses import dataclass

import numpy as np

from isthmus.classify.heads._head import Head as Base
from isthmus.classify.heads._head import Pile
from isthmus.classify.heads.graph import GraphHead
from isthmus.classify.heads.kernel import Kernel
from isthmus.classify.heads.linear import Linear
from isthmus.contract import Fitted
from isthmus.estimator import option

__all__ = ["Blend", "Head"]

_MOST_FOR_KERNEL = 5000


@dataclass(kw_only=True, eq=False)
class Blend(Base):
    """Probabilities added: what learns from labels alone counts n / (n + `even` a class), the graph 1.

    That is the kernel head; beyond 5,000 labels, where it would take long, the linear one.
    """

    shares: str = option("labels", "how common each class is taken to be", choices=("labels", "equal", "unknown"))
    even: float = option(25.0, "labels a class at which the other head counts half", low=0)

    def fit(self, pile: Pile, labels: np.ndarray, classes: int) -> "Blend":
        count = int((labels >= 0).sum())
        self._graph = GraphHead(shares=self.shares).fit(pile, labels, classes)
        self._other = (Kernel() if count <= _MOST_FOR_KERNEL else Linear()).fit(pile, labels, classes)
        vars(self).update(self._graph.arrays() | self._other.arrays())
        self.weight_ = np.array(count / (count + self.even * classes), np.float32)
        return self

    def of_pile(self, pile: Pile) -> np.ndarray:
        """What it makes of the pictures that it was fitted on: for them the graph needs no neighbours."""
        both = self._graph.spread_ + self.weight_ * self._other.probabilities(pile)
        return np.asarray(both / both.sum(axis=1, keepdims=True))

    def restore(self, arrays: dict[str, np.ndarray], model: Fitted | None = None) -> None:
        super().restore(arrays)
        self._graph, self._other = GraphHead(shares=self.shares), Kernel() if "centres_" in arrays else Linear()
        for part in (self._graph, self._other):
            part.restore(arrays)

    def probabilities(self, asked: Pile) -> np.ndarray:
        both = self._graph.probabilities(asked) + self.weight_ * self._other.probabilities(asked)
        return np.asarray(both / both.sum(axis=1, keepdims=True))


Head = Blend
