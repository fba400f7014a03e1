"""The section of a report about what was learnt from labels, and how far it can be believed."""

from typing import Any

from isthmus.report.enclosed import Enclosed
from isthmus.report.found import Found
from isthmus.report.markup import Markup, plain, tag
from isthmus.report.tables import cells_table, whole

__all__ = ["heads"]

_LONGEST = 60


def heads(found: Found, enclosed: Enclosed) -> list[Markup]:
    """A line each: what it learnt from, how often it is expected to be right, and what its sets promise."""
    if not found.heads:
        return []
    rows = [
        [
            name,
            _kind(about),
            _classes(about),
            f"{whole(about.get('labels'))} of {whole(about.get('pictures'))}",
            _expected(about),
            _sets(about),
        ]
        for name, about in found.heads.items()
    ]
    head = ("name", "how it learns", "of", "labels", "expected to be right", "its sets")
    words = "Expected from labels that were left out; how it did on test pictures stands under What was measured."
    suspects = sum(len(about.get("suspects") or ()) for about in found.heads.values())
    more = [tag("p", f"{suspects:,} labels may be wrong; heads/ lists them.", class_="note")] if suspects else []
    return [cells_table(head, rows), tag("p", words, class_="soft"), *more]


def _kind(about: dict[str, Any]) -> str:
    return "numbers" if about.get("kind") == "numbers" else plain(about.get("head") or "?")


def _classes(about: dict[str, Any]) -> str:
    classes = about.get("classes")
    return (
        f"{len(classes):,} classes"
        if isinstance(classes, list)
        else plain(about.get("column") or "an amount")[:_LONGEST]
    )


def _expected(about: dict[str, Any]) -> str:
    expected = about.get("expected")
    if not isinstance(expected, dict) or not {"value", "low", "high"} <= set(expected):
        return ""
    value, low, high = (expected[key] for key in ("value", "low", "high"))
    if about.get("kind") == "numbers":
        return f"off by {value:.3g} ({low:.3g} to {high:.3g})"
    return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _sets(about: dict[str, Any]) -> str:
    level = about.get("level")
    if not isinstance(level, int | float):
        return ""
    return f"hold the truth in {100 * level:.0f} %" if about.get("threshold_") is not None else "none"
