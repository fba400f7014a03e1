"""Pictures above what a model makes of them, with a frame round those that a judge no longer knows."""

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

__all__ = ["CORRECTED", "WRONG", "Judged", "redrawn_grid"]

WRONG, CORRECTED = PALETTE[3], PALETTE[2]
"""Red and green that the colour-blind can tell apart."""

_CELL, _GAP, _FRAME, _SMALL, _TITLES, _BETWEEN, _NARROWEST = 60, 12, 3, 11, 13, 8, 480
_ROWS = ("class", "picture", "redrawn", "seen as")
_ITSELF = ("before they were redrawn", "the picture itself")


@dataclass(frozen=True)
class Judged:
    """The true class of a picture, and what the judge takes it for: itself, and redrawn."""

    truth: str
    before: str
    after: str

    @property
    def ink(self) -> str | None:
        """Red where the redrawn picture is taken for another class, green where only the picture itself was."""
        return WRONG if self.after != self.truth else CORRECTED if self.before != self.truth else None


def redrawn_grid(
    pictures: Any,
    redrawn: Any,
    judged: Sequence[Judged],
    columns: int = 10,
    *,
    title: str = "",
    subtitle: str = "",
    before: tuple[str, str] = _ITSELF,
) -> Image.Image:
    """Pairs in blocks of `columns`; what the judge sees is written only where there is a frame.

    `before` says in words when and as what the judge saw the pictures `before`: themselves, unless it is said.
    """
    above, below = to_rgb(pictures), to_rgb(redrawn)
    n, height, width = above.shape[:3]
    if n == 0 or above.shape != below.shape or len(judged) != n:
        raise UsageError(f"{n} pictures, {len(below)} redrawn and {len(judged)} judged make no pairs")
    cell, columns = cell_of(height, width, _CELL), min(n, columns)
    names = max(text_width(name, _TITLES) for name in _ROWS) + 12
    line = text_height(_SMALL)
    block = 2 * line + 2 * (cell[1] + _BETWEEN) + _GAP
    inner = max(names + columns * (cell[0] + _GAP) - _GAP, _NARROWEST)
    top = MARGIN + heading_height(title, subtitle, inner)
    blocks = math.ceil(n / columns)
    sheet = Canvas(inner + 2 * MARGIN, top + blocks * block + 2 * (line + 6) + MARGIN, 2)
    heading(sheet, MARGIN, MARGIN, title, subtitle, inner)
    for b in range(blocks):
        _titles(sheet, MARGIN + names - 12, top + b * block, line, cell[1])
    for i, one in enumerate(judged):
        left, up = MARGIN + names + i % columns * (cell[0] + _GAP), top + i // columns * block
        _pair(sheet, above[i], below[i], one, left, up, cell)
    _legend(sheet, judged, before, MARGIN + names, top + blocks * block)
    return sheet.finished()


def _titles(sheet: Canvas, right: float, top: float, line: int, high: int) -> None:
    """What the rows of a block are."""
    second = top + line + high + _BETWEEN
    places = (top + line / 2 - 2, top + line + high / 2, second + high / 2, second + high + _FRAME + line / 2)
    for name, middle in zip(_ROWS, places, strict=True):
        small = name in ("class", "seen as")
        sheet.text(right, middle, name, _SMALL if small else _TITLES, FAINT if small else TEXT, "rm")


def _pair(
    sheet: Canvas, picture: np.ndarray, back: np.ndarray, one: Judged, left: float, top: float, cell: tuple[int, int]
) -> None:
    line, middle, room = text_height(_SMALL), left + cell[0] / 2, cell[0] + _GAP - 4
    sheet.text(middle, top + line / 2 - 2, fitted(one.truth, _SMALL, room), _SMALL, FAINT, "mm")
    first, second = top + line, top + line + cell[1] + _BETWEEN
    _framed(sheet, picture, left, first, cell, None)
    _framed(sheet, back, left, second, cell, one.ink)
    if one.ink:
        words = fitted(one.after, _SMALL, room)
        sheet.text(middle, second + cell[1] + _FRAME + line / 2, words, _SMALL, one.ink, "mm")


def _framed(
    sheet: Canvas, picture: np.ndarray, left: float, top: float, cell: tuple[int, int], ink: str | None
) -> None:
    fine, wide = sheet.finer, _FRAME if ink else 1
    image, size = Image.fromarray(picture), (cell[0] * sheet.finer, cell[1] * sheet.finer)
    kind = Image.Resampling.NEAREST if image.width <= size[0] else Image.Resampling.LANCZOS
    sheet.box(left - wide, top - wide, left + cell[0] + wide, top + cell[1] + wide, ink or GRID)
    sheet.image.paste(image.resize(size, kind), (round(left * fine), round(top * fine)))


def _legend(sheet: Canvas, judged: Sequence[Judged], before: tuple[str, str], left: float, top: float) -> None:
    """What frames mean, and how many there are."""
    lost = sum(one.ink == WRONG for one in judged)
    found = sum(one.ink == CORRECTED for one in judged)
    doubtful = sum(one.ink == WRONG and one.before != one.truth for one in judged)
    also = f"; {doubtful} of these {before[0]}, too" if doubtful else ""
    lines = {
        WRONG: f"taken for another class ({lost} of {len(judged)}{also})",
        CORRECTED: f"taken for its class, as {before[1]} was not ({found})",
    }
    for number, (ink, words) in enumerate(lines.items()):
        y = top + number * (text_height(_SMALL) + 6) + 4
        sheet.box(left, y, left + 12, y + 12, ink)
        sheet.box(left + _FRAME, y + _FRAME, left + 12 - _FRAME, y + 12 - _FRAME, "#ffffff")
        sheet.text(left + 20, y + 6, fitted(words, _SMALL, sheet.width - left - 20 - MARGIN), _SMALL, TEXT, "lm")
