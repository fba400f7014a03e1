"""How well a map keeps what lay together together."""

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.stats.blocks import distance_blocks, points
from isthmus.stats.intervals import Interval, mean_interval
from isthmus.stats.knn import neighbours

__all__ = ["silhouette", "silhouette_values", "trustworthiness"]


def trustworthiness(original: np.ndarray, embedded: np.ndarray, k: int = 5) -> float:
    """1 where the `k` neighbours of every point on the map were its neighbours before; false ones cost by their rank.

    With the arguments exchanged it is continuity. Venna and Kaski 2001, as in scikit-learn.
    """
    rows, n = points(original, "the originals"), len(original)
    if len(embedded) != n:
        raise DataError(f"{n} originals and {len(embedded)} points on the map are not pairs")
    if not 1 <= k < n / 2:
        raise DataError(f"{k} neighbours are too many for {n} points", "Use fewer than half of them.")
    near = torch.as_tensor(neighbours(embedded, embedded, k, skip_self=True)[1])
    cost = 0
    for start, block in distance_blocks(rows, rows):
        here = torch.arange(len(block))
        block[here, start + here] = torch.inf
        reach = block.gather(1, near[start : start + len(block)])
        ranks = torch.stack([(block < reach[:, j : j + 1]).sum(dim=1) + 1 for j in range(k)], dim=1)
        cost += int((ranks - k).clamp_min(0).sum())
    return 1.0 - 2.0 * cost / (n * k * (2.0 * n - 3.0 * k - 1.0))


def silhouette(embedded: np.ndarray, labels: np.ndarray) -> Interval:
    """How much nearer each labelled point is to its own class than to the next one, from -1 to 1, in the mean."""
    return mean_interval(silhouette_values(embedded, labels))


def silhouette_values(embedded: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The silhouette of each labelled point; 0 for a class of one."""
    labels = np.asarray(labels)
    known = torch.as_tensor(labels >= 0)
    rows = points(torch.as_tensor(embedded)[known], "the map")
    classes, inverse = np.unique(labels[labels >= 0], return_inverse=True)
    if len(classes) < 2:
        raise DataError("a silhouette needs two classes", "Give labels of at least two.")
    own = torch.as_tensor(inverse)
    member = torch.nn.functional.one_hot(own).to(rows.dtype)
    sizes = member.sum(dim=0)
    values = []
    for start, block in distance_blocks(rows, rows):
        here = torch.arange(len(block))
        block[here, start + here] = 0
        mine = own[start : start + len(block)]
        values.append(_silhouettes(block.sqrt() @ member, mine, sizes))
    return torch.cat(values).double().numpy()


def _silhouettes(sums: torch.Tensor, mine: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """From the summed distance of each row to each class."""
    here = torch.arange(len(sums))
    inside = sums[here, mine] / (sizes[mine] - 1).clamp_min(1)
    means = sums / sizes
    means[here, mine] = torch.inf
    outside = means.min(dim=1).values
    larger = torch.maximum(inside, outside)
    value = torch.where(larger > 0, (outside - inside) / larger, torch.zeros_like(larger))
    return torch.where(sizes[mine] > 1, value, torch.zeros_like(value))
