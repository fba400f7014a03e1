"""Curves as SVG in the page itself: sharp at any size, in the colours of the page, readable without a script."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.report.axes import Axis
from isthmus.report.markup import Markup, tag
from isthmus.report.style import number

__all__ = ["INKS", "Drawn", "chart", "wants_log"]

INKS = 8
_WIDTH, _HEIGHT = 640.0, 260.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 12.0, 14.0, 34.0
_MOST = 600


@dataclass(frozen=True)
class Drawn:
    """One line; NaN breaks it. `dashed` tells it from another of the same colour."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    ink: int = 0
    dashed: bool = False


def chart(lines: Sequence[Drawn], *, words: str, x: str = "epoch", marks: Sequence[tuple[float, str]] = ()) -> Markup:
    """A figure with its legend; `words` are what is told to whoever cannot see it, `marks` where something begins."""
    lines = [_thinned(one) for one in lines if any(map(math.isfinite, one.y))]
    if not lines:
        return Markup("")
    heights = np.concatenate([np.asarray(one.y, np.float64) for one in lines])
    log = wants_log(heights)
    across = Axis.over(np.concatenate([np.asarray(one.x, np.float64) for one in lines]), room=0.01)
    across.laid(_LEFT, _WIDTH - _LEFT - _RIGHT)
    up = Axis.over(heights, log=log, room=0.05).laid(_TOP, _HEIGHT - _TOP - _BOTTOM, upwards=True)
    inside = [*_frame(across, up), *_marks(across, marks)]
    for one in lines:
        inside += _strokes(one, across, up)
    label = x + (", vertical axis logarithmic" if log else "")
    inside.append(tag("text", label, x=_WIDTH - _RIGHT, y=_HEIGHT - 3, text_anchor="end"))
    drawn = tag(
        "svg", *inside, view_box=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}", role="img", aria_label=words, class_="chart"
    )
    key = [tag("li", tag("i", class_=_kind(one)), one.name) for one in lines]
    return tag("figure", drawn, tag("ul", *key, class_="key"))


def wants_log(y: np.ndarray) -> bool:
    """Where all are positive and span more than a factor 30."""
    y = y[np.isfinite(y)]
    return bool(y.size and y.min() > 0 and y.max() / y.min() > 30)


def _frame(across: Axis, up: Axis) -> list[Markup]:
    found = []
    for y, name in zip(map(float, up.at(up.ticks)), up.names(), strict=True):
        found.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"))
        found.append(tag("text", name, x=_LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
    for value in [tick for tick in across.ticks if tick == round(tick)]:
        place = f"{float(across.at([value])[0]):.1f}"
        found.append(tag("text", number(value), x=place, y=_HEIGHT - _BOTTOM + 15, text_anchor="middle"))
    return found


def _marks(across: Axis, marks: Sequence[tuple[float, str]]) -> list[Markup]:
    found = []
    for at, name in marks:
        place = float(across.at([at])[0])
        found.append(tag("line", x1=f"{place:.1f}", x2=f"{place:.1f}", y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="mark"))
        found.append(tag("text", name, x=f"{place + 4:.1f}", y=_TOP + 10))
    return found


def _strokes(one: Drawn, across: Axis, up: Axis) -> list[Markup]:
    x, y = across.at(np.asarray(one.x, np.float64)), up.at(np.asarray(one.y, np.float64))
    whole = np.isfinite(x) & np.isfinite(y)
    found = []
    for piece in np.split(np.arange(len(x)), np.flatnonzero(~whole)):
        piece = piece[whole[piece]]
        kind = _kind(one)
        if len(piece) > 1:
            way = " ".join(f"{x[i]:.1f},{y[i]:.1f}" for i in piece)
            found.append(tag("polyline", points=way, class_=f"stroke {kind}"))
        if len(piece) and (len(piece) == 1 or whole.sum() <= 12):
            found += [tag("circle", cx=f"{x[i]:.1f}", cy=f"{y[i]:.1f}", r=2.6, class_=f"dot {kind}") for i in piece]
    return found


def _kind(one: Drawn) -> str:
    return f"ink{one.ink % INKS}{' dashed' if one.dashed else ''}"


def _thinned(one: Drawn) -> Drawn:
    """So many points are more than a figure shows; the first and the last stay."""
    if len(one.x) <= _MOST:
        return one
    rows = np.unique(np.linspace(0, len(one.x) - 1, _MOST).round().astype(int))
    return Drawn(one.name, [one.x[i] for i in rows], [one.y[i] for i in rows], one.ink, one.dashed)
