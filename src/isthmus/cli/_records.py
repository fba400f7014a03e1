"""Measures as records, and records as a table."""

from collections.abc import Sequence
from typing import Any

from isthmus.cli._talk import table

__all__ = ["record_of", "record_table"]


def record_of(name: str, value: Any, n: int | None = None, **common: Any) -> Any:
    """Of an interval, which knows its own n, or of a plain number."""
    from isthmus.run import Record

    if not hasattr(value, "low"):
        return Record(name, value, None, n, **common)
    return Record(name, value.value, (value.low, value.high), value.n, **common)


def record_table(head: str, records: Sequence[Any]) -> str:
    """A line a record."""
    rows = [[r.name, f"{r.value:.5g}", _interval(r.interval), f"{r.n:,}"] for r in records]
    return table([head, "value", "95 % interval", "n"], rows)


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.5g} .. {interval[1]:.5g}"
