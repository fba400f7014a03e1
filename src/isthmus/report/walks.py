"""Walks through a latent space as a sheet: a row for each direction; and pictures beside those that are like them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from isthmus.errors import UsageError
from isthmus.report.axes import MARGIN, heading, heading_height
from isthmus.report.film import framed
from isthmus.report.grid import to_rgb
from isthmus.report.style import FAINT, GRID, PALETTE, TEXT, Canvas, cell_of, fitted, text_height, text_width

__all__ = ["Likeness", "Walk", "likeness_sheet", "walk_sheet"]

_CELL, _LARGER, _GAP, _NAME, _WORDS, _ROOM, _BETWEEN = 64, 84, 5, 13, 11, 190, 8
_NARROWEST = 420


@dataclass(frozen=True)
class Walk:
    """One row: its name, lines of words under that, the pictures, and what stands under some of them, by place."""

    name: str
    words: Sequence[str]
    pictures: Any
    under: dict[int, str]


@dataclass(frozen=True)
class Likeness:
    """A picture, first, and those that are like it; `captions` are a few lines for each of them."""

    pictures: Any
    captions: Sequence[Sequence[str]]


def walk_sheet(walks: Sequence[Walk], marked: int | None = None, *, title: str = "", subtitle: str = "") -> Image.Image:
    """A row each, its name on the left; the picture at the place `marked` of every row has a frame."""
    if not walks:
        raise UsageError("there are no walks to show")
    rows = [to_rgb(walk.pictures) for walk in walks]
    height, width = rows[0].shape[1:3]
    cell, longest = cell_of(height, width, _CELL), max(map(len, rows))
    lines = [[fitted(line, _WORDS, _ROOM) for line in walk.words] for walk in walks]
    room = max(text_width(t, s) for w, ls in zip(walks, lines, strict=True) for t, s in _texts(w.name, ls)) + 14
    inner = max(room + longest * (cell[0] + _GAP), _NARROWEST)
    first = MARGIN + heading_height(title, subtitle, inner)
    tall = cell[1] + text_height(_WORDS) + _BETWEEN
    sheet = Canvas(inner + 2 * MARGIN, first + len(rows) * tall + MARGIN, 2)
    heading(sheet, MARGIN, MARGIN, title, subtitle, inner)
    for number, (row, walk) in enumerate(zip(rows, walks, strict=True)):
        top = first + number * tall
        _beside(sheet, walk.name, lines[number], top + cell[1] / 2)
        for place, picture in enumerate(row):
            left = MARGIN + room + place * (cell[0] + _GAP)
            framed(sheet, picture, left, top + 2, cell, PALETTE[3] if place == marked else GRID)
            if place in walk.under:
                sheet.text(left + cell[0] / 2, top + cell[1] + 4, walk.under[place], _WORDS, FAINT, "ma")
    return sheet.finished()


def likeness_sheet(likenesses: Sequence[Likeness], *, title: str = "", subtitle: str = "") -> Image.Image:
    """A row for each picture: it in a frame, then those like it, each over its id and other lines of words."""
    if not likenesses:
        raise UsageError("there are no pictures to show")
    rows = [to_rgb(one.pictures) for one in likenesses]
    height, width = rows[0].shape[1:3]
    cell, apart = cell_of(height, width, _LARGER), 14
    lines = max(len(caption) for one in likenesses for caption in one.captions)
    wide = max(cell[0], 76) + _GAP
    inner = max(max(map(len, rows)) * wide + apart, _NARROWEST)
    first = MARGIN + heading_height(title, subtitle, inner)
    tall = cell[1] + lines * text_height(_WORDS) + _BETWEEN + 6
    sheet = Canvas(inner + 2 * MARGIN, first + len(rows) * tall + MARGIN, 2)
    heading(sheet, MARGIN, MARGIN, title, subtitle, inner)
    for number, (row, one) in enumerate(zip(rows, likenesses, strict=True)):
        top = first + number * tall
        for place, picture in enumerate(row):
            middle = MARGIN + place * wide + wide / 2 + (apart if place else 0)
            frame = PALETTE[3] if place == 0 else GRID
            framed(sheet, picture, middle - cell[0] / 2, top + 2, cell, frame)
            for line, words in enumerate(one.captions[place]):
                below = top + cell[1] + 6 + line * text_height(_WORDS)
                said = fitted(words, _WORDS, wide - 4) if line else _end_of(words, wide - 4)
                sheet.text(middle, below, said, _WORDS, FAINT if line else TEXT, "ma")
    return sheet.finished()


def _end_of(words: str, width: float) -> str:
    """The end of a name tells pictures apart, their folder does not."""
    if text_width(words, _WORDS) <= width:
        return words
    while len(words) > 1 and text_width(f"…{words}", _WORDS) > width:
        words = words[1:]
    return f"…{words}"


def _texts(name: str, lines: Sequence[str]) -> list[tuple[str, int]]:
    return [(fitted(name, _NAME, _ROOM), _NAME), *((line, _WORDS) for line in lines)]


def _beside(sheet: Canvas, name: str, lines: Sequence[str], middle: float) -> None:
    """Name and words, as a block at half the height of the row."""
    texts = _texts(name, lines)
    top = middle - sum(text_height(size) for _, size in texts) / 2
    for place, (text, size) in enumerate(texts):
        sheet.text(MARGIN, top, text, size, FAINT if place else TEXT)
        top += text_height(size)
