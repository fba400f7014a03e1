"""What a classifier must beat to be worth its pre-training, on the same labels: pixels, and encoders that know nothing.

Each baseline turns pictures into rows and fits scikit-learn's classifier on the labelled ones, with its usual settings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.contract import Fitted, batches
from isthmus.stats.spectrum import principal_components

__all__ = ["BASELINES", "Baseline", "pixels_of"]

_LARGEST_SIDE = 32
_PLANE = 64
_LEARNT_FROM = 10_000


@dataclass(frozen=True)
class Baseline:
    """`rows` from the pixels of the pile and of the pictures asked about; `classifier` makes an unfitted one."""

    title: str
    rows: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    classifier: Callable[[], Any]


def pixels_of(model: Fitted, X: Any) -> np.ndarray:
    """Scaled pixels in rows; large pictures are averaged down to 32 a side."""
    import torch
    import torch.nn.functional as F

    parts = []
    for _, x in batches(model, X, 2048):
        if x.ndim == 4 and max(x.shape[2:]) > _LARGEST_SIDE:
            x = F.adaptive_avg_pool2d(x, (min(_LARGEST_SIDE, x.shape[2]), min(_LARGEST_SIDE, x.shape[3])))
        parts.append(x.flatten(1).float().cpu())
    return torch.cat(parts).numpy()


def _as_they_are(pile: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return pile, asked


def _in_a_plane(pile: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PCA of all pictures, labelled or not."""
    import torch

    some = pile[np.linspace(0, len(pile) - 1, min(len(pile), _LEARNT_FROM)).round().astype(int)]
    plane = principal_components(some, min(_PLANE, *some.shape))
    return tuple(plane.encode(torch.from_numpy(rows)).numpy() for rows in (pile, asked))  # type: ignore[return-value]


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
}
