"""Logistic regression on the labelled rows: steady, and all there is to do once labels are many."""

from dataclasses import dataclass

import numpy as np

from isthmus.classify.heads._head import Head as Base
from isthmus.classify.heads._head import Pile
from isthmus.estimator import option
from isthmus.stats.calibration import softmax

__all__ = ["Head", "Linear"]

_NEVER = -1e9
"""The logit of a class that has no label."""


@dataclass(kw_only=True, eq=False)
class Linear(Base):
    """Rows are brought to a mean squared entry of 1 first, so that one strength of the penalty serves all features."""

    strength: float = option(0.01, "inverse of the penalty's weight", low=0)

    def fit(self, pile: Pile, labels: np.ndarray, classes: int) -> "Linear":
        from sklearn.linear_model import LogisticRegression

        known = np.flatnonzero(labels >= 0)
        rows = pile.rows[known]
        self.scale_ = np.array(1 / np.sqrt(np.square(rows).mean() + 1e-12), np.float32)
        made = LogisticRegression(C=self.strength, max_iter=1000).fit(rows * self.scale_, labels[known])
        weights, bias = made.coef_, made.intercept_
        if len(made.classes_) == 2:  # scikit-learn keeps one row for two classes
            weights, bias = np.stack([-weights[0], weights[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
        self.weights_ = np.zeros((rows.shape[1], classes), np.float32)
        self.bias_ = np.full(classes, _NEVER, np.float32)
        self.weights_[:, made.classes_], self.bias_[made.classes_] = weights.T, bias
        return self

    def probabilities(self, asked: Pile) -> np.ndarray:
        return softmax(asked.rows * self.scale_ @ self.weights_ + self.bias_)


Head = Linear
