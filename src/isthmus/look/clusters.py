"""Groups of codes that lie together: found by density, or as many as are asked for."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from isthmus.contract import evenly
from isthmus.errors import DataError, UsageError
from isthmus.keys import stream
from isthmus.rng import permutation
from isthmus.stats.knn import neighbours
from isthmus.stats.maps import silhouette
from isthmus.stats.spectrum import principal_components

__all__ = ["Clusters", "clusters"]

_MOST = 20_000
_AXES = 10
"""Principal components that density is told in: in many more every point is far from every other."""
_SMALLEST, _SHARE, _NEAR = 10, 0.01, 5
_SCORED = 2000


@dataclass(frozen=True)
class Clusters:
    """A number for every row, the largest cluster 0, and -1 for rows that lie in none.

    `scores` by name: "clustered" (share), "silhouette", and beside labels "adjusted Rand index", "purity" and
    "purity by chance" (the share of the most common class).
    """

    labels: np.ndarray
    count: int
    sizes: np.ndarray
    scores: dict[str, float]


def clusters(
    rows: np.ndarray,
    seed: int = 0,
    count: int | None = None,
    labels: np.ndarray | None = None,
    told: Callable[[int, int, str], None] | None = None,
) -> Clusters:
    """HDBSCAN on the principal components of at most 20,000 rows, or k-means where a count is given.

    Rows beyond those go where their nearest one went, into no cluster too. `labels`, -1 where unknown, only score.
    """
    rows = np.asarray(rows, np.float32).reshape(len(rows), -1)
    if len(rows) < 2 or not np.isfinite(rows).all():
        raise DataError(f"{len(rows)} rows, or rows that are not finite, have no clusters", "Give two or more.")
    if count is not None and not 1 <= count <= len(rows):
        raise UsageError(f"{count} clusters of {len(rows):,} rows were asked for", "Ask for one at least, and no more.")
    tell = told or (lambda done, total, what: None)
    tell(0, 3, "bringing codes to few axes")
    found = principal_components(rows, min(_AXES, *rows.shape))
    flat = found.encode(torch.from_numpy(rows)).numpy()
    chosen = np.sort(permutation(len(flat), seed, "clusters")[:_MOST].numpy())
    tell(1, 3, "looking for clusters")
    fitted = _dense(flat[chosen]) if count is None else _counted(flat[chosen], count, seed)
    tell(2, 3, "placing the other rows")
    numbers = _by_size(_spread(flat, chosen, fitted))
    made = int(numbers.max(initial=-1)) + 1
    sizes = np.bincount(numbers[numbers >= 0], minlength=made)
    done = Clusters(numbers, made, sizes, _scores(flat, numbers))
    tell(3, 3, "clusters")
    return done if labels is None else replace(done, scores=done.scores | _against(numbers, np.asarray(labels)))


def _dense(flat: np.ndarray) -> np.ndarray:
    """HDBSCAN's answer: groups that stay together over the widest range of densities."""
    from sklearn.cluster import HDBSCAN

    n = len(flat)
    if n <= _SMALLEST:
        return np.full(n, -1)
    smallest = max(_SMALLEST, round(_SHARE * n))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return np.asarray(HDBSCAN(min_cluster_size=smallest, min_samples=_NEAR, copy=True).fit_predict(flat))


def _counted(flat: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters
        made = KMeans(count, n_init=4, random_state=stream(seed, "k-means") % 2**32)
        return np.asarray(made.fit_predict(flat))


def _spread(flat: np.ndarray, chosen: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """From the rows that were looked at to all: the answer of the nearest one."""
    found = np.empty(len(flat), np.int64)
    found[chosen] = fitted
    rest = np.setdiff1d(np.arange(len(flat)), chosen)
    if len(rest):
        found[rest] = fitted[neighbours(flat[rest], flat[chosen], 1)[1][:, 0]]
    return found


def _by_size(numbers: np.ndarray) -> np.ndarray:
    """Renumbered, the largest first; two as large keep their order."""
    names, sizes = np.unique(numbers[numbers >= 0], return_counts=True)
    place = np.full(int(numbers.max(initial=-1)) + 2, -1)
    place[names[np.argsort(-sizes, kind="stable")]] = np.arange(len(names))
    return place[numbers]


def _scores(flat: np.ndarray, numbers: np.ndarray) -> dict[str, float]:
    found = {"clustered": float((numbers >= 0).mean())}
    some = evenly(len(flat), _SCORED)
    if len(np.unique(numbers[some][numbers[some] >= 0])) > 1:
        found["silhouette"] = silhouette(flat[some], numbers[some]).value
    return found


def _against(numbers: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Beside labels that took no part; a row in no cluster is a group of its own to the one, and wrong to the other."""
    from sklearn.metrics import adjusted_rand_score

    known = labels >= 0
    if not known.any():
        return {}
    groups, truth = numbers[known], np.unique(labels[known], return_inverse=True)[1]
    inside = groups >= 0
    table = np.zeros((int(numbers.max(initial=-1)) + 1, int(truth.max()) + 1))
    np.add.at(table, (groups[inside], truth[inside]), 1)
    return {
        "adjusted Rand index": float(adjusted_rand_score(truth, groups)),
        "purity": float(table.max(axis=1).sum() / len(truth)) if len(table) else 0.0,
        "purity by chance": float(np.bincount(truth).max() / len(truth)),
    }
