"""What a regressor must beat to be worth its pre-training, on the same labels: their mean, and pixels."""

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["NUMBER_BASELINES"]

_NEAREST = 5

Tell = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""From labelled pixels in rows, their numbers and the pixels asked about to what those are told to be."""


def _mean(rows: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    return np.full(len(asked), values.mean())


def _ridge(rows: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Its penalty chosen by leaving out one at a time."""
    from sklearn.linear_model import RidgeCV

    if len(values) < 3:  # nobody is left to learn from
        return _mean(rows, values, asked)
    made: Any = RidgeCV(10.0 ** np.arange(-3, 5)).fit(rows.astype(np.float64), values)
    return np.asarray(made.predict(asked.astype(np.float64)))


def _nearest(rows: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    from sklearn.neighbors import KNeighborsRegressor

    return np.asarray(KNeighborsRegressor(min(_NEAREST, len(rows))).fit(rows, values).predict(asked))


NUMBER_BASELINES: dict[str, Tell] = {
    "mean of the labels": _mean,
    "pixels, ridge": _ridge,
    "pixels, 5 nearest": _nearest,
}
