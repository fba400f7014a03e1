"""How far the answers of an exported file are from the run's own, and whether that is near enough."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from isthmus.errors import RunError
from isthmus.export.graph import Answers, Graph, Inputs

__all__ = ["BATCHES", "Parity", "check_near", "compared"]

BATCHES = (1, 2, 7, 64)
_LEAST = 1e-12


@dataclass(frozen=True)
class Parity:
    """`relative` is the largest difference against the largest number there; of whole numbers `unlike` counts those
    that rounding parted, which may be one apart."""

    graph: str
    output: str
    absolute: float
    relative: float
    largest: float
    n: int
    rounded: bool
    unlike: int

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key not in ("graph", "output")}

    def near(self, tolerance: float) -> bool:
        return self.absolute <= 1 if self.rounded else self.relative <= tolerance


def compared(
    graph: Graph, asks: Callable[[Inputs], Sequence[np.ndarray]], batches: Sequence[int] = BATCHES
) -> list[Parity]:
    """One for each output, over batches of several sizes, each of other pictures."""
    own: list[Answers] = []
    found: list[Answers] = []
    start = 0
    for n in batches:
        given = graph.asked(n, start)
        own.append(graph.answer(given))
        found.append(dict(zip(graph.outputs, asks(given), strict=True)))
        start += n
    return [_of(graph, name, own, found) for name in graph.outputs]


def _of(graph: Graph, name: str, own: list[Answers], found: list[Answers]) -> Parity:
    for one, two in zip(own, found, strict=True):
        if one[name].shape != two[name].shape:
            what = f"the exported {graph.name} gives {name} of shape {two[name].shape}, not {one[name].shape}"
            raise RunError(what, "Please report this; isthmus serves the run as it is.")
    mine, other = _joined(own, name), _joined(found, name)
    apart = np.abs(mine - other)
    absolute, largest = float(apart.max()), float(np.abs(mine).max())
    relative = absolute / max(largest, _LEAST)
    if not np.isfinite(other).all():
        absolute = relative = float("inf")
    return Parity(
        graph.name, name, absolute, relative, largest, len(mine), name in graph.rounded, int((apart > 0).sum())
    )


def _joined(answers: list[Answers], name: str) -> np.ndarray:
    return np.concatenate([np.asarray(one[name], np.float64) for one in answers])


def check_near(found: Sequence[Parity], tolerance: float) -> None:
    """Refuse what is farther off than that; the worst is named."""
    far = [one for one in found if not one.near(tolerance)]
    if far:
        worst = max(far, key=lambda one: one.relative)
        what = f"the exported {worst.graph} differs from the run by {worst.relative:.1e} of its largest {worst.output}"
        remedy = f"Nothing was written; allow more than {tolerance:g} with --tolerance, or try another --opset or --to."
        raise RunError(what, remedy)
