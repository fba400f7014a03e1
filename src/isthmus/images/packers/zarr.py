"""Zarr arrays, read a block of rows at a time; with `images` and `labels` where the store is a group."""

import os
from functools import partial
from typing import Any

import numpy as np

from isthmus.errors import DataError, UsageError
from isthmus.images.arrays import canonical
from isthmus.images.guard import reading
from isthmus.images.options import ReadOptions
from isthmus.images.packers._piece import Listing
from isthmus.images.packers._rows import cut_rows
from isthmus.images.plan import Look
from isthmus.images.shards import Facts

__all__ = ["Packer", "ZarrPacker"]

_SIGNS = ("zarr.json", ".zarray", ".zgroup")


class ZarrPacker:
    """A store in a folder; ids are row numbers."""

    def accepts(self, source: str) -> bool:
        return any(os.path.isfile(os.path.join(source, sign)) for sign in _SIGNS)

    def listing(self, source: str, options: ReadOptions) -> Listing:
        try:
            import zarr
        except ImportError:
            raise UsageError(f"{source} is a Zarr store, which needs zarr", "pip install 'isthmus[zarr]'.") from None
        with reading(source, "Give an array, or a group of images and labels."):
            array, labels = _arrays(zarr.open(source, mode="r"), source)
            first, layout = canonical(np.asarray(array[:1]), options.axes)
            count = array.shape[0]
            names = [""] * count if labels is None else [_text(value) for value in np.asarray(labels[:]).tolist()]
        if len(names) != count:
            raise DataError(f"{source} has {len(names):,} labels for {count:,} pictures", "Give one for each.")
        if str(first.dtype) not in ("uint8", "uint16", "float32") or str(first.dtype) != str(array.dtype):
            raise DataError(f"{source} holds {array.dtype} values", "Save it as uint8, uint16 or float32.")
        table = first.ndim == 2
        height, width, channels = (1, first.shape[1], 1) if table else (*first.shape[2:], first.shape[1])
        return Listing(
            kind="zarr",
            name=os.path.basename(os.path.abspath(source)),
            looks=[Look(height, width, channels, str(first.dtype), count)],
            names=[source],
            cut=partial(cut_rows, array, layout, partial(_known, names), _changed(source)),
            source={"layout": layout},
            features=first.shape[1] if table else None,
            elsewhere=False,
        )


def _arrays(store: Any, source: str) -> tuple[Any, Any]:
    """The pictures, and their labels where there are some."""
    if hasattr(store, "shape"):
        return store, None
    images = next((store[name] for name in ("images", "x", "data") if name in store), None)
    if images is None:
        raise DataError(f"{source} is a group without an array called images", "Name one so, or give an array.")
    return images, next((store[name] for name in ("labels", "y", "targets") if name in store), None)


def _changed(source: str) -> str:
    """When, last: of any chunk, as a store that is written to in place keeps its folder."""
    times = [os.stat(os.path.join(folder, name)).st_mtime_ns for folder, _, names in os.walk(source) for name in names]
    return str(max(times))


def _known(names: list[str], start: int, stop: int) -> list[Facts]:
    return [(str(row), names[row], "") for row in range(start, stop)]


def _text(value: Any) -> str:
    return "" if value is None or value == -1 or value != value else str(value)


Packer = ZarrPacker
