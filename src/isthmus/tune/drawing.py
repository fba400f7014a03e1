"""Squared error against latent size: trials, the front, PCA, and the one that is recommended."""

from typing import Any

import numpy as np
from PIL import Image

from isthmus.report.axes import MARGIN, Axis, Legend, frame, heading, heading_height
from isthmus.report.style import FAINT, PALETTE, Canvas, Ink
from isthmus.tune.answer import Answer

__all__ = ["drawn"]

_WIDTH, _HEIGHT = 560, 340
_TRIAL, _FRONT, _PCA, _DEFAULT, _CHOSEN = "#bdbdbd", PALETTE[0], PALETTE[2], PALETTE[1], PALETTE[3]


def drawn(answer: Answer) -> Image.Image:
    """The plot, with the setting as its title and the reason under it."""
    done = [row for row in answer.rows if row.finished]
    sizes = np.array([row.measured["code"] for row in done])
    errors = np.array([row.measured["error"] for row in done])
    steps = np.unique(np.geomspace(1, len(answer.beside.pca) - 1, 120).round().astype(int))
    steps = steps[(steps >= sizes.min()) & (steps <= max(sizes.max(), sizes.min() + 1))]
    pca = answer.beside.pca[steps]
    across = Axis.over(np.concatenate([sizes, steps]), log=True)
    heights = np.concatenate([errors, pca])
    heights = heights[heights > 0]
    up = Axis.over(heights, log=bool(heights.max() / heights.min() > 8), room=0.06).laid(0, _HEIGHT, upwards=True)
    legend = Legend(*_key(answer), _HEIGHT)
    left = MARGIN + up.room_for_names() + 34
    width = left + _WIDTH + 18 + legend.width + MARGIN
    title, _, rest = answer.reason.partition(": ")
    top = MARGIN + heading_height(title, rest, width - 2 * MARGIN)
    canvas = Canvas(width, top + _HEIGHT + 48 + MARGIN, 3)
    heading(canvas, MARGIN, MARGIN, title, rest, width - 2 * MARGIN)
    frame(
        canvas, across.laid(left, _WIDTH), up.laid(top, _HEIGHT, True), "numbers in the code", "squared error a pixel"
    )
    _dimension(canvas, answer, across, top)
    canvas.line(list(zip(across.at(steps), up.at(pca), strict=True)), _PCA, 2)
    _dots(canvas, answer, across, up)
    legend.draw(canvas, left + _WIDTH + 18, top)
    return canvas.finished()


def _key(answer: Answer) -> tuple[list[str], list[Ink]]:
    names: list[str] = ["recommended", "default", "on the front", "other trials", "PCA"]
    inks: list[Ink] = [_CHOSEN, _DEFAULT, _FRONT, _TRIAL, _PCA]
    return names, inks


def _dimension(canvas: Canvas, answer: Answer, across: Axis, top: float) -> None:
    """Where the pictures' own dimension lies, if that is on the paper."""
    told = answer.beside.dimension
    if told is None:
        return
    at = float(across.at([told.value])[0])
    if across.start < at < across.start + across.pixels:
        canvas.line([(at, top), (at, top + _HEIGHT)], "#b0b0b0", 1)
        canvas.text(at + 5, top + 3, "dimension of the pictures", 11, FAINT)


def _dots(canvas: Canvas, answer: Answer, across: Axis, up: Axis) -> None:
    best = {row.number for row in answer.front}

    def dot(row: Any, radius: float, ink: Ink) -> None:
        x, y = (float(axis.at([row.measured[name]])[0]) for axis, name in ((across, "code"), (up, "error")))
        canvas.dot(x, y, radius + 1, "#ffffff")
        canvas.dot(x, y, radius, ink)

    done = [row for row in answer.rows if row.finished]
    for row in sorted(done, key=lambda row: row.number in best):
        dot(row, 4, _FRONT if row.number in best else _TRIAL)
    dot(answer.default, 6, _DEFAULT)
    dot(answer.chosen, 7, _CHOSEN)
