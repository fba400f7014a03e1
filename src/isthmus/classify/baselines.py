"""What a classifier must beat to be worth its pre-training, on the same labels: pixels, and encoders that know nothing.

Each baseline turns pictures into rows and fits scikit-learn's classifier on the labelled ones, with its usual settings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.classify.features import small_pixels
from isthmus.contract import Fitted, evaluate, some_of
from isthmus.stats.spectrum import principal_components

__all__ = ["BASELINES", "Baseline", "pixels_of"]

_PLANE, _UNITS = 64, 256
_LEARNT_FROM = 10_000


@dataclass(frozen=True)
class Baseline:
    """`rows` from the pixels of the pile and of the pictures asked about; `classifier` makes an unfitted one."""

    title: str
    rows: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    classifier: Callable[[], Any]


def pixels_of(model: Fitted, X: Any) -> np.ndarray:
    """Scaled pixels in rows."""
    return evaluate(model, X, small_pixels, 2048).numpy()


def _as_they_are(pile: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return pile, asked


def _in_a_plane(pile: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PCA of all pictures, labelled or not."""
    import torch

    some = some_of(pile, _LEARNT_FROM)
    plane = principal_components(some, min(_PLANE, *some.shape))
    return tuple(plane.encode(torch.from_numpy(rows)).numpy() for rows in (pile, asked))  # type: ignore[return-value]


def _machine(pile: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a Boltzmann machine of hidden units that fire or not has found in all pictures."""
    from sklearn.neural_network import BernoulliRBM

    low, high = float(pile.min()), float(pile.max())
    rows, wanted = ((some - low) / max(high - low, 1e-12) for some in (pile, asked))
    machine = BernoulliRBM(_UNITS, learning_rate=0.05, n_iter=10, batch_size=64, random_state=0)
    machine.fit(some_of(rows, _LEARNT_FROM))
    return machine.transform(rows), machine.transform(wanted.clip(0, 1))


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000)


def _support_vectors() -> Any:
    from sklearn.svm import SVC

    return SVC(C=10)


def _nearest() -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(1)


BASELINES = {
    "pixels-logistic": Baseline("pixels, logistic regression", _as_they_are, _logistic),
    "pixels-svm": Baseline("pixels, RBF-SVM", _as_they_are, _support_vectors),
    "pixels-nearest": Baseline("pixels, nearest neighbour", _as_they_are, _nearest),
    "pca-svm": Baseline("PCA-64, RBF-SVM", _in_a_plane, _support_vectors),
    "rbm-logistic": Baseline("Bernoulli RBM, logistic regression", _machine, _logistic),
}
