"""TIFF, from one grey page to OME stacks: Y and X are the picture, C and S its channels, every other axis is pages."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import DataError, UsageError
from isthmus.images.blob import Blob
from isthmus.images.guard import believable
from isthmus.images.plan import Look

__all__ = ["SUFFIXES", "decode", "look"]

SUFFIXES = frozenset({".tif", ".tiff"})

_KEPT = {"uint8": "uint8", "uint16": "uint16", "bool": "uint8", "float16": "float32", "float32": "float32"}
_KEPT["float64"] = "float32"
_ALPHA = (1, 2)


def look(path: Path | Blob, axes: str | None = None) -> Look:
    """What the first series of the file holds."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        series, names = _series(file, path, axes)
        return _look(series, names, _alpha(series, names))


def decode(path: Path | Blob, axes: str | None = None) -> np.ndarray:
    """Every page, as `(pages, channels, height, width)`."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        series, names = _series(file, path, axes)
        alpha = _alpha(series, names)
        seen = _look(series, names, alpha)
        pages = _arrange(_pixels(series, path), names).astype(seen.dtype, copy=False)
    if pages.dtype.kind == "f" and not np.isfinite(pages).all():
        raise DataError(f"{path.name} holds NaN or infinity", "Mend or remove it; every value must be finite.")
    return _flatten(pages) if alpha else pages


def _series(file: Any, path: Path | Blob, axes: str | None) -> tuple[Any, str]:
    if not file.series:
        raise DataError(f"{path.name} holds no picture", "Check how it was written.")
    series = file.series[0]
    shape, names = series.shape, series.axes.upper()
    stored = path.stat().st_size
    believable(path.name, math.prod(shape) * series.dtype.itemsize, stored)
    if str(series.dtype) not in _KEPT:
        raise DataError(f"{path.name} holds {series.dtype} values", "Save it as 8 or 16 bits, or as float.")
    if axes is not None:
        names = _asked(axes, len(shape))
    if len(names) != len(shape) or names.count("Y") != 1 or names.count("X") != 1:
        raise DataError(f"the axes of {path.name} are {names or 'unnamed'}", 'Name them, as in axes="ZYX".')
    return series, names


def _asked(axes: str, count: int) -> str:
    """Axes as a user writes them: N, H and W are understood as well."""
    names = axes.upper().translate(str.maketrans("NHW", "QYX"))
    if len(names) != count:
        raise UsageError(f"axes {axes!r} names {len(names)} axes, the file has {count}", "Name each axis once.")
    return names


def _look(series: Any, names: str, alpha: bool) -> Look:
    sizes = dict(zip(names, series.shape, strict=True))
    channels = sizes.get("C", 1) * sizes.get("S", 1) - alpha
    pages = math.prod(n for axis, n in zip(names, series.shape, strict=True) if axis not in "CSYX")
    if not pages or not channels or not sizes["Y"] or not sizes["X"]:
        raise ValueError("it holds no pixels")
    return Look(sizes["Y"], sizes["X"], channels, _KEPT[str(series.dtype)], pages)


def _pixels(series: Any, path: Path | Blob) -> np.ndarray:
    stored = path.stat().st_size
    for page in series.pages:
        # the buffer for a strip or tile is taken before anybody notices that the file is shorter
        believable(path.name, max(getattr(page, "databytecounts", ()), default=0), stored, squeezed=False)
    try:
        return series.asarray(maxworkers=1)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        scheme = getattr(series.keyframe.compression, "name", "its")
        remedy = "Install imagecodecs (pip install imagecodecs), or save the file with no or zlib compression."
        raise DataError(f"{path.name} is packed with {scheme} compression", remedy) from error


def _arrange(pixels: np.ndarray, names: str) -> np.ndarray:
    order = sorted(range(len(names)), key=lambda i: ("CSYX".find(names[i]), i))
    pixels = pixels.transpose(order)
    colours = sum(axis in "CS" for axis in names)
    height, width = pixels.shape[-2:]
    channels = math.prod(pixels.shape[pixels.ndim - 2 - colours : -2])
    return pixels.reshape(-1, channels, height, width)


def _alpha(series: Any, names: str) -> bool:
    extra = tuple(getattr(series.keyframe, "extrasamples", ()) or ())
    samples = dict(zip(names, series.shape, strict=True)).get("S", 1)
    return samples in (2, 4) and "C" not in names and bool(extra) and int(extra[-1]) in _ALPHA


def _flatten(pages: np.ndarray) -> np.ndarray:
    """Without alpha, laid over black where it is not opaque."""
    colour, alpha = pages[:, :-1], pages[:, -1:]
    if pages.dtype.kind == "f":
        return colour * alpha
    top = int(np.iinfo(pages.dtype).max)
    if alpha.min() == top:
        return colour
    return ((colour.astype(np.uint32) * alpha + top // 2) // top).astype(pages.dtype)
