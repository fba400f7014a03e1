"""Arrays to pictures: one way for every source that holds its pixels in arrays."""

from dataclasses import replace
from typing import Any

import numpy as np

from isthmus.errors import DataError, UsageError
from isthmus.images.arrays import canonical
from isthmus.images.labels import encode
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import UNKNOWN, Pictures
from isthmus.images.plan import Look, Plan, make_plan
from isthmus.images.tiles import tile_ids

__all__ = ["join", "pile"]

_BLOCK = 1024


def pile(
    array: Any,
    name: str,
    options: ReadOptions,
    *,
    labels: Any = None,
    axes: str | None = None,
    source: dict[str, Any] | None = None,
    **known: Any,
) -> Pictures:
    """Pictures from an array with the labels beside it; ids are row numbers."""
    source = dict(source or {})
    pixels, trouble = _own_type(array, name, source)
    count = len(pixels)
    rows, pixels = _finite_rows(pixels, name, options)
    if len(rows) < count:
        trouble.append(f"left out {count - len(rows):,} of {count:,} pictures that hold NaN or infinity")
    pixels, layout = canonical(pixels, options.axes or axes)
    if not pixels.size:
        raise DataError(f"{name} holds no pictures: its shape is {pixels.shape}", "Check how it was saved.")
    source["layout"] = layout
    whole = _labelled(count, labels, name, known)
    ids = np.array([str(row) for row in rows], dtype=object)
    made = Pictures(pixels, ids, *whole, source=source, trouble=trouble, **_rows_of(known, rows))
    made.labels = made.labels[rows]
    return _shaped(made, options)


def join(parts: dict[str, Pictures]) -> Pictures:
    """Parts with their own split, as in `{"train": ..., "test": ...}`, one after the other."""
    pieces = list(parts.values())
    shapes = {piece.pixels.shape[1:] for piece in pieces}
    if len(shapes) > 1:
        raise DataError(f"the parts have pictures of different shapes: {sorted(shapes)}", "Open them one at a time.")
    classes, labels = _common_classes(pieces)
    first = pieces[0]
    several = len(parts) > 1
    ids = [f"{name}/{i}" if several else i for name, piece in parts.items() for i in piece.ids]
    split = [name for name, piece in parts.items() for _ in range(len(piece))]
    return Pictures(
        pixels=np.concatenate([piece.pixels for piece in pieces]) if several else first.pixels,
        ids=np.array(ids, dtype=object),
        labels=labels,
        classes=classes,
        columns={
            name: np.concatenate([piece.columns[name] for piece in pieces])
            for name in first.columns
            if all(name in piece.columns for piece in pieces)
        },
        split=np.array(split, dtype=object) if several or split[0] == "test" else None,
        source=_common_source(parts),
        trouble=[sentence for piece in pieces for sentence in piece.trouble],
    )


def _common_source(parts: dict[str, Pictures]) -> dict[str, Any]:
    source = dict(next(iter(parts.values())).source)
    tiled = {f"{name}/{key}": size for name, p in parts.items() for key, size in _tiled(p).items()}
    if tiled and len(parts) > 1:
        source["tiles"] = {**source["tiles"], "pictures": tiled}
    return source


def _tiled(pictures: Pictures) -> dict[str, Any]:
    return dict(pictures.source.get("tiles", {}).get("pictures", {}))


def _common_classes(pieces: list[Pictures]) -> tuple[tuple[str, ...], np.ndarray]:
    if len({piece.classes for piece in pieces}) == 1:
        return pieces[0].classes, np.concatenate([piece.labels for piece in pieces])
    names = [(*piece.classes, "")[label] for piece in pieces for label in piece.labels]
    labels, classes = encode(names)
    return classes, labels


def _labelled(count: int, labels: Any, name: str, known: dict[str, Any]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The labels' numbers and classes; where `known` has classes, the labels are numbers already."""
    classes = known.pop("classes", None)
    if labels is None:
        return np.full(count, UNKNOWN, np.int64), classes or ()
    values = np.asarray(labels)
    if values.ndim == 2 and 1 in values.shape:
        values = values.reshape(-1)
    if values.shape != (count,):
        raise DataError(
            f"{name} has {count:,} pictures and labels of shape {values.shape}", "Give one label for each picture."
        )
    if values.dtype.kind not in "biufSUO":
        raise DataError(f"the labels of {name} are {values.dtype}", "Give numbers or names.")
    if not classes:
        return encode(values)
    numbers = values.astype(np.int64)
    if numbers.min() < UNKNOWN or numbers.max() >= len(classes):
        raise DataError(f"{name} has a label outside its {len(classes)} classes", "Check the label file.")
    return numbers, tuple(classes)


def _rows_of(known: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    columns = {name: np.asarray(values)[rows] for name, values in known.get("columns", {}).items()}
    split = known.get("split")
    return {"columns": columns, "split": None if split is None else np.asarray(split, dtype=object)[rows]}


def _own_type(array: Any, name: str, source: dict[str, Any]) -> tuple[np.ndarray, list[str]]:
    """The array in a type that pictures are kept in: uint8, uint16 or float32, never with other values."""
    if hasattr(array, "detach"):
        array = array.detach().cpu().numpy()
    pixels = np.asanyarray(array)
    kind = pixels.dtype.kind
    if pixels.ndim < 2:
        raise UsageError(
            f"{name} is no array of pictures", "Give (n, features), (n, h, w), (n, c, h, w) or (n, h, w, c)."
        )
    if kind not in "biuf":
        raise DataError(
            f"{name} holds {pixels.dtype} values, not numbers", "Give an array of whole or decimal numbers."
        )
    if kind == "b":
        source["range"] = [0, 1]
        return pixels.view(np.uint8) if pixels.flags.c_contiguous else pixels.astype(np.uint8), []
    if not pixels.dtype.isnative:
        pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    if pixels.dtype in (np.uint8, np.uint16, np.float32) or not pixels.size:
        return pixels, []
    if kind == "f":
        with np.errstate(over="ignore"):
            return pixels.astype(np.float32), []
    low, high = int(pixels.min()), int(pixels.max())
    for kept in (np.uint8, np.uint16):
        if low >= 0 and high <= np.iinfo(kept).max:
            return pixels.astype(kept), []
    rounded = max(-low, high) > 1 << 24
    return pixels.astype(np.float32), ["whole numbers above 16,777,216 were rounded to 24 bits"] if rounded else []


def _finite_rows(pixels: np.ndarray, name: str, options: ReadOptions) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(len(pixels))
    if pixels.dtype.kind != "f" or not pixels.size:
        return rows, pixels
    blocks = (pixels[start : start + _BLOCK] for start in range(0, len(pixels), _BLOCK))
    good = np.concatenate([np.isfinite(block).reshape(len(block), -1).all(axis=1) for block in blocks])
    if good.all():
        return rows, pixels
    bad = np.flatnonzero(~good)
    if not options.skip_bad or not good.any():
        raise DataError(
            f"{name} holds NaN or infinity in {len(bad):,} of {len(pixels):,} pictures, first in row {bad[0]}",
            "Mend those rows, or leave them out with --skip-bad.",
        )
    return rows[good], pixels[good]


def _shaped(pictures: Pictures, options: ReadOptions) -> Pictures:
    """Resize, recolour and tile as asked; without a wish an array stays as it is, memory-mapped or not."""
    if options.size is None and options.channels is None and options.tile is None:
        return pictures
    if pictures.pixels.ndim == 2:
        raise UsageError(
            "size, channels and tile are for pictures, and this is a table of features", 'Give axes="NHW".'
        )
    n, channels, height, width = pictures.pixels.shape
    seen = Look(height, width, channels, str(pictures.pixels.dtype), n)
    plan = make_plan([seen], options, ["the array"])
    if plan.keeps(seen):
        return pictures
    blocks = [plan.apply(pictures.pixels[start : start + _BLOCK]) for start in range(0, n, _BLOCK)]
    many = plan.rows(seen) // n
    light = replace(pictures, pixels=np.empty((n, 0)))  # only what is known about each row is to be repeated
    made = light.take(np.repeat(np.arange(n), many))
    made.pixels = np.concatenate(blocks)
    made.source = {**pictures.source, "rule": plan.rule}
    if plan.tile:
        _name_tiles(made, pictures.ids, plan, height, width)
    return made


def _name_tiles(made: Pictures, names: np.ndarray, plan: Plan, height: int, width: int) -> None:
    tile = plan.tile or 1
    made.ids = np.array([t for i in names for t in tile_ids(i, height, width, tile, plan.step)], dtype=object)
    made.source["tiles"] = {"tile": tile, "stride": plan.step, "pictures": {i: [height, width] for i in names}}
