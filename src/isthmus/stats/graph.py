"""A graph of nearest neighbours, and labels spread over it (Zhou et al. 2004)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isthmus.errors import DataError
from isthmus.stats.cells import near_neighbours

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Graph", "neighbour_graph", "spread", "spread_numbers", "unit", "weights_of"]

_SHARPNESS = 4
_STAY, _STEPS = 0.01, 60


@dataclass(frozen=True)
class Graph:
    """Symmetric, each link divided by the root of its ends' degrees: `spread` multiplies by it."""

    links: "csr_matrix"

    def __len__(self) -> int:
        return int(self.links.shape[0])


def neighbour_graph(rows: np.ndarray, k: int = 10, tick: Callable[[int, int], None] | None = None) -> Graph:
    """The `k` nearest of every row by angle; a link weighs the fourth power of the cosine."""
    from scipy.sparse import coo_matrix, diags

    n = len(rows)
    if n < 2:
        raise DataError(f"{n} points make no graph", "Give at least two.")
    k = min(k, n - 1)
    rows = unit(rows)
    distances, near = near_neighbours(rows, k, tick=tick)
    ends = np.repeat(np.arange(n), k), near.ravel()
    one_way = coo_matrix((weights_of(distances).ravel(), ends), shape=(n, n)).tocsr()
    links = one_way + one_way.T
    root = diags(1 / np.sqrt(np.asarray(links.sum(axis=1)).ravel().clip(1e-12)))
    return Graph((root @ links @ root).tocsr().astype(np.float32))


def unit(rows: np.ndarray) -> np.ndarray:
    """Every row at length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def weights_of(distances: np.ndarray) -> np.ndarray:
    """Of neighbours at these distances, all of unit length."""
    cosine = 1 - np.square(distances) / 2
    return np.asarray(cosine.clip(0, 1) ** _SHARPNESS + 1e-12)


def spread(graph: Graph, labels: np.ndarray, classes: int, shares: np.ndarray | None = None) -> np.ndarray:
    """The share of each class at every point, rows summing to 1; labels are -1 where unknown.

    With `shares`, how common each class is, what spreads is brought to them: a class in a corner of the graph would
    else be drowned.
    """
    labels = np.asarray(labels)
    known = np.flatnonzero(labels >= 0)
    if len(known) == 0:
        raise DataError("no point has a label", "Give at least one label of each class.")
    given = np.zeros((len(graph), classes), np.float32)
    given[known, labels[known]] = 1
    found = _rows_to_one(_along(graph, given))
    if shares is not None:
        found = _rows_to_one(found * (shares / np.maximum(found.mean(axis=0), 1e-12)))
    return found


def spread_numbers(graph: Graph, values: np.ndarray) -> np.ndarray:
    """A number at every point from those that are known, NaN where they are not; their mean where none reaches."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    if not known.any():
        raise DataError("no point has a number", "Give at least one.")
    middle = float(values[known].mean())
    found = _along(graph, np.stack([np.where(known, values - middle, 0), known], axis=1).astype(np.float32))
    return np.asarray(middle + found[:, 0] / np.maximum(found[:, 1], 1e-30), np.float64)


def _along(graph: Graph, given: np.ndarray) -> np.ndarray:
    """What is given at some points, after it has spread."""
    found = given.copy()
    for _ in range(_STEPS):
        found = (1 - _STAY) * (graph.links @ found) + _STAY * given
    return np.asarray(found)


def _rows_to_one(found: np.ndarray) -> np.ndarray:
    """A point that no label reaches may be of any class."""
    total = found.sum(axis=1, keepdims=True)
    return np.where(total > 0, found / np.maximum(total, 1e-30), 1 / found.shape[1])
