"""Pieces of what is an array already, here or in a file: rows one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isthmus.images.arrays import canonical
from isthmus.images.packers._piece import Block, Decoder, Piece
from isthmus.images.shards import Facts

__all__ = ["Rows", "cut_rows"]

_BLOCK = 1024


@dataclass
class Rows(Piece):
    """Rows of an array in its own layout; `known` gives what is known of some rows."""

    array: Any
    layout: str
    first: int
    last: int
    known: Any
    mark: str
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = f"rows from {self.first:,}"
        self.mark = f"{self.mark}-{self.first}-{self.last}"

    def blocks(self, decoder: Decoder) -> Iterator[Block]:
        for start in range(self.first, self.last, _BLOCK):
            stop = min(start + _BLOCK, self.last)
            pixels = canonical(np.asarray(self.array[start:stop]), self.layout)[0]
            facts: list[Facts] = self.known(start, stop)
            if pixels.ndim == 2:
                yield Block(pixels, facts)
            else:
                yield decoder.shaped(pixels, [row[0] for row in facts], *(row[1:] for row in facts))


def cut_rows(array: Any, layout: str, known: Any, mark: str, rows: int) -> list[Rows]:
    """So many rows a piece."""
    count = array.shape[0]
    return [Rows(array, layout, i, min(i + rows, count), known, mark) for i in range(0, count, rows)]
