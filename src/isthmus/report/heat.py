"""Heat maps over pictures, and a sheet of odd pictures: what was seen, what was expected, where they differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from isthmus.errors import UsageError
from isthmus.report.axes import MARGIN, heading, heading_height
from isthmus.report.grid import to_rgb
from isthmus.report.style import FAINT, GRID, PALETTE, TEXT, Canvas, cell_of, fitted, text_height, text_width

__all__ = ["Card", "enlarged", "glowing", "heat_sheet"]

_HEAT = ("#ffffff", "#ffe9a8", "#fdb863", "#ee7a30", "#cb2f1f", "#6b0f1a")
"""From as usual to the oddest: darker and darker, so that the colour-blind and a grey printer tell them apart too."""
_CELL, _GAP, _BETWEEN, _WORDS, _LARGE = 88, 3, 18, 12, 280
_FAINTEST, _NARROWEST = 0.35, 560
_FLAG = PALETTE[3]


@dataclass(frozen=True)
class Card:
    """What stands under a picture; `flagged` gives it a dot."""

    name: str
    words: str
    flagged: bool = False


def glowing(pictures: Any, heat: np.ndarray, top: float) -> np.ndarray:
    """The heat of `(n, h, w)` over the pictures in faint grey, as `(n, h, w, 3)` bytes: 1 is white, `top` darkest."""
    grey = to_rgb(pictures).astype(np.float32).mean(axis=3) / 255
    dark = float(np.median(grey)) < 0.5  # what lies on a dark ground is drawn in negative: paper is white
    faint = 1 - _FAINTEST * (grey if dark else 1 - grey)
    return np.rint(255 * _inks((heat - 1) / max(top - 1, 1e-6)) * faint[..., None]).astype(np.uint8)


def heat_sheet(
    pictures: Any,
    redrawn: Any,
    heat: np.ndarray | None,
    cards: Sequence[Card],
    *,
    top: float = 2.0,
    title: str = "",
    subtitle: str = "",
) -> Image.Image:
    """For each picture a card: itself, and where `redrawn` and `heat` are given those beside it, one scale for all."""
    rows = [to_rgb(pictures)]
    if redrawn is not None and heat is not None:
        rows += [to_rgb(redrawn), glowing(pictures, heat, top)]
    n, height, width = rows[0].shape[:3]
    if n == 0 or len(cards) != n:
        raise UsageError(f"{n} pictures and {len(cards)} cards make no sheet")
    cell = cell_of(height, width, _CELL)
    wide = max(len(rows) * (cell[0] + _GAP) - _GAP, 130)
    tall = cell[1] + 6 + 2 * text_height(_WORDS)
    columns = max(1, min(n, round(math.sqrt(1.4 * n * (tall + _BETWEEN) / (wide + _BETWEEN)))))
    inner = max(columns * (wide + _BETWEEN) - _BETWEEN, _NARROWEST)
    first = MARGIN + heading_height(title, subtitle, inner)
    legend = 46 if len(rows) > 1 else 0
    lines = math.ceil(n / columns)
    sheet = Canvas(inner + 2 * MARGIN, first + lines * (tall + _BETWEEN) - _BETWEEN + legend + MARGIN, 2)
    heading(sheet, MARGIN, MARGIN, title, subtitle, inner)
    for i, card in enumerate(cards):
        left, up = MARGIN + (i % columns) * (wide + _BETWEEN), first + (i // columns) * (tall + _BETWEEN)
        for place, row in enumerate(rows):
            _paste(sheet, row[i], left + place * (cell[0] + _GAP), up, cell)
        _write(sheet, card, left, up + cell[1] + 5, wide)
    if legend:
        _scale(sheet, MARGIN, sheet.height - MARGIN - 30, top)
    return sheet.finished()


def enlarged(picture: np.ndarray) -> Image.Image:
    """A picture of `(h, w, 3)` bytes; a tiny one by a whole number, so that it is seen well."""
    image = Image.fromarray(picture)
    scale = max(1, round(_LARGE / max(image.size)))
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def _inks(share: np.ndarray) -> np.ndarray:
    """From 0 to 1 along the colours of heat, linear between them."""
    stops = np.array([[int(ink[i : i + 2], 16) / 255 for i in (1, 3, 5)] for ink in _HEAT], np.float32)
    place = np.nan_to_num(share, nan=0.0, posinf=1.0).clip(0, 1) * (len(stops) - 1)
    before = np.minimum(place.astype(int), len(stops) - 2)
    part = (place - before)[..., None]
    return np.asarray(stops[before] * (1 - part) + stops[before + 1] * part)


def _paste(sheet: Canvas, picture: np.ndarray, x: int, y: int, cell: tuple[int, int]) -> None:
    fine = sheet.finer
    image = Image.fromarray(picture)
    larger = image.width <= cell[0] * fine
    image = image.resize(
        (cell[0] * fine, cell[1] * fine), Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS
    )
    sheet.box(x - 1, y - 1, x + cell[0] + 1, y + cell[1] + 1, GRID)
    sheet.image.paste(image, (x * fine, y * fine))


def _write(sheet: Canvas, card: Card, left: float, top: float, wide: float) -> None:
    below = top + text_height(_WORDS) + 1
    sheet.text(left, top, fitted(card.name, _WORDS, wide), _WORDS)
    shift = 0
    if card.flagged:
        sheet.dot(left + 4, below + text_height(_WORDS) / 2, 3.5, _FLAG)
        shift = 12
    sheet.text(left + shift, below, fitted(card.words, _WORDS, wide - shift), _WORDS, TEXT if card.flagged else FAINT)


def _scale(sheet: Canvas, left: int, top: int, most: float) -> None:
    """The colours and what they say."""
    long = 180
    for step in range(long):
        red, green, blue = (round(255 * float(v)) for v in _inks(np.array(step / (long - 1))))
        sheet.box(left + step, top, left + step + 1, top + 10, (red, green, blue))
    edge = [(left, top), (left + long, top), (left + long, top + 10), (left, top + 10), (left, top)]
    sheet.line(edge, GRID)
    sheet.text(left, top + 14, "as usual", 11, FAINT)
    sheet.text(left + long, top + 14, f"{most:.1f} times or more", 11, FAINT, "ra")
    room = sheet.width - 2 * left - long - 14
    words = fitted("how much worse it is redrawn than normal pictures are at that place", 11, room)
    sheet.text(left + long + 14, top + 5, words, 11, FAINT, "lm")
    after = left + long + 14 + text_width(words, 11) + 26
    if after + text_width("flagged", 11) < sheet.width - left:
        sheet.dot(after - 8, top + 5, 3.5, _FLAG)
        sheet.text(after, top + 5, "flagged", 11, FAINT, "lm")
