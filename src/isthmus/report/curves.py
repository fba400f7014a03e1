"""How numbers change over training."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from isthmus.errors import UsageError
from isthmus.report.axes import MARGIN, Axis, Legend, frame, heading, heading_height
from isthmus.report.style import PAPER, Canvas, colours

__all__ = ["curves", "training_curves"]

_WIDTH, _HEIGHT = 520, 300


def curves(
    series: dict[str, Any],
    *,
    title: str = "",
    subtitle: str = "",
    x_label: str = "epoch",
    y_label: str = "",
    log: bool | None = None,
    log_x: bool = False,
    marks: Sequence[float] = (),
) -> Image.Image:
    """One line a series: a sequence of values (then x is 1, 2, 3 ...), or a pair of x and y.

    `log` makes the y axis logarithmic; unsaid, it is where all values are positive and span more than a factor 30.
    `log_x` makes the x axis so.
    NaN breaks a line. `marks` are vertical lines, where phases begin.
    """
    lines = {name: _pair(values) for name, values in series.items()}
    if not lines:
        raise UsageError("there are no curves to draw")
    heights = np.concatenate([y for _, y in lines.values()])
    across = Axis.over(np.concatenate([x for x, _ in lines.values()]), room=0.01, log=log_x)
    up = Axis.over(heights, log=_wants_log(heights) if log is None else log, room=0.05).laid(0, _HEIGHT, True)
    y_label = f"{y_label}, log scale" if y_label and up.log else y_label
    legend = Legend(list(lines), colours(len(lines)), _HEIGHT) if len(lines) > 1 else None
    left = MARGIN + up.room_for_names() + 10 + (24 if y_label else 0)
    width = left + _WIDTH + (legend.width + 18 if legend else 0) + MARGIN
    top = MARGIN + heading_height(title, subtitle, width - 2 * MARGIN)
    canvas = Canvas(width, top + _HEIGHT + 26 + (22 if x_label else 0) + MARGIN, 3)
    heading(canvas, MARGIN, MARGIN, title, subtitle, width - 2 * MARGIN)
    across.laid(left, _WIDTH)
    if x_label == "epoch":
        across.ticks = [tick for tick in across.ticks if tick == round(tick)]
    frame(canvas, across, up.laid(top, _HEIGHT, upwards=True), x_label, y_label)
    for mark in across.at(list(marks)):
        canvas.line([(mark, top), (mark, top + _HEIGHT)], "#b0b0b0", 1)
    for (x, y), ink in zip(lines.values(), colours(len(lines)), strict=True):
        _stroke(canvas, across.at(x), up.at(y), ink)
    if legend:
        legend.draw(canvas, left + _WIDTH + 18, top, strokes=True)
    return canvas.finished()


def _pair(values: Any) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(values, tuple) and len(values) == 2 and np.ndim(values[0]) == 1:
        x, y = (np.asarray(v, np.float64) for v in values)
    else:
        y = np.asarray(values, np.float64)
        x = np.arange(1, len(y) + 1, dtype=np.float64)
    if x.shape != y.shape:
        raise UsageError(f"{len(x)} places and {len(y)} values make no curve")
    return x, y


def _wants_log(y: np.ndarray) -> bool:
    y = y[np.isfinite(y)]
    return bool(y.size and y.min() > 0 and y.max() / y.min() > 30)


def _stroke(canvas: Canvas, x: np.ndarray, y: np.ndarray, ink: tuple[int, int, int]) -> None:
    """A line through what is finite, piece by piece; a value alone, or few of them, are dots too."""
    whole = np.isfinite(x) & np.isfinite(y)
    pieces = np.split(np.arange(len(x)), np.flatnonzero(~whole))
    for piece in pieces:
        piece = piece[whole[piece]]
        if len(piece) > 1:
            canvas.line([(x[i], y[i]) for i in piece], ink, 2)
        if len(piece) == 1 or whole.sum() <= 12:
            for i in piece:
                canvas.dot(x[i], y[i], 2.8, ink)


def training_curves(history: Sequence[dict[str, Any]], title: str = "training") -> Image.Image:
    """A panel for each term in the lines of a run's `history.jsonl`: every player's, and the validation pictures'."""
    panels: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    phases = [line.get("phase") for line in history]
    for epoch, line in enumerate(history, 1):
        whose = dict(line.get("players", {}))
        if line.get("validation"):
            whose["validation"] = line["validation"]
        for name, terms in whose.items():
            for term, value in terms.items():
                x, y = panels.setdefault(term, {}).setdefault(name, ([], []))
                x.append(float(epoch))
                y.append(math.nan if value is None else float(value))
    if not panels:
        raise UsageError("the history is empty", "Train for at least one epoch.")
    starts = [i + 0.5 for i in range(1, len(phases)) if phases[i] != phases[i - 1]]
    return _sheet([curves(s, title=f"{title}: {term}", marks=starts) for term, s in panels.items()])


def _sheet(images: list[Image.Image]) -> Image.Image:
    """Two beside each other, row by row."""
    columns = min(2, len(images))
    width, height = max(i.width for i in images), max(i.height for i in images)
    sheet = Image.new("RGB", (width * columns, height * math.ceil(len(images) / columns)), PAPER)
    for i, image in enumerate(images):
        sheet.paste(image, (width * (i % columns), height * (i // columns)))
    return sheet
