"""A folder of shards that `isthmus data pack` made: as many pictures as there are, in no more memory than a batch."""

from pathlib import Path
from typing import cast

import numpy as np

from isthmus.errors import DataError, UsageError
from isthmus.images.guard import some
from isthmus.images.labels import as_column
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import UNKNOWN, Pictures
from isthmus.images.sharded import Part, Sharded
from isthmus.images.shards import INDEX, PACKING, Facts, Index, Shard, header, is_index, read_facts

__all__ = ["Reader", "ShardsReader"]


class ShardsReader:
    """Pixels stay in their files. A shard that is gone, cut short or of another shape is left out and named."""

    def accepts(self, path: Path) -> bool:
        return is_index(path / INDEX) or is_index(path / PACKING)

    def read(self, path: Path, options: ReadOptions) -> Pictures:
        if not (path / INDEX).is_file():
            raise DataError(f"{path} is not packed to the end", "Give the same isthmus data pack again: it goes on.")
        index = Index.read(path)
        _refuse_changes(path, index, options)
        parts, facts, dead = _alive(path, index, options)
        if not facts:
            why = f"; {next(iter(dead.items()))[0]}: {next(iter(dead.values()))}" if dead else ""
            raise DataError(f"{path} holds no picture that can be read{why}", "Pack the pictures again.")
        pictures = _pictures(facts, index)
        pictures.pixels = cast(np.ndarray, Sharded(parts, index.shape, index.dtype))
        pictures.source = {**index.source, "kind": "shards", "name": path.resolve().name}
        pictures.trouble = list(index.trouble)
        if dead:
            lost = sum(shard.rows for shard in index.in_order() if shard.file in dead)
            names = some(f"{name} ({why})" for name, why in dead.items())
            pictures.trouble.append(f"left out {len(dead):,} shards with {lost:,} pictures: {names}")
        return pictures


def _alive(path: Path, index: Index, options: ReadOptions) -> tuple[list[Part], list[Facts], dict[str, str]]:
    """The shards that are what the index says, the rows of their tables, and why others are not."""
    parts, facts, dead = list[Part](), list[Facts](), dict[str, str]()
    classes = set(index.classes or ())
    for number, shard in enumerate(index.in_order(), 1):
        try:
            begins = _begins(path, index, shard)
            rows = read_facts((path / shard.file).with_suffix(".csv"), shard.rows, index.columns)
            strange = {row[1] for row in rows} - classes - {""}
            if strange:
                raise ValueError(f"its table has the label {min(strange)!r}, which the index does not know")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            dead[shard.file] = reason[0].lower() + reason[1:]
            continue
        parts.append(Part(path / shard.file, shard.rows, begins))
        facts += rows
        options.tell(number, len(index.shards), "opening shards")
    return parts, facts, dead


def _begins(path: Path, index: Index, shard: Shard) -> int:
    shape, dtype, begins = header(path / shard.file)
    if shape != (shard.rows, *index.shape) or dtype != index.dtype:
        here, there = "x".join(map(str, shape)), "x".join(map(str, (shard.rows, *index.shape)))
        raise ValueError(f"it holds {here} of {dtype}, not {there} of {index.dtype}")
    return begins


def _pictures(facts: list[Facts], index: Index) -> Pictures:
    """All but the pixels."""
    number = {name: i for i, name in enumerate(index.classes or ())}
    ids, labels, split, *columns = zip(*facts, strict=True)
    return Pictures(
        pixels=np.empty((0, 0)),
        ids=np.array([*ids, None], dtype=object)[:-1],
        labels=np.array([number.get(label, UNKNOWN) for label in labels], np.int64),
        classes=tuple(index.classes or ()),
        columns={name: as_column(values) for name, values in zip(index.columns, columns, strict=True)},
        split=np.array([*split, None], dtype=object)[:-1] if any(split) else None,
    )


def _refuse_changes(path: Path, index: Index, options: ReadOptions) -> None:
    """What is asked for may be what is there; it is too late for anything else."""
    height_width = options.height_width
    asked = (height_width is None or list(height_width) == index.shape[1:], options.channels in (None, index.shape[0]))
    if not all(asked) or options.tile:
        raise UsageError(
            f"{path} holds pictures of {'x'.join(map(str, index.shape))} and nothing else",
            "Size, channels and tiles are chosen with isthmus data pack.",
        )


Reader = ShardsReader
