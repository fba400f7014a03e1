"""Pictures side by side."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from isthmus.errors import UsageError
from isthmus.report.style import GRID, PALETTE, Canvas, fitted, text_height, text_width

__all__ = ["comparison_grid", "picture_grid", "to_rgb"]

_CELL, _GAP, _MARGIN, _SMALL, _TITLE = 64, 3, 14, 12, 15


def to_rgb(pictures: Any) -> np.ndarray:
    """`(n, h, w, 3)` bytes from `(n, c, h, w)` or `(n, h, w)` in [0, 1]; what lies beyond is cut, NaN is magenta.

    One channel is grey, three are red, green and blue, two are red and cyan as microscopists overlay them, and more
    than three are laid over each other in the palette's colours, each channel stretched to its own largest value.
    """
    x = np.asarray(pictures.detach().cpu() if hasattr(pictures, "detach") else pictures)
    x = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x.astype(np.float32)
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim != 4:
        raise UsageError(f"an array of shape {x.shape} holds no pictures", "Give (n, c, h, w) or (n, h, w).")
    lost = np.isnan(x).any(axis=1)
    x = np.nan_to_num(x, nan=0.0, posinf=1.0, neginf=0.0)
    mixed = _mixed(x).clip(0, 1)
    mixed[lost] = (1.0, 0.0, 1.0)
    return np.rint(mixed * 255).astype(np.uint8)


def _mixed(x: np.ndarray) -> np.ndarray:
    """Channels to red, green and blue, last."""
    channels = x.shape[1]
    if channels in (1, 3):
        return np.repeat(x.transpose(0, 2, 3, 1), 3 // channels, axis=3)
    if channels == 2:
        return x[:, [0, 1, 1]].transpose(0, 2, 3, 1)
    ink = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in PALETTE], np.float32)
    ink = ink[np.arange(channels) % len(ink)]
    tops = np.maximum(x.max(axis=(0, 2, 3), initial=0), 1e-6)
    whole = np.einsum("nchw,ck->nhwk", x.clip(0) / tops[:, None, None], ink)
    return whole / max(1.0, float(np.quantile(whole, 0.999)))


def picture_grid(
    pictures: Any,
    columns: int | None = None,
    scale: int | None = None,
    labels: Sequence[str] | None = None,
    title: str = "",
) -> Image.Image:
    """All pictures, row by row; tiny ones are enlarged pixel by pixel, so that an 8x8 digit is seen well."""
    rgb = to_rgb(pictures)
    n, height, width = rgb.shape[:3]
    if n == 0:
        raise UsageError("there are no pictures to show")
    columns = min(n, columns or _columns(n, height, width))
    scale = scale or _scale(height, width)
    cell = (width * scale, height * scale)
    caption = text_height(_SMALL) + 2 if labels is not None else 0
    top = _MARGIN + (text_height(_TITLE) + 6 if title else 0)
    rows = math.ceil(n / columns)
    inner = columns * (cell[0] + _GAP) - _GAP
    sheet = Canvas(inner + 2 * _MARGIN, top + rows * (cell[1] + caption + _GAP) - _GAP + _MARGIN, 1)
    sheet.text(_MARGIN, _MARGIN, fitted(title, _TITLE, inner), _TITLE)
    for i in range(n):
        x = _MARGIN + (i % columns) * (cell[0] + _GAP)
        y = top + (i // columns) * (cell[1] + caption + _GAP)
        _paste(sheet, rgb[i], x, y, scale)
        if labels is not None and i < len(labels):
            sheet.text(x + cell[0] / 2, y + cell[1] + 2, fitted(labels[i], _SMALL, cell[0]), _SMALL, anchor="ma")
    return sheet.finished()


def comparison_grid(
    rows: dict[str, Any], columns: int | None = None, scale: int | None = None, title: str = ""
) -> Image.Image:
    """The same pictures seen several ways, one way a row with its name before it; more columns wrap as blocks."""
    drawn = {name: to_rgb(pictures) for name, pictures in rows.items()}
    shapes = {value.shape for value in drawn.values()}
    if len(shapes) != 1 or 0 in next(iter(shapes)):
        raise UsageError(f"rows of different pictures: {sorted(shapes)}", "Give every row the same pictures.")
    n, height, width = next(iter(shapes))[:3]
    scale, columns = scale or _scale(height, width), min(n, columns or 12)
    cell, blocks = (width * scale, height * scale), math.ceil(n / columns)
    longest = min(190, max(text_width(name, 13) for name in drawn))
    left = _MARGIN + longest + 10
    top = _MARGIN + (text_height(_TITLE) + 6 if title else 0)
    block = len(drawn) * (cell[1] + _GAP) + 10
    inner = columns * (cell[0] + _GAP) - _GAP
    sheet = Canvas(left + inner + _MARGIN, top + blocks * block - 10 - _GAP + _MARGIN, 1)
    sheet.text(_MARGIN, _MARGIN, fitted(title, _TITLE, longest + 10 + inner), _TITLE)
    for r, (name, pictures) in enumerate(drawn.items()):
        for b in range(blocks):
            y = top + b * block + r * (cell[1] + _GAP)
            sheet.text(left - 10, y + cell[1] / 2, fitted(name, 13, longest), 13, anchor="rm")
            for i, picture in enumerate(pictures[b * columns : (b + 1) * columns]):
                _paste(sheet, picture, left + i * (cell[0] + _GAP), y, scale)
    return sheet.finished()


def _scale(height: int, width: int) -> int:
    return max(1, round(_CELL / max(height, width)))


def _columns(n: int, height: int, width: int) -> int:
    """Near to a square, a little wider than high, with full rows where a number close by makes them so."""
    wish = max(1.0, math.sqrt(n * 1.2 * height / width))
    near = [c for c in range(max(1, math.ceil(wish * 0.75)), math.floor(wish * 1.35) + 1) if n % c == 0]
    return min(near, key=lambda c: abs(c - wish)) if near else round(wish)


def _paste(sheet: Canvas, picture: np.ndarray, x: int, y: int, scale: int) -> None:
    image = Image.fromarray(picture)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    sheet.box(x - 1, y - 1, x + image.width + 1, y + image.height + 1, GRID)
    sheet.image.paste(image, (x, y))
