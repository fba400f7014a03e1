"""Logistic regression that knows how little it has seen: a Gaussian around its weights (Laplace; MacKay 1992).

Where rows lie far from the labelled ones the weights that could have been learnt disagree, and answers become unsure.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.classify.heads._head import Pile
from isthmus.classify.heads.linear import Linear
from isthmus.stats.calibration import softmax

__all__ = ["Bayes", "Head"]

_MOST_TOGETHER = 6000
_LOOSE = 1e-3
"""The precision of the bias, on which logistic regression puts no penalty."""


@dataclass(kw_only=True, eq=False)
class Bayes(Linear):
    """All weights have one covariance; beyond 6,000 of them, those of each class one of their own."""

    def fit(self, pile: Pile, labels: np.ndarray, classes: int) -> "Bayes":
        super().fit(pile, labels, classes)
        known = np.flatnonzero(labels >= 0)
        present = np.unique(labels[known])
        rows = self._with_one(pile.rows[known])
        told = softmax(rows[:, :-1] @ self.weights_ + self.bias_)[:, present]
        size = rows.shape[1]
        prior = np.append(np.full(size - 1, 1 / self.strength), _LOOSE)
        together = size * len(present) <= _MOST_TOGETHER
        spread = (_together if together else _apart)(rows, told, prior)
        self.spread_ = np.zeros((classes, size, size), np.float32)
        self.spread_[present] = spread
        return self

    def probabilities(self, asked: Pile) -> np.ndarray:
        """Logits shrunk by how unsure they are (MacKay's approximation of the integral)."""
        rows = self._with_one(asked.rows)
        logits = rows[:, :-1] @ self.weights_ + self.bias_
        variance = np.stack([np.einsum("ni,ni->n", rows @ spread, rows) for spread in self.spread_], axis=1)
        return softmax(logits / np.sqrt(1 + np.pi / 8 * variance))

    def _with_one(self, rows: np.ndarray) -> np.ndarray:
        """As the weights see them, and a 1 for the bias."""
        return np.append(rows * self.scale_, np.ones((len(rows), 1), rows.dtype), axis=1)


def _together(rows: np.ndarray, told: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """The inverse of the cross-entropy's second derivatives by all weights, seen from each class."""
    size, classes = rows.shape[1], told.shape[1]
    whole = np.empty((classes, size, classes, size))
    for i in range(classes):
        for j in range(i + 1):
            weight = told[:, i] * ((i == j) - told[:, j])
            whole[i, :, j] = (rows * weight[:, None]).T @ rows
            whole[j, :, i] = whole[i, :, j].T
    square = whole.reshape(classes * size, -1)
    spread = np.linalg.inv(square + np.diag(np.tile(prior, classes))).reshape(whole.shape)
    # Logits may all move together and say the same: what counts is each against the mean of all.
    across = spread.mean(axis=2)
    own = np.stack([spread[c, :, c] for c in range(classes)])
    return np.asarray(own - across - across.transpose(0, 2, 1) + across.mean(axis=0))


def _apart(rows: np.ndarray, told: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """The same where the weights of each class are taken to know nothing of the others'."""
    classes = told.shape[1]
    weights = (told * (1 - told)).T
    own = np.stack([np.linalg.inv((rows * weight[:, None]).T @ rows + np.diag(prior)) for weight in weights])
    return np.asarray((1 - 2 / classes) * own + own.sum(axis=0) / classes**2)


Head = Bayes
