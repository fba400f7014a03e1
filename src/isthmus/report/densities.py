"""How a number is distributed, in two samples, at several places: small panels beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from isthmus.errors import UsageError
from isthmus.report.axes import MARGIN, Axis, heading, heading_height
from isthmus.report.style import FAINT, GRID, TEXT, Canvas, Rgb, colours, fitted
from isthmus.stats import scott_density

__all__ = ["densities"]

_WIDE, _HIGH, _GAP, _HEAD, _FOOT = 250, 130, 22, 22, 24
_BAR, _POINTS = 7, 201
_AT_THE_EDGE, _MANY = 1 / 64, 0.05
_TALLEST = 2.5
_PALE = 0.6


@dataclass
class _Share:
    """The part of a sample at one end of [0, 1], where a density would be a spike of no certain height."""

    truth: float
    redrawn: float


@dataclass
class _Panel:
    """Curves `(2, channels, points)`, and for each end and channel the shares; None where hardly anything is there."""

    curves: np.ndarray
    ends: tuple[list[_Share] | None, list[_Share] | None]


def densities(
    truth: Any, redrawn: Any, notes: Sequence[str], columns: int = 3, *, title: str = "", subtitle: str = ""
) -> Image.Image:
    """Values in [0, 1] of `(n, channels, places)`: a panel for each place, the truth wide and pale, the other thin.

    Densities are by Scott's rule. Where a twentieth of either sample lies within 1/64 of an end, that share is taken
    out of the density and drawn beside it, as a bar whose full height is the whole sample. Up to 3 channels are drawn.
    """
    real, drawn = np.asarray(truth, np.float64), np.asarray(redrawn, np.float64)
    if real.ndim != 3 or real.shape != drawn.shape or real.shape[2] != len(notes) or 0 in real.shape:
        raise UsageError(f"{real.shape} and {drawn.shape} are no densities", "Give (n, channels, places) twice.")
    real, drawn = real[:, :3].clip(0, 1), drawn[:, :3].clip(0, 1)
    inks = _inks(real.shape[1])
    panels = [_panel(real[:, :, place], drawn[:, :, place]) for place in range(len(notes))]
    gutters = [_gutter(panels, end, len(inks)) for end in (0, 1)]
    pitch = gutters[0] + _WIDE + gutters[1] + _GAP
    columns = min(columns, len(panels))
    width = 2 * MARGIN + columns * pitch - _GAP
    subtitle = f"{subtitle} {_key(inks, gutters)}".strip()
    top = MARGIN + heading_height(title, subtitle, width - 2 * MARGIN)
    step = _HEAD + _HIGH + _FOOT
    canvas = Canvas(width, top + -(-len(panels) // columns) * step + MARGIN, 3)
    heading(canvas, MARGIN, MARGIN, title, subtitle, width - 2 * MARGIN)
    for number, (panel, note) in enumerate(zip(panels, notes, strict=True)):
        left, upper = MARGIN + number % columns * pitch, top + number // columns * step
        canvas.text(left, upper + 3, fitted(note, 12, pitch - _GAP), 12, TEXT)
        _draw(canvas, panel, inks, left, gutters, upper + _HEAD)
    return canvas.finished()


def _inks(channels: int) -> list[Rgb]:
    """One channel is the first colour; several are red, green and blue as far as the palette goes."""
    palette = colours(4)
    return [palette[0]] if channels == 1 else [palette[3], palette[2], palette[0]][:channels]


def _key(inks: list[Rgb], gutters: list[int]) -> str:
    bars = " Bars: the share at black or white, of a full height of 100 %." if any(gutters) else ""
    channels = " Channels 1, 2, 3 are red, green, blue." if len(inks) > 1 else ""
    heights = " Each panel has a height of its own; steep curves are cut."
    return f"Wide and pale: the pictures; thin and dark: redrawn.{bars}{channels}{heights}"


def _panel(real: np.ndarray, drawn: np.ndarray) -> _Panel:
    """From `(n, channels)`."""
    low, high = ((lambda v: v < _AT_THE_EDGE), (lambda v: v > 1 - _AT_THE_EDGE))
    ends: list[list[_Share] | None] = []
    for at in (low, high):
        shares = [_Share(float(r), float(d)) for r, d in zip(at(real).mean(0), at(drawn).mean(0), strict=True)]
        ends.append(shares if max(max(s.truth, s.redrawn) for s in shares) >= _MANY else None)
    curves = np.stack([[_curve(column, ends) for column in sample.T] for sample in (real, drawn)])
    return _Panel(curves, (ends[0], ends[1]))


def _curve(values: np.ndarray, ends: list[list[_Share] | None]) -> np.ndarray:
    """The density of what no bar shows, of an area as large as its share; NaN where one value alone is left."""
    grid = np.linspace(0, 1, _POINTS)
    low = _AT_THE_EDGE if ends[0] else 0.0
    high = 1 - _AT_THE_EDGE if ends[1] else 1.0
    rest = values[(values >= low) & (values <= high)]
    if len(rest) < 2 or rest.std() < 1e-9:
        return np.full(_POINTS, np.nan)
    return scott_density(rest, grid, (0.0, 1.0)) * len(rest) / len(values)


def _gutter(panels: list[_Panel], end: int, channels: int) -> int:
    return channels * (2 * _BAR + 2) + 6 if any(panel.ends[end] for panel in panels) else 0


def _draw(canvas: Canvas, panel: _Panel, inks: list[Rgb], left: float, gutters: list[int], top: float) -> None:
    start, floor = left + gutters[0], top + _HIGH
    across = Axis(0.0, 1.0).laid(start, _WIDE)
    across.ticks = [0.0, 0.5, 1.0]
    for value, name in zip(across.at(across.ticks), across.names(), strict=True):
        canvas.line([(value, top), (value, floor)], GRID)
        canvas.text(value, floor + 4, name, 11, FAINT, "ma")
    heights = _heights(panel.curves)
    x = across.at(np.linspace(0, 1, _POINTS))
    for sample, thick in ((0, 5.0), (1, 1.6)):
        for curve, ink in zip(heights[sample], inks, strict=True):
            if np.isfinite(curve).all():
                points = list(zip(x, floor - curve * _HIGH, strict=True))
                canvas.line(points, _pale(ink) if sample == 0 else ink, thick)
    canvas.line([(left, floor), (left + gutters[0] + _WIDE + gutters[1], floor)], FAINT)
    for end, place in ((0, left), (1, start + _WIDE + 6)):
        for share, ink in zip(panel.ends[end] or [], inks, strict=False):
            canvas.box(place, floor - share.truth * _HIGH, place + _BAR, floor, _pale(ink))
            canvas.box(place + _BAR, floor - share.redrawn * _HIGH, place + 2 * _BAR, floor, ink)
            place += 2 * _BAR + 2


def _heights(curves: np.ndarray) -> np.ndarray:
    """To the height of the panel; a far steeper curve than the truth's is cut, so that the truth can still be seen."""
    tops = np.nanmax(np.where(np.isnan(curves), 0.0, curves), axis=(1, 2))
    tallest = min(max(tops), _TALLEST * tops[0]) if tops[0] > 0 else tops[1]
    return np.minimum(curves / max(tallest, 1e-12), 1.05) * 0.95


def _pale(ink: Rgb) -> Rgb:
    red, green, blue = (round(255 - (255 - c) * (1 - _PALE)) for c in ink)
    return red, green, blue
