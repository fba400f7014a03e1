"""Picture files, in folders or named by a table: so many of them a piece."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import DataError
from isthmus.images.decode import look
from isthmus.images.guard import reading
from isthmus.images.opening import reader_of
from isthmus.images.options import ReadOptions
from isthmus.images.packers._piece import LOOKED_AT, Block, Decoder, Listing, Piece, joined
from isthmus.images.plan import Look
from isthmus.images.scanning import Found
from isthmus.images.shards import Facts

__all__ = ["FilesPacker", "Packer"]


@dataclass
class _Files(Piece):
    """Some of the files below a folder, with what is known of each."""

    root: Path
    files: Sequence[Found]
    facts: list[Facts]
    name: str = field(init=False)
    mark: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.files[0].name
        self.mark = repr([*self.files, self.facts])

    def blocks(self, decoder: Decoder) -> Iterator[Block]:
        return joined(
            decoder.block(self.root / file.name, file.name, facts)
            for file, facts in zip(self.files, self.facts, strict=True)
        )


class FilesPacker:
    """What the readers of folders and tables list, with the same ids and labels."""

    last = 1
    """Other packers may know a folder or a table better."""

    def accepts(self, source: str) -> bool:
        return os.path.exists(source) and hasattr(reader_of(Path(source)), "listing")

    def listing(self, source: str, options: ReadOptions) -> Listing:
        path = Path(source)
        listed = reader_of(path).listing(path, options)
        rows = np.linspace(0, len(listed.files) - 1, min(LOOKED_AT, len(listed.files))).round().astype(int).tolist()
        seen = [(listed.files[row].name, _look(listed.root, listed.files[row], options)) for row in rows]
        good = [(name, one) for name, one in seen if one is not None]
        if not good:
            raise DataError(f"none of the first {len(seen):,} pictures of {path} can be read", "Check the files.")
        return Listing(
            kind=listed.source["kind"],
            name=listed.source["name"],
            names=[name for name, _ in good],
            looks=[one for _, one in good],
            cut=partial(_cut, listed, max(1, round(sum(one.count for _, one in good) / len(good)))),
            columns=list(listed.columns),
            trouble=listed.trouble,
        )


def _look(root: Path, found: Found, options: ReadOptions) -> Look | None:
    try:
        with reading(found.name):
            return look(root / found.name, options.axes)
    except DataError:
        if not options.skip_bad:
            raise
        return None


def _cut(listed: Any, pages: int, rows: int) -> list[_Files]:
    """So many files a piece that about `rows` pictures come of them, as each has about so many pages."""
    step = max(1, rows // pages)
    columns = [[_text(value) for value in values] for values in listed.columns.values()]
    split = listed.split or [""] * len(listed.files)
    facts = list(zip(listed.labels, split, *columns, strict=True))
    starts = range(0, len(listed.files), step)
    return [_Files(listed.root, listed.files[i : i + step], facts[i : i + step]) for i in starts]


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


Packer = FilesPacker
