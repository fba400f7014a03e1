"""What is known of a pile before anything learns: which half a picture is in, and which columns hold numbers."""

import numpy as np

from isthmus.errors import DataError
from isthmus.images.pictures import Pictures
from isthmus.images.splits import units_of
from isthmus.keys import stream

__all__ = ["columns_of", "halves"]

_UNEVEN = 0.25


def halves(pictures: Pictures, seed: int) -> np.ndarray:
    """True for one half, by key: what stays together in a split (a patient, the tiles of a picture) does so here."""
    units = units_of(pictures).astype(np.int64).view(np.uint64)
    bits = (units ^ np.uint64(stream(seed, "halves"))) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    half = (bits >> np.uint64(63)).astype(bool)
    if _UNEVEN < half.mean() < 1 - _UNEVEN:
        return half
    return _cut(bits)


def _cut(bits: np.ndarray) -> np.ndarray:
    """Where groups are few, chance may leave a half without any: then they are cut in the order of their keys."""
    order, inverse, sizes = np.unique(bits, return_inverse=True, return_counts=True)
    if len(order) < 2:
        what = "all pictures are of one group, and guides and judge each need some of their own"
        raise DataError(what, "Leave out --group, or give pictures of two groups or more.")
    middle = np.cumsum(sizes) - sizes / 2
    first = middle < len(bits) / 2
    first[0], first[-1] = True, False
    return np.asarray(first[inverse])


def columns_of(pictures: Pictures) -> dict[str, np.ndarray]:
    """The columns of the label table that hold numbers; NaN where a picture has none."""
    found = {}
    for name, values in pictures.columns.items():
        try:
            numbers = np.array([np.nan if value in ("", None) else float(value) for value in values], np.float32)
        except (TypeError, ValueError):
            continue
        if np.isfinite(numbers).sum() > 1 and np.nanstd(numbers) > 0:
            found[name] = numbers
    return found
