"""Tables of a report: numbers with their intervals, and of how many pictures they are."""

import math
from collections.abc import Sequence
from typing import Any

from isthmus.report.markup import Markup, tag
from isthmus.report.style import number

__all__ = ["cells_table", "record_table", "score_table", "whole"]


def record_table(records: Sequence[dict[str, Any]]) -> Markup:
    """A line a record: its interval and how many pictures it is of stand beside it."""
    rows = []
    for one in records:
        cells = [_value(one.get("value")), _interval(one.get("interval")), whole(one.get("n"))]
        rows.append(
            tag(
                "tr",
                tag("td", one["name"]),
                [tag("td", cell, class_="number") for cell in cells],
                tag("td", one.get("split") or ""),
            )
        )
    return _table(("measured", "value", "95 % interval", "n", "of"), rows)


def score_table(about: dict[str, Any]) -> Markup:
    """How good a map is, of held-out pictures and as if they came later."""
    rows = []
    for who, key in (("held-out pictures", "scores"), ("the same, if they came later", "distilled")):
        scores = about.get(key)
        if not isinstance(scores, dict):
            continue
        for name, score in (
            ("5-NN accuracy", "knn"),
            ("trustworthiness", "trustworthiness"),
            ("silhouette", "silhouette"),
        ):
            value = scores.get(score)
            if value is None:
                continue
            told = value if isinstance(value, dict) else {"value": value}
            ends = (told["low"], told["high"]) if {"low", "high"} <= set(told) else None
            cells = [_value(told.get("value")), _interval(ends), whole(scores.get("n"))]
            rows.append(tag("tr", tag("td", name), [tag("td", c, class_="number") for c in cells], tag("td", who)))
    return _table(("score", "value", "95 % interval", "n", "of"), rows) if rows else Markup("")


def cells_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """Words only."""
    return _table(head, [tag("tr", [tag("td", cell) for cell in row]) for row in rows])


def _table(head: Sequence[str], rows: Sequence[Markup]) -> Markup:
    titles = [
        tag("th", one, scope="col", class_="number" if one in ("value", "n", "95 % interval") else None) for one in head
    ]
    return tag("div", tag("table", tag("thead", tag("tr", titles)), tag("tbody", rows)), class_="wide")


def _value(value: Any) -> str:
    return number(float(value)) if isinstance(value, int | float) and math.isfinite(value) else str(value)


def _interval(ends: Any) -> str:
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        return ""
    return f"{_value(ends[0])} to {_value(ends[1])}"


def whole(value: Any) -> str:
    """12,345; what is no whole number as it is."""
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
