"""Arrays as people have them, brought to one layout; what is ambiguous is refused by name, never guessed."""

from typing import Any

import numpy as np

from isthmus.errors import DataError, UsageError

__all__ = ["LAYOUTS", "canonical", "class_codes", "in_layout"]

LAYOUTS = ("NF", "NHW", "NCHW", "NHWC")
_CHANNELS = (1, 2, 3, 4)


def canonical(array: Any, axes: str | None = None) -> tuple[np.ndarray, str]:
    """`(n, c, h, w)` or `(n, features)` with the layout it came in; a torch tensor is taken as it is."""
    pixels = _as_numpy(array)
    layout = (axes or _guess(pixels.shape)).upper()
    if layout not in LAYOUTS:
        raise UsageError(f"axes is {axes!r}", f"Choose one of: {', '.join(LAYOUTS)}.")
    if len(layout) != pixels.ndim:
        raise UsageError(f"axes {layout} names {len(layout)} axes, the array has {pixels.ndim}", "Name each axis once.")
    if layout == "NHW":
        pixels = pixels[:, None]
    elif layout == "NHWC":
        pixels = pixels.transpose(0, 3, 1, 2)
    _refuse_bad_values(pixels)
    return pixels, layout


def in_layout(pixels: np.ndarray, layout: str) -> np.ndarray:
    """Pictures `(n, c, h, w)` back in the layout they came in."""
    if layout == "NF":
        return pixels.reshape(len(pixels), -1)
    if layout == "NHW":
        return pixels[:, 0]
    return pixels.transpose(0, 2, 3, 1) if layout == "NHWC" else pixels


def class_codes(y: Any, rows: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as codes into sorted class names; -1, NaN, None and "" are unknown. Fractions name no classes."""
    unknown = np.full(rows, -1, np.int64)
    if y is None:
        return unknown, ()
    values = np.asarray(y).reshape(-1)
    if len(values) != rows:
        raise DataError(f"there are {len(values)} labels for {rows} pictures", "Give one label a picture.")
    if values.dtype.kind == "f":
        known = np.isfinite(values)
        if not (values[known] == np.floor(values[known])).all():
            return unknown, ()
        values = np.where(known, values, -1).astype(np.int64)
    if values.dtype.kind in "iub":
        known = values.astype(np.int64) != -1
    else:
        known = np.array([not (v is None or v == "" or v != v) for v in values], dtype=bool)
        values = values.astype(str)
    classes, codes = np.unique(values[known], return_inverse=True)
    unknown[known] = codes
    return unknown, tuple(str(name) for name in classes)


def _as_numpy(array: Any) -> np.ndarray:
    if hasattr(array, "detach"):
        array = array.detach().cpu().numpy()
    pixels = array if isinstance(array, np.ndarray) else np.asarray(array)
    if pixels.dtype == bool:
        return pixels.astype(np.uint8)
    if np.iscomplexobj(pixels):
        raise DataError("Complex data not supported", "Give the modulus, or real and imaginary parts as two channels.")
    if pixels.dtype == object or pixels.dtype.kind in "SU":
        try:
            return pixels.astype(np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f"the array does not hold numbers ({error})", "Give an array of numbers.") from error
    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 2:
        return pixels
    return pixels if pixels.dtype == np.float32 else pixels.astype(np.float32)


def _guess(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return "NF"
    if len(shape) == 3:
        if shape[-1] in (3, 4) and shape[0] > 4 and shape[1] > 4:
            raise _ambiguous(shape, "one colour picture or many grey ones", 'axes="NHW" or add a first axis')
        return "NHW"
    if len(shape) == 4:
        first, last = shape[1] in _CHANNELS, shape[3] in _CHANNELS
        if first and last and shape[1:] != (1, 1, 1):
            raise _ambiguous(shape, "channels first or channels last", 'axes="NCHW" or axes="NHWC"')
        return "NHWC" if last or (not first and shape[3] < min(shape[1:3])) else "NCHW"
    raise UsageError(f"an array of shape {shape} has {len(shape)} axes", "Give (n, features) up to (n, c, h, w).")


def _ambiguous(shape: tuple[int, ...], either: str, remedy: str) -> UsageError:
    return UsageError(f"an array of shape {shape} is ambiguous: {either}", f"Say {remedy}.")


def _refuse_bad_values(pixels: np.ndarray) -> None:
    if pixels.dtype.kind != "f" or pixels.size == 0 or np.isfinite(pixels.sum(dtype=np.float64)):
        return
    for start in range(0, len(pixels), 4096):
        bad = ~np.isfinite(pixels[start : start + 4096]).reshape(len(pixels[start : start + 4096]), -1).all(axis=1)
        if bad.any():
            row = start + int(np.flatnonzero(bad)[0])
            raise DataError(f"picture {row} holds NaN or infinity", "Mend or remove it; every value must be finite.")
