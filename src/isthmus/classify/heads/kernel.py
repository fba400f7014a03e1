"""Least squares in a Gaussian kernel's space: bends where a linear head cannot, for a few thousand labels."""

from dataclasses import dataclass

import numpy as np

from isthmus.classify.heads._head import Head as Base
from isthmus.classify.heads._head import Pile
from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.stats.calibration import softmax

__all__ = ["Head", "Kernel"]

_MOST = 10_000
_SHARPNESS = 8.0


@dataclass(kw_only=True, eq=False)
class Kernel(Base):
    """`width` multiplies the squared distance between rows of unit blocks; `penalty` is the ridge."""

    width: float = option(0.2, "inverse width of the kernel", low=0)
    penalty: float = option(0.1, "weight of the ridge", low=0)

    def fit(self, pile: Pile, labels: np.ndarray, classes: int) -> "Kernel":
        known = np.flatnonzero(labels >= 0)
        if len(known) > _MOST:
            raise UsageError(f"the kernel head takes {_MOST:,} labels, not {len(known):,}", "Use --head linear.")
        self.centres_ = pile.rows[known]
        targets = np.eye(classes)[labels[known]] - 1 / classes
        alike = self._alike(self.centres_).astype(np.float64)
        self.weights_ = np.linalg.solve(alike + self.penalty * np.eye(len(known)), targets).astype(np.float32)
        return self

    def probabilities(self, asked: Pile) -> np.ndarray:
        return softmax(_SHARPNESS * self._alike(asked.rows) @ self.weights_)

    def _alike(self, rows: np.ndarray) -> np.ndarray:
        squared = np.square(rows).sum(1)[:, None] + np.square(self.centres_).sum(1) - 2 * rows @ self.centres_.T
        return np.asarray(np.exp(-self.width * squared.clip(0)))


Head = Kernel
