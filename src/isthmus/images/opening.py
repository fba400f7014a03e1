"""The one way in: a named set, a path or an array to `Pictures`."""

import difflib
import os
from pathlib import Path
from typing import Any

import numpy as np

from isthmus import discover
from isthmus.errors import UsageError
from isthmus.images.guard import quiet, reading
from isthmus.images.labels import attach, encode, look_alikes, read_table
from isthmus.images.options import Progress, ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import pile

__all__ = ["open_pictures", "reader_of", "unknown"]


def open_pictures(
    source: Any,
    *,
    labels: Any = None,
    group: str | None = None,
    axes: str | None = None,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    tile: int | None = None,
    stride: int | None = None,
    skip_bad: bool = False,
    cache: Path | str | bool | None = None,
    progress: Progress | None = None,
) -> Pictures:
    """Open `source`: the name of a set, a path (`./digits` is the folder, `digits` the set), or an array.

    `labels` is the path of a table `id,label[,columns...]`, or as many labels as there are pictures; it replaces what
    the source says. `group` names the column whose values are never torn apart by a split. `size` and `channels` set
    the shape of every picture, `tile` and `stride` cut large ones. Whatever is wrong is a `DataError` or `UsageError`.
    """
    options = ReadOptions(axes, size, channels, tile, stride, skip_bad, cache, progress)
    with quiet():
        pictures = _read(source, options)
        if labels is not None:
            _relabel(pictures, labels)
    pictures.trouble.extend(look_alikes(pictures.classes))
    if group is not None:
        if group not in pictures.columns:
            known = ", ".join(pictures.columns) or "none"
            raise UsageError(f"there is no column {group!r} to group by", f"The columns are: {known}.")
        pictures.source["group"] = group
    return pictures


def _read(source: Any, options: ReadOptions) -> Pictures:
    if isinstance(source, Pictures):
        raise UsageError("these pictures are open already", "Use them as they are.")
    if not isinstance(source, str | os.PathLike):
        with reading("the array", "Give an array of numbers."):
            return pile(source, "the array", options, source={"kind": "array"})
    if isinstance(source, str) and source in discover.names("images.sets"):
        pictures: Pictures = discover.find("images.sets", source, "Set")().read(options)
        pictures.source.update(kind="set", name=source)
        return pictures
    path = Path(source)
    with reading(str(path), "Check that it may be read."):
        packed = _packed_first(os.fspath(source), options)
        if packed is not None:
            return packed
        if not str(source) or not path.exists():
            raise unknown(str(source), path)
        return reader_of(path).read(path, options)


def reader_of(path: Path) -> Any:
    """Whoever reads this path."""
    for reader in _readers():
        if reader.accepts(path):
            return reader
    kinds = ", ".join(discover.names("images.readers"))
    raise UsageError(f"{path} is of no kind that can be read", f"Give a folder of pictures, or one of: {kinds}.")


def _readers() -> list[Any]:
    """One of each kind, those that take what no other knows at the end."""
    kinds = discover.names("images.readers")
    readers = [discover.find("images.readers", kind, "Reader")() for kind in kinds]
    return sorted(readers, key=lambda reader: getattr(reader, "last", False))


def _packed_first(source: str, options: ReadOptions) -> Pictures | None:
    """Pictures that cannot be reached at random where they lie are packed into the cache, once; None for others."""
    from isthmus.images.packing import must_be_packed, pack_aside
    from isthmus.images.readers.shards import ShardsReader

    if not must_be_packed(source):
        return None
    folder = pack_aside(source, options)
    pictures = ShardsReader().read(folder, ReadOptions(progress=options.progress))
    pictures.source["name"] = pictures.source["of"]["name"]
    pictures.trouble.append(f"the pictures are read from shards, which were packed into {folder}")
    return pictures


def unknown(name: str, path: Path) -> UsageError:
    """What is said of a name that nothing goes by."""
    sets = discover.names("images.sets")
    try:
        beside = [entry.name for entry in os.scandir(path.parent)]
    except OSError:
        beside = []
    near = difflib.get_close_matches(name, sets, 2) + [
        str(path.parent / other) for other in difflib.get_close_matches(path.name, beside, 2)
    ]
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return UsageError(f"there is no file, folder or named set {name!r}", f"{meant}Named sets: {', '.join(sets)}.")


def _relabel(pictures: Pictures, labels: Any) -> None:
    if isinstance(labels, str | os.PathLike):
        path = Path(labels)
        attach(pictures, read_table(path), str(path))
        return
    values = labels if isinstance(labels, np.ndarray) else list(labels)
    if len(values) != len(pictures):
        raise UsageError(f"there are {len(values):,} labels for {len(pictures):,} pictures", "Give one for each.")
    pictures.labels, pictures.classes = encode(values)
