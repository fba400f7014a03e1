"""Which labels a classifier is given: balanced draws that a stranger can repeat, and folds of what it was given."""

from collections.abc import Sequence

import numpy as np

from isthmus.errors import DataError
from isthmus.images.pictures import UNKNOWN
from isthmus.keys import keys_of

__all__ = ["balanced_draw", "folds"]


def balanced_draw(labels: np.ndarray, ids: Sequence[object] | np.ndarray, count: int, seed: int) -> np.ndarray:
    """The labels with all but `count` hidden, equally many of each class where there are enough.

    A picture's turn depends on the seed and its own id, so that the first 100 of 250 labels are the draw of 100.
    """
    labels = np.asarray(labels)
    classes = np.unique(labels[labels >= 0])
    if count < len(classes):
        raise DataError(f"{count} labels cannot cover {len(classes)} classes", f"Ask for at least {len(classes)}.")
    if count > (labels >= 0).sum():
        raise DataError(f"{count:,} labels were asked for, and {(labels >= 0).sum():,} are known", "Ask for fewer.")
    turn = keys_of(f"{seed}|{name}" for name in ids)
    queues = {c: (rows := np.flatnonzero(labels == c))[np.argsort(turn[rows], kind="stable")] for c in classes}
    # Class by class in turn; where one runs out the others go on.
    place = np.concatenate([np.arange(len(queue)) for queue in queues.values()])
    order = np.concatenate(list(queues.values()))[np.argsort(place, kind="stable")]
    drawn = np.full(len(labels), UNKNOWN, np.int64)
    drawn[order[:count]] = labels[order[:count]]
    return drawn


def folds(labels: np.ndarray, most: int, seed: int) -> list[np.ndarray]:
    """The labelled rows in up to `most` parts, each class spread over all of them; none where a class has only one."""
    labels = np.asarray(labels)
    counts = np.bincount(labels[labels >= 0])
    parts = min(most, int(counts[counts > 0].min()))
    if parts < 2:
        return []
    generator = np.random.default_rng(seed)
    part = np.full(len(labels), -1)
    for c in np.flatnonzero(counts):
        rows = generator.permutation(np.flatnonzero(labels == c))
        part[rows] = (np.arange(len(rows)) + generator.integers(parts)) % parts
    return [np.flatnonzero(part == number) for number in range(parts)]
