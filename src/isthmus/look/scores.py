"""The scores that stand under every map."""

from dataclasses import dataclass

import numpy as np

from isthmus.errors import DataError
from isthmus.rng import permutation
from isthmus.stats import Interval, knn_accuracy, silhouette, trustworthiness

__all__ = ["MapScores", "map_scores"]

_MOST = 10_000
_NEIGHBOURS = 5


@dataclass(frozen=True)
class MapScores:
    """What is None could not be measured: without labels there is no accuracy, without two classes no silhouette."""

    knn: Interval | None
    trustworthiness: float
    silhouette: Interval | None
    n: int

    def rows(self) -> dict[str, float | Interval]:
        found = {f"{_NEIGHBOURS}-NN accuracy": self.knn, "trustworthiness": self.trustworthiness}
        return {name: v for name, v in (found | {"silhouette": self.silhouette}).items() if v is not None}

    def words(self) -> str:
        """One line, for the figure's subtitle."""
        told = [f"{name} {float(value):.3f}" for name, value in self.rows().items()]
        if self.knn:
            told[0] += f" [{self.knn.low:.3f}, {self.knn.high:.3f}]"
        return " · ".join([*told, f"n = {self.n:,}"])


def map_scores(
    originals: np.ndarray,
    embedded: np.ndarray,
    labels: np.ndarray,
    train_embedded: np.ndarray | None = None,
    train_labels: np.ndarray | None = None,
    *,
    seed: int = 0,
) -> MapScores:
    """Scores of held-out pictures: `originals` are what `embedded` was made from, pixels or codes.

    The neighbours that vote are points of the training map; without one, the first half votes on the second, in an
    order drawn by `seed`. At most 10,000 pictures are looked at.
    """
    labels = np.asarray(labels)
    if not len(originals) == len(embedded) == len(labels):
        raise DataError(f"{len(originals)} originals, {len(embedded)} points and {len(labels)} labels are no map")
    order = permutation(len(labels), seed, "map")[:_MOST].numpy()
    flat, points, known = np.asarray(originals)[order], np.asarray(embedded)[order], labels[order]
    flat = flat.reshape(len(flat), -1)
    half = len(points) // 2
    if train_embedded is None or train_labels is None:
        voters, voted = (points[:half], known[:half]), (points[half:], known[half:])
    else:
        voters, voted = (np.asarray(train_embedded), np.asarray(train_labels)), (points, known)
    votes = (voters[1] >= 0).any() and (voted[1] >= 0).any()
    return MapScores(
        knn=knn_accuracy(*voters, *voted, _NEIGHBOURS) if votes else None,
        trustworthiness=trustworthiness(flat, points, _NEIGHBOURS),
        silhouette=silhouette(points, known) if len(np.unique(known[known >= 0])) > 1 else None,
        n=len(points),
    )
