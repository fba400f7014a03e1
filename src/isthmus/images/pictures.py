"""A pile of pictures: pixels in their own type, an id each, and whatever is known about them."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from isthmus.keys import keys_of

__all__ = ["UNKNOWN", "Pictures"]

UNKNOWN = -1
"""The label of a picture nobody has labelled: never a class."""


@dataclass
class Pictures:
    """`pixels` is `(n, channels, height, width)`, or `(n, features)` for a table, in its own integer type or float32.
    Of shards it is a `Sharded`, which stays in its files and gives arrays of the rows that are asked for.

    `ids` are relative POSIX paths (`#page` for stacks, `@top,left` for tiles) or row numbers as text.
    `labels` index `classes`; UNKNOWN where nobody said. `split` is "", "train" or "test" where the source has its own.
    `source` is plain JSON about where the pictures came from; it holds no absolute path.
    """

    pixels: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...] = ()
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    split: np.ndarray | None = None
    source: dict[str, Any] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    @classmethod
    def from_array(cls, pixels: np.ndarray, labels: np.ndarray | None = None, **known: Any) -> "Pictures":
        """Pictures whose ids are their row numbers."""
        n = len(pixels)
        labels = np.full(n, UNKNOWN, np.int64) if labels is None else np.asarray(labels, np.int64)
        known.setdefault("ids", np.array([str(i) for i in range(n)], dtype=object))
        return cls(pixels=pixels, labels=labels, **known)

    def __len__(self) -> int:
        return len(self.pixels)

    @cached_property
    def keys(self) -> np.ndarray:
        """A 64-bit key per picture, from its id: what noise and augmentation are drawn by."""
        return keys_of(self.ids)

    def take(self, rows: np.ndarray) -> "Pictures":
        """These rows, in this order."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        at = getattr(self.pixels, "at", self.pixels.__getitem__)
        return replace(
            self,
            pixels=at(rows),
            ids=self.ids[rows],
            labels=self.labels[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
            split=None if self.split is None else self.split[rows],
        )
