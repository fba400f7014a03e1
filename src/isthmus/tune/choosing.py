"""From trials to one of them: pure numbers, and the rule in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DIRECTIONS", "KEEP", "RULE", "Row", "front", "recommended"]

DIRECTIONS = {"error": 1, "rate": 1, "active": 1, "accuracy": -1, "code": 1, "seconds": 1}
"""What may be searched for; -1 where more is better."""

KEEP = 0.95
"""The share of what the best code explains of the pictures that the recommended one must keep."""

_ALIKE = 1.05
RULE = (
    "the {cheapest} of those of {trials} trials that keep {keep:.0%} of what the best explains and redraw no worse "
    "than the default, within one standard error"
)
"""How a setting is recommended, in words."""


@dataclass(frozen=True)
class Row:
    """A trial: its setting, how it went, and what was measured on pictures it did not learn from."""

    number: int
    values: dict[str, Any]
    state: str
    measured: dict[str, float] = field(default_factory=dict)
    why: str = ""
    default: bool = False

    @property
    def finished(self) -> bool:
        return self.state == "finished"


def front(rows: Sequence[Row], objectives: Sequence[str]) -> list[Row]:
    """The finished trials than which no other is better in one objective and as good in all."""
    done = [row for row in rows if row.finished]
    points = [[DIRECTIONS[name] * row.measured[name] for name in objectives] for row in done]

    def beaten(point: list[float]) -> bool:
        return any(all(a <= b for a, b in zip(other, point, strict=True)) and other != point for other in points)

    return [row for row, point in zip(done, points, strict=True) if not beaten(point)]


def recommended(rows: Sequence[Row], nothing: float, keep: float = KEEP) -> Row | None:
    """The cheapest code that is good enough; None before the default setting has finished.

    `nothing` is the error of the mean picture: what is explained is counted from there. The cost of a code with a
    price is its rate, in nats; rates within 5 % count as equal, and then, as where codes have no price, the one of
    fewest numbers is taken, and of those the one of least error.
    """
    done = [row for row in rows if row.finished]
    default = next((row for row in done if row.default), None)
    if default is None:
        return None
    best = min(row.measured["error"] for row in done)
    bound = nothing - keep * max(0.0, nothing - best)
    bound = max(best, min(bound, default.measured["error"]))
    good = [row for row in done if row.measured["error"] - row.measured["standard_error"] <= bound]
    lowest = min(row.measured.get("rate", 0.0) for row in good)
    alike = [row for row in good if row.measured.get("rate", 0.0) <= _ALIKE * lowest]
    return min(alike, key=lambda row: (row.measured["code"], row.measured["error"]))
