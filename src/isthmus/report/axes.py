"""The frame of a plot: where numbers lie on the paper, the ticks that say so, the words around it."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from isthmus.report.style import (
    FAINT,
    GRID,
    TEXT,
    Canvas,
    Ink,
    fitted,
    nice_ticks,
    number,
    text_height,
    text_width,
    wrapped,
)

__all__ = ["MARGIN", "Axis", "Legend", "frame", "heading", "heading_height", "png", "subtitle_lines"]

_TITLE, _SUBTITLE, MARGIN = 17, 12, 16


@dataclass
class Axis:
    """Numbers from `low` to `high` along `pixels` of paper that begin at `start`; a vertical one runs upwards."""

    low: float
    high: float
    start: float = 0.0
    pixels: float = 1.0
    log: bool = False
    upwards: bool = False
    ticks: list[float] = field(default_factory=list)

    @classmethod
    def over(cls, values: np.ndarray, log: bool = False, room: float = 0.04, zero: bool = False) -> "Axis":
        """An axis that holds all finite values with some room; one value alone gets a range around it."""
        values = np.asarray(values, np.float64).ravel()
        values = values[np.isfinite(values) & ((values > 0) | (not log))]
        low, high = (float(values.min()), float(values.max())) if values.size else (0.1 if log else 0.0, 1.0)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if log:
            low, high = math.log10(low), math.log10(high)
        if high - low <= 1e-12 * max(abs(low), abs(high), 1e-290):
            low, high = (low - 0.5, high + 0.5) if log or low == 0 else (low - abs(low) / 2, high + abs(high) / 2)
        pad = (high - low) * room
        low, high = (low if zero and low == 0 else low - pad), (high if zero and high == 0 else high + pad)
        return cls(low, high, log=log)

    def laid(self, start: float, pixels: float, upwards: bool = False) -> "Axis":
        """Put it on the paper and choose its ticks."""
        self.start, self.pixels, self.upwards = start, pixels, upwards
        for most in range(max(2, min(9, int(pixels / (36 if upwards else 60)))), 0, -1):
            self.ticks = _log_ticks(self.low, self.high, most) if self.log else nice_ticks(self.low, self.high, most)
            if upwards or self.room_for_names() + 14 <= pixels / max(1, len(self.ticks)):
                break
        return self

    def at(self, values: np.ndarray | Sequence[float] | float) -> np.ndarray:
        """The place on the paper; NaN for what has none."""
        values = np.asarray(values, np.float64)
        if self.log:
            values = np.log10(np.where(values > 0, values, np.nan))
        share = (values - self.low) / (self.high - self.low)
        return self.start + self.pixels * (1 - share if self.upwards else share)

    def names(self) -> list[str]:
        step = None if self.log or len(self.ticks) < 2 else self.ticks[1] - self.ticks[0]
        return [number(tick, step) for tick in self.ticks]

    def room_for_names(self, size: int = 11) -> int:
        return max((text_width(name, size) for name in self.names()), default=0)


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """Powers of ten, with 2 and 5 between them where there is room, or round numbers inside less than one decade."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    for parts in ((1, 2, 5), (1, 3), (1,)):
        found = [p * 10.0**d for d in decades for p in parts if low - 1e-9 <= math.log10(p * 10.0**d) <= high + 1e-9]
        if len(found) <= most:
            break
    if len(found) < 2:
        return nice_ticks(10**low, 10**high, most)
    return found[:: math.ceil(len(found) / most)]


def frame(canvas: Canvas, across: Axis, up: Axis, x_label: str = "", y_label: str = "", lines: bool = True) -> None:
    """Grid lines, tick names and axis titles around the area that the two axes span."""
    left, right, top, bottom = across.start, across.start + across.pixels, up.start, up.start + up.pixels
    for value, name in zip(up.at(up.ticks), up.names(), strict=True):
        if lines:
            canvas.line([(left, value), (right, value)], GRID)
        canvas.text(left - 7, value, name, 11, FAINT, "rm")
    for value, name in zip(across.at(across.ticks), across.names(), strict=True):
        canvas.line([(value, bottom), (value, bottom + 4)], FAINT)
        half = text_width(name, 11) / 2
        canvas.text(min(value, canvas.width - 4 - half), bottom + 7, name, 11, FAINT, "ma")
    canvas.line([(left, bottom), (right, bottom)], FAINT)
    if x_label:
        canvas.text((left + right) / 2, bottom + 25, fitted(x_label, 12, across.pixels), 12, TEXT, "ma")
    if y_label:
        middle = left - 7 - up.room_for_names() - 14
        canvas.upright(middle, (top + bottom) / 2, fitted(y_label, 12, up.pixels), 12)


class Legend:
    """Names with their colours in as many columns as they need beside the plot; what finds no room is counted."""

    def __init__(self, names: Sequence[str], inks: Sequence[Ink], height: float, size: int = 12) -> None:
        self.size = size if len(names) * (text_height(size) + 3) <= height else 10
        self.step = text_height(self.size) + 3
        self.rows = max(1, int(height // self.step))
        room = self.rows * 4
        widest = 170 if len(names) <= self.rows else 110
        self.entries: list[tuple[str, Ink | None]] = list(
            zip([fitted(n, self.size, widest) for n in names], inks, strict=True)
        )
        if len(self.entries) > room:
            rest = len(self.entries) - room + 1
            self.entries = [*self.entries[: room - 1], (f"and {rest} more", None)]
        self.columns = [self.entries[i : i + self.rows] for i in range(0, len(self.entries), self.rows)]
        self.widths = [20 + max(text_width(name, self.size) for name, _ in column) + 12 for column in self.columns]
        self.width = sum(self.widths)

    def draw(self, canvas: Canvas, left: float, top: float, strokes: bool = False) -> None:
        for column, width in zip(self.columns, self.widths, strict=True):
            for row, (name, ink) in enumerate(column):
                y = top + (row + 0.5) * self.step
                if ink is not None and strokes:
                    canvas.line([(left, y), (left + 14, y)], ink, 2.5)
                elif ink is not None:
                    canvas.dot(left + 7, y, 4.5, ink)
                canvas.text(left + 20, y, name, self.size, TEXT, "lm")
            left += width


def subtitle_lines(text: str, width: float) -> list[str]:
    return wrapped(text, _SUBTITLE, width) if text else []


def heading_height(title: str, subtitle: str, width: float) -> int:
    """How much paper title and subtitle take, their distance to the plot included."""
    lines = len(wrapped(title, _TITLE, width, 2)) * (text_height(_TITLE) + 2) if title else 0
    return (
        lines + len(subtitle_lines(subtitle, width)) * (text_height(_SUBTITLE) + 2) + (10 if title or subtitle else 0)
    )


def heading(canvas: Canvas, left: float, top: float, title: str, subtitle: str, width: float) -> None:
    """Title and, fainter, what belongs under it: never wider than `width`."""
    for line in wrapped(title, _TITLE, width, 2) if title else []:
        canvas.text(left, top, line, _TITLE)
        top += text_height(_TITLE) + 2
    for line in subtitle_lines(subtitle, width):
        canvas.text(left, top, line, _SUBTITLE, FAINT)
        top += text_height(_SUBTITLE) + 2


def png(image: Image.Image) -> bytes:
    """The file's bytes, for a run folder that writes atomically."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
