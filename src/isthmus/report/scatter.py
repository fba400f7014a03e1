"""Two-dimensional maps as a picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from isthmus.errors import UsageError
from isthmus.report.axes import MARGIN, Axis, Legend, frame, heading, heading_height
from isthmus.report.style import Canvas, colours

__all__ = ["scatter"]

_UNKNOWN = (205, 205, 205)
_SIDE = 600


def scatter(
    points: Any,
    labels: Any = None,
    classes: Sequence[str] = (),
    *,
    title: str = "",
    subtitle: str = "",
    x_label: str = "",
    y_label: str = "",
) -> Image.Image:
    """A dot a point, coloured by class; the unlabelled are light grey and lie under the others.

    `subtitle` is the place for the scores that belong under every map. Points without a finite place are left out and
    counted. Classes are drawn mixed, so that none hides the others by coming last.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] < 2:
        raise UsageError(f"a map needs points of two dimensions, not {points.shape}")
    labels = np.full(len(points), -1) if labels is None else np.asarray(labels).astype(np.int64)
    if len(labels) != len(points):
        raise UsageError(f"{len(points)} points and {len(labels)} labels do not belong together")
    placed = np.isfinite(points[:, :2]).all(axis=1)
    lost = int((~placed).sum())
    if lost:
        subtitle = f"{subtitle} ({lost} without a place left out)".strip()
    points, labels = points[placed, :2], labels[placed]
    legend = _legend(labels, classes)
    return _drawn(points, labels, legend, (title, subtitle), (x_label, y_label))


def _legend(labels: np.ndarray, classes: Sequence[str]) -> Legend | None:
    """Only classes that occur, and the unknown where some are known."""
    present = [int(c) for c in np.unique(labels) if c >= 0]
    if not present:
        return None
    inks = colours(max(present) + 1)
    names = [classes[c] if c < len(classes) else str(c) for c in present]
    unknown = (["unknown"], [_UNKNOWN]) if (labels < 0).any() else ([], [])
    return Legend([*names, *unknown[0]], [*(inks[c] for c in present), *unknown[1]], _SIDE)


def _drawn(
    points: np.ndarray, labels: np.ndarray, legend: Legend | None, words: tuple[str, str], axes: tuple[str, str]
) -> Image.Image:
    across, up = _equal(Axis.over(points[:, 0]), Axis.over(points[:, 1]))
    up.laid(0, _SIDE, upwards=True)
    left = MARGIN + up.room_for_names() + 10 + (24 if axes[1] else 0)
    beside = legend.width + 18 if legend else 0
    width = left + _SIDE + beside + MARGIN
    top = MARGIN + heading_height(*words, width - 2 * MARGIN)
    canvas = Canvas(width, top + _SIDE + 26 + (22 if axes[0] else 0) + MARGIN, 3)
    heading(canvas, MARGIN, MARGIN, *words, width - 2 * MARGIN)
    across.laid(left, _SIDE)
    up.laid(top, _SIDE, upwards=True)
    frame(canvas, across, up, *axes)
    _dots(canvas, across.at(points[:, 0]), up.at(points[:, 1]), labels)
    if legend:
        legend.draw(canvas, left + _SIDE + 18, top)
    return canvas.finished()


def _equal(across: Axis, up: Axis) -> tuple[Axis, Axis]:
    """The same scale on both axes, for distances are what a map is about; unless one is five times the other."""
    spans = across.high - across.low, up.high - up.low
    if max(spans) < 5 * min(spans):
        for axis, span in zip((across, up), spans, strict=True):
            axis.low, axis.high = axis.low - (max(spans) - span) / 2, axis.high + (max(spans) - span) / 2
    return across, up


def _dots(canvas: Canvas, x: np.ndarray, y: np.ndarray, labels: np.ndarray) -> None:
    n = len(x)
    radius = next(r for most, r in ((150, 4.5), (1500, 3.2), (6000, 2.4), (25_000, 1.7), (np.inf, 1.2)) if n <= most)
    inks = colours(max(int(labels.max(initial=-1)) + 1, 1))
    alone = not (labels >= 0).any()  # nobody is labelled: then grey is no secondary thing
    shuffled = np.random.default_rng(0).permutation(n)
    for i in shuffled[np.argsort(labels[shuffled] >= 0, kind="stable")]:
        ink = inks[labels[i]] if labels[i] >= 0 else inks[0] if alone else _UNKNOWN
        if n <= 1500:
            canvas.dot(x[i], y[i], radius + 0.7, "#ffffff")
        canvas.dot(x[i], y[i], radius, ink)
