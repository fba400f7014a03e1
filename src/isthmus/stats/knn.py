"""Exact nearest neighbours, in blocks."""

from collections.abc import Callable

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.stats.blocks import distance_blocks, points
from isthmus.stats.intervals import Interval, wilson_interval

__all__ = ["knn_accuracy", "knn_predict", "neighbours", "ranked"]

_SPARE = 8


def neighbours(
    query: np.ndarray | torch.Tensor,
    bank: np.ndarray | torch.Tensor,
    k: int,
    *,
    skip_self: bool = False,
    tick: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Distances and rows of the `k` nearest points of `bank`, nearest first.

    `skip_self` says that `query` is `bank`, and a point is not its own neighbour.
    """
    same, bank = query is bank, points(bank, "the bank")
    query = bank if same else points(query, "the query")
    if not 1 <= k <= len(bank) - skip_self:
        raise DataError(f"{k} neighbours were asked of {len(bank)} points", "Ask for fewer, or give more points.")
    wide = min(k + _SPARE, len(bank) - skip_self)
    found = []
    for start, block in distance_blocks(query, bank):
        if skip_self:
            rows = torch.arange(len(block))
            block[rows, start + rows] = torch.inf
        near = block.topk(wide, dim=1, largest=False).indices.sort(dim=1).values
        found.append(ranked(query[start : start + len(block)], bank, near, k))
        if tick:
            tick(start + len(block), len(query))
    if not found:
        return np.empty((0, k)), np.empty((0, k), np.int64)
    return np.concatenate([d for d, _ in found]), np.concatenate([i for _, i in found])


def ranked(query: torch.Tensor, bank: torch.Tensor, near: torch.Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The best `k` of some candidates by plain differences, which do not lose small distances to rounding."""
    columns = [(query - bank[near[:, c]]).square_().sum(dim=1) for c in range(near.shape[1])]
    distances, order = torch.stack(columns, dim=1).sort(dim=1, stable=True)
    return distances[:, :k].sqrt().double().numpy(), near.gather(1, order[:, :k]).numpy()


def knn_predict(train: np.ndarray, labels: np.ndarray, test: np.ndarray | torch.Tensor, k: int = 5) -> np.ndarray:
    """The majority class of the `k` nearest labelled training points; a drawn vote goes to the lower class."""
    labels = np.asarray(labels)
    known = labels >= 0
    if not known.any():
        raise DataError("no training point has a label", "Give labels, or measure something else.")
    rows = neighbours(test, torch.as_tensor(train)[torch.as_tensor(known)], min(k, int(known.sum())))[1]
    votes = labels[known].astype(np.int64)[rows]
    counts = np.stack([(votes == c).sum(axis=1) for c in range(int(labels.max()) + 1)], axis=1)
    return counts.argmax(axis=1)


def knn_accuracy(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray, k: int = 5
) -> Interval:
    """The share of labelled test points that their training neighbours name rightly (Wilson interval)."""
    test_labels = np.asarray(test_labels)
    known = test_labels >= 0
    if not known.any():
        raise DataError("no test point has a label", "Give labels, or measure something else.")
    told = knn_predict(train, labels, torch.as_tensor(test)[torch.as_tensor(known)], k)
    return wilson_interval(int((told == test_labels[known]).sum()), int(known.sum()))
