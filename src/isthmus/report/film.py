"""Designs as they come about: what was asked, a strip of the way, and what guides and judge say of where it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from isthmus.errors import UsageError
from isthmus.report.axes import MARGIN, heading, heading_height
from isthmus.report.grid import to_rgb
from isthmus.report.style import FAINT, GRID, TEXT, Canvas, cell_of, fitted, text_height

__all__ = ["Strip", "contact_sheet", "film_strips", "framed"]

_CELL, _GAP, _WORDS, _BETWEEN = 64, 4, 11, 12
_MET, _NOT = "#009e73", "#d55e00"
_NARROWEST = 360


@dataclass(frozen=True)
class Strip:
    """One design's way: pictures, the last of them the design; `words` beside it; whether it is what was asked."""

    pictures: Any
    words: Sequence[str]
    met: bool


def contact_sheet(
    pictures: Any, words: Sequence[str], met: Sequence[bool], *, title: str = "", subtitle: str = ""
) -> Image.Image:
    """All designs with a line of words under each, framed green where they are what was asked and red where not."""
    rgb = to_rgb(pictures)
    n, height, width = rgb.shape[:3]
    if n == 0 or not len(words) == len(met) == n:
        raise UsageError(f"{n} pictures, {len(words)} lines and {len(met)} answers make no sheet")
    cell = cell_of(height, width, _CELL)
    wide, tall = cell[0] + 8, cell[1] + 8 + text_height(_WORDS)
    columns = max(1, min(n, round((1.5 * n * tall / wide) ** 0.5)))
    inner = max(columns * (wide + _GAP) - _GAP, _NARROWEST)
    first = MARGIN + heading_height(title, subtitle, inner)
    lines = -(-n // columns)
    sheet = Canvas(inner + 2 * MARGIN, first + lines * (tall + _GAP) + MARGIN, 2)
    heading(sheet, MARGIN, MARGIN, title, subtitle, inner)
    for i in range(n):
        left, top = MARGIN + (i % columns) * (wide + _GAP), first + (i // columns) * (tall + _GAP)
        framed(sheet, rgb[i], left + 4, top + 3, cell, _MET if met[i] else _NOT)
        line = fitted(words[i], _WORDS, wide)
        sheet.text(left + 4 + cell[0] / 2, top + cell[1] + 6, line, _WORDS, FAINT, "ma")
    return sheet.finished()


def film_strips(strips: Sequence[Strip], *, frames: int = 10, title: str = "", subtitle: str = "") -> Image.Image:
    """A row each: from where it started to the design, at most `frames` pictures spread over the steps."""
    if not strips:
        raise UsageError("there are no designs to show")
    rows = [_chosen(to_rgb(strip.pictures), frames) for strip in strips]
    height, width = rows[0][0].shape[1:3]
    cell, room = cell_of(height, width, _CELL), 230
    longest = max(len(row) for row, _ in rows)
    inner = max(longest * (cell[0] + _GAP) + room, _NARROWEST)
    first = MARGIN + heading_height(title, subtitle, inner)
    tall = cell[1] + _BETWEEN
    sheet = Canvas(inner + 2 * MARGIN, first + len(rows) * tall + MARGIN, 2)
    heading(sheet, MARGIN, MARGIN, title, subtitle, inner)
    for number, ((row, _), strip) in enumerate(zip(rows, strips, strict=True)):
        top = first + number * tall
        for place, picture in enumerate(row):
            last = place == len(row) - 1
            frame = (_MET if strip.met else _NOT) if last else GRID
            framed(sheet, picture, MARGIN + place * (cell[0] + _GAP) + 2, top + 2, cell, frame)
        beside = MARGIN + len(row) * (cell[0] + _GAP) + 10
        for line, words in enumerate(strip.words):
            shown = fitted(words, _WORDS, sheet.width - beside - MARGIN)
            sheet.text(beside, top + 2 + line * text_height(_WORDS), shown, _WORDS, TEXT if line == 0 else FAINT)
    return sheet.finished()


def _chosen(row: np.ndarray, frames: int) -> tuple[np.ndarray, int]:
    """Frames spread evenly over the way, the first and the last among them."""
    places = np.unique(np.linspace(0, len(row) - 1, min(frames, len(row))).round().astype(int))
    return row[places], len(row)


def framed(sheet: Canvas, picture: np.ndarray, x: float, y: float, cell: tuple[int, int], frame: str) -> None:
    """A picture of `(h, w, 3)` bytes on the sheet, as large as `cell`, with a frame of two pixels around it."""
    fine = sheet.finer
    image = Image.fromarray(picture)
    larger = image.width <= cell[0] * fine
    size = (cell[0] * fine, cell[1] * fine)
    image = image.resize(size, Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS)
    sheet.box(x - 2, y - 2, x + cell[0] + 2, y + cell[1] + 2, frame)
    sheet.image.paste(image, (round(x * fine), round(y * fine)))
