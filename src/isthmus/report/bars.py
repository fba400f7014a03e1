"""Numbers beside each other."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from isthmus.errors import UsageError
from isthmus.report.axes import MARGIN, Axis, frame, heading, heading_height
from isthmus.report.style import FAINT, PALETTE, TEXT, Canvas, fitted, number, text_width

__all__ = ["bars", "kl_bars"]

_BAR, _PITCH, _LONG = 20, 30, 380
_PLAIN = "#b8bec4"


def bars(
    values: Mapping[str, Any], *, title: str = "", subtitle: str = "", highlight: str | None = None
) -> Image.Image:
    """A horizontal bar for each number or interval, with its value written at the end and its interval as a whisker.

    The bar called `highlight` (unsaid, the first) is coloured: what the others stand beside.
    """
    if not values:
        raise UsageError("there are no bars to draw")
    numbers = {name: float(value) for name, value in values.items()}
    ends = {name: (getattr(v, "low", np.nan), getattr(v, "high", np.nan)) for name, v in values.items()}
    names_wide = min(240, max(text_width(name, 13) for name in values))
    told = {name: number(value) if np.isfinite(value) else "no value" for name, value in numbers.items()}
    told_wide = max(text_width(text, 13) for text in told.values())
    left = MARGIN + names_wide + 10
    width = left + _LONG + 10 + told_wide + MARGIN
    top = MARGIN + heading_height(title, subtitle, width - 2 * MARGIN)
    canvas = Canvas(width, top + len(values) * _PITCH + MARGIN, 3)
    heading(canvas, MARGIN, MARGIN, title, subtitle, width - 2 * MARGIN)
    reach = np.array([*numbers.values(), *(end for pair in ends.values() for end in pair)])
    axis = Axis.over(reach, room=0, zero=True).laid(left, _LONG)
    zero = float(axis.at(0.0))
    canvas.line([(zero, top), (zero, top + len(values) * _PITCH)], FAINT)
    chosen = next(iter(values)) if highlight is None else highlight
    for row, (name, value) in enumerate(numbers.items()):
        middle = top + (row + 0.5) * _PITCH
        canvas.text(left - 10, middle, fitted(name, 13, names_wide), 13, TEXT, "rm")
        _bar(canvas, axis, middle, value, ends[name], PALETTE[0] if name == chosen else _PLAIN)
        canvas.text(left + _LONG + 10, middle, told[name], 13, TEXT, "lm")
    return canvas.finished()


def _bar(canvas: Canvas, axis: Axis, middle: float, value: float, ends: tuple[float, float], ink: str) -> None:
    if np.isfinite(value):
        first, last = sorted((float(axis.at(0.0)), float(axis.at(value))))
        canvas.box(first, middle - _BAR / 2, max(last, first + 1), middle + _BAR / 2, ink)
    if np.isfinite(ends).all():
        low, high = (float(axis.at(end)) for end in ends)
        canvas.line([(low, middle), (high, middle)], TEXT, 1.5)
        for end in (low, high):
            canvas.line([(end, middle - 4), (end, middle + 4)], TEXT, 1.5)


def kl_bars(
    kl: Any, active: Any = None, *, unit: str = "dimension", title: str = "", subtitle: str = ""
) -> Image.Image:
    """A bar for each dimension, or map, the most informative first; those that are not active are grey."""
    kl = np.asarray(kl, np.float64).ravel()
    active = np.ones(len(kl), bool) if active is None else np.asarray(active, bool).ravel()
    if len(kl) == 0 or len(kl) != len(active):
        raise UsageError(f"{len(kl)} divergences and {len(active)} marks do not belong together")
    order = np.argsort(-np.nan_to_num(kl, nan=-1.0), kind="stable")
    title, (long, high) = title or f"KL per latent {unit}", (560, 260)
    up = Axis.over(kl, room=0.05, zero=True).laid(0, high, upwards=True)
    left = MARGIN + up.room_for_names() + 34
    width = left + long + MARGIN
    subtitle = f"{int(active.sum())} of {len(kl)} {unit}s active (coloured). {subtitle}".strip()
    top = MARGIN + heading_height(title, subtitle, width - 2 * MARGIN)
    canvas = Canvas(width, top + high + 48 + MARGIN, 3)
    heading(canvas, MARGIN, MARGIN, title, subtitle, width - 2 * MARGIN)
    across = Axis(0.5, len(kl) + 0.5).laid(left, long)
    across.ticks = [tick for tick in across.ticks if tick == round(tick)]
    frame(canvas, across, up.laid(top, high, upwards=True), f"{unit}, largest first", "nats")
    thick = min(40.0, long / len(kl) * 0.8)
    for place, i in enumerate(order, 1):
        if np.isfinite(kl[i]) and kl[i] != 0:
            edges = sorted((float(up.at(kl[i])), float(up.at(0.0))))
            middle = float(across.at(place))
            ink = PALETTE[0] if active[i] else _PLAIN
            canvas.box(middle - thick / 2, edges[0], middle + thick / 2, max(edges[1], edges[0] + 0.5), ink)
    floor = float(up.at(0.0))
    canvas.line([(left, floor), (left + long, floor)], FAINT)
    return canvas.finished()
