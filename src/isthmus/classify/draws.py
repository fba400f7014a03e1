"""Which labels a classifier sees: draws that a stranger can repeat, and folds that never tear a group apart."""

from typing import Any

import numpy as np

from isthmus.images.pictures import UNKNOWN
from isthmus.images.splits import draw_labels, units_of

__all__ = ["folds", "only", "units"]


def only(pictures: Any, count: int, seed: int) -> np.ndarray:
    """The labels with all but `count` hidden, equally many of each class where there are enough."""
    drawn = draw_labels(pictures, count, seed)
    labels = np.full(len(pictures), UNKNOWN, np.int64)
    labels[drawn] = pictures.labels[drawn]
    return labels


def units(X: Any) -> np.ndarray:
    """What must stay together: the group of a picture, or what its tile was cut from; else each picture alone."""
    return units_of(X) if hasattr(X, "pixels") else np.arange(len(X))


def folds(labels: np.ndarray, together: np.ndarray, most: int, seed: int) -> list[np.ndarray]:
    """Labelled rows in up to `most` parts, each class in all of them.

    The rows of a class with a single unit are in no part: whoever did not see them could not know the class.
    """
    known = np.flatnonzero(labels >= 0)
    first, unit = np.unique(together[known], return_inverse=True)
    of_class = {c: np.unique(unit[labels[known] == c]) for c in np.unique(labels[known])}
    several = [found for found in of_class.values() if len(found) > 1]
    if not several:
        return []
    parts = min([most, *map(len, several)])
    generator = np.random.default_rng(seed)
    part = np.full(len(first), -1)
    for found in several:
        free = generator.permutation(found[part[found] < 0])
        part[free] = (np.arange(len(free)) + generator.integers(parts)) % parts
    made = [known[part[unit] == number] for number in range(parts)]
    return [rows for rows in made if len(rows) and set(np.delete(labels, rows)) >= set(of_class)]
