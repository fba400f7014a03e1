"""How many dimensions a cloud of points has, told by how far the two nearest neighbours of each point lie."""

import numpy as np

from isthmus.errors import DataError
from isthmus.keys import stream
from isthmus.stats.blocks import points as rows_of
from isthmus.stats.intervals import Interval
from isthmus.stats.knn import neighbours

__all__ = ["intrinsic_dimension"]

_KEPT = 0.9
_WORTH = 2 / 3  # neighbours share distances: on even clouds the estimate varies as if of so much fewer ratios
_FEWEST = 20


def intrinsic_dimension(points: np.ndarray, *, seed: int = 0, most: int = 5000) -> Interval:
    """TwoNN (Facco et al. 2017): the more dimensions, the less farther is the second nearest neighbour than the first.

    Points that are there twice count once, and of more than `most` so many are drawn. The largest tenth of the ratios
    is cut off at its least, not dropped, which the estimate allows for: far points are where a cloud is least even. The
    interval is about points drawn anew from the same even cloud. Of ten dimensions and more the edges hide some, and
    noise adds the more, the denser the points are: a number for comparing clouds of one size.
    """
    rows = rows_of(points)
    if len(rows) > most:
        generator = np.random.default_rng(stream(seed, "intrinsic dimension"))
        rows = rows[np.sort(generator.choice(len(rows), most, replace=False))]
    distinct = _distinct(rows.numpy() + 0.0)  # of two zeros one is negative, and they are the same
    if len(distinct) < _FEWEST:
        what = f"{len(distinct)} different points say nothing about a dimension"
        raise DataError(what, f"Give at least {_FEWEST}.")
    distances = neighbours(distinct, distinct, 2, skip_self=True)[0]
    return _of_ratios(distances[distances[:, 0] > 0])


def _distinct(rows: np.ndarray) -> np.ndarray:
    """Each row once, compared as bytes: ten times as quick as number by number where most are alike."""
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.itemsize * rows.shape[1])))
    return np.asarray(rows[np.sort(np.unique(whole.ravel(), return_index=True)[1])])


def _of_ratios(distances: np.ndarray) -> Interval:
    """The logarithm of a ratio is exponential with the dimension as its rate, of which the longest are cut off."""
    from scipy.special import chdtri

    logs = np.sort(np.log(distances[:, 1] / distances[:, 0]))
    kept = int(_KEPT * len(logs))
    total = float(logs[:kept].sum() + (len(logs) - kept) * logs[kept - 1]) if kept > 1 else 0.0
    if total == 0:
        what = "the two nearest neighbours of every point are equally far: such points have no dimension to tell"
        raise DataError(what, "Give points that are not on a grid.")
    value, free = (kept - 1) / total, 2 * _WORTH * kept
    low, high = (value * float(chdtri(free, tail)) / free for tail in (0.975, 0.025))
    return Interval(value, low, high, len(logs))
