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
_SMALLEST, _SHARE = 20, 0.02
_FEW_AXES, _SAMPLES = 8, 3
_NEAR, _RIM = 5, 1.5
_SCORED = 2000


Told = Callable[[int, int, str], None]


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
    told: Told | None = None,
) -> Clusters:
    """HDBSCAN on the principal components of at most 20,000 rows, or k-means where a count is given.

    What density leaves out goes to the cluster of its nearest row if that is not far. `labels`, -1 where unknown, only
    score.
    """
    rows = np.asarray(rows, np.float32).reshape(len(rows), -1)
    if len(rows) < 2 or not np.isfinite(rows).all():
        raise DataError(f"{len(rows)} rows, or rows that are not finite, have no clusters", "Give two or more.")
    if count is not None and not 1 <= count <= len(rows):
        raise UsageError(f"{count} clusters of {len(rows):,} rows were asked for", "Ask for one at least, and no more.")
    tell = told or (lambda done, total, what: None)
    tell(0, 1, "bringing codes to few axes")
    found = principal_components(rows, min(_AXES, *rows.shape))
    flat = found.encode(torch.from_numpy(rows)).numpy()
    chosen = np.sort(permutation(len(flat), seed, "clusters")[:_MOST].numpy())
    tell(0, 1, "looking for clusters")
    if count is None:
        fitted, reach = _dense(flat[chosen]), _reach(flat[chosen])
    else:
        fitted, reach = _counted(flat[chosen], count, seed), np.inf
    numbers = _by_size(_placed(flat, chosen, fitted, reach, tell))
    made = int(numbers.max(initial=-1)) + 1
    sizes = np.bincount(numbers[numbers >= 0], minlength=made)
    done = Clusters(numbers, made, sizes, _scores(flat, numbers))
    tell(1, 1, "clusters")
    return done if labels is None else replace(done, scores=done.scores | _against(numbers, np.asarray(labels)))


def _dense(flat: np.ndarray) -> np.ndarray:
    """HDBSCAN's answer: groups that stay together over the widest range of densities."""
    from sklearn.cluster import HDBSCAN

    if len(flat) <= _SMALLEST:
        return np.full(len(flat), -1)
    smallest = max(_SMALLEST, round(_SHARE * len(flat)))
    # On few axes a single smooth cloud falls into groups by chance, unless density is told from many neighbours.
    samples = _SAMPLES if flat.shape[1] >= _FEW_AXES else smallest // 2
    made = HDBSCAN(min_cluster_size=smallest, min_samples=samples, copy=True)
    return np.asarray(made.fit_predict(flat))


def _counted(flat: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters
        made = KMeans(count, n_init=4, random_state=stream(seed, "k-means") % 2**32)
        return np.asarray(made.fit_predict(flat))


def _placed(flat: np.ndarray, chosen: np.ndarray, fitted: np.ndarray, reach: float, tell: Told) -> np.ndarray:
    """All rows: those in no cluster, or not looked at, go where the nearest one that is in some went, within reach."""
    found = np.full(len(flat), -1, np.int64)
    found[chosen] = fitted
    inside, rest = np.flatnonzero(found >= 0), np.flatnonzero(found < 0)
    if len(inside) and len(rest):
        told = lambda done, total: tell(done, total, "placing the other rows")  # noqa: E731
        far, near = neighbours(flat[rest], flat[inside], 1, tick=told)
        close = far[:, 0] <= reach
        found[rest[close]] = found[inside[near[close, 0]]]
    return found


def _reach(flat: np.ndarray) -> float:
    """Half as far again as neighbours usually are: HDBSCAN leaves out the rim of clusters, and this takes it in."""
    k = min(_NEAR, len(flat) - 1)
    far = neighbours(flat[evenly(len(flat), _SCORED)], flat, k + 1)[0][:, -1]
    return _RIM * float(np.median(far))


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
    """Beside labels that took no part; rows in no cluster are one group to the first, and wrong to the second."""
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
