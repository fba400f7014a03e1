"""Labels spread over the graph of all pictures: what few labels are worth most by."""

from dataclasses import dataclass

import numpy as np

from isthmus.classify.heads._head import Head as Base
from isthmus.classify.heads._head import Pile
from isthmus.contract import Fitted
from isthmus.estimator import option
from isthmus.stats.graph import spread, weights_of

__all__ = ["GraphHead", "Head"]

_VOTERS = 10


@dataclass(kw_only=True, eq=False)
class GraphHead(Base):
    """A new picture is told by its nearest neighbours of the pile, labelled and unlabelled alike."""

    shares: str = option("labels", "how common each class is taken to be", choices=("labels", "equal", "unknown"))

    def fit(self, pile: Pile, labels: np.ndarray, classes: int) -> "GraphHead":
        present = np.unique(labels[labels >= 0])
        place = np.where(labels >= 0, np.searchsorted(present, labels), -1)
        self.spread_ = np.zeros((len(labels), classes), np.float32)
        self.spread_[:, present] = spread(pile.graph(), place, len(present), self._prior(place, len(present)))
        self.bank_ = pile.rows.astype(np.float16)
        self._pile = pile
        return self

    def restore(self, arrays: dict[str, np.ndarray], model: Fitted | None = None) -> None:
        super().restore(arrays)
        self._pile = Pile(self.bank_)

    def probabilities(self, asked: Pile) -> np.ndarray:
        distances, near = self._pile.near(asked, _VOTERS)
        votes = sum(w[:, None] * self.spread_[n] for w, n in zip(weights_of(distances).T, near.T, strict=True))
        return np.asarray(votes / np.sum(votes, axis=1, keepdims=True))

    def _prior(self, labels: np.ndarray, classes: int) -> np.ndarray | None:
        if self.shares == "unknown":
            return None
        counts = np.bincount(labels[labels >= 0], minlength=classes)
        return np.full(classes, 1 / classes) if self.shares == "equal" else counts / counts.sum()


Head = GraphHead
