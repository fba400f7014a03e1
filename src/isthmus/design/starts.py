"""Where designs start from: codes of pictures, moved by what the specification names; of pictures as they are; drawn.

A code is what its picture's class and attributes lead one to expect, and a rest: how this very picture was drawn. The
start `moved` keeps the rest and exchanges what was expected for what is wished.
"""

from dataclasses import dataclass

import numpy as np
import torch

__all__ = ["Known", "moved", "table_of"]

_SHRUNK = 1e-3


@dataclass(frozen=True)
class Known:
    """Codes of training pictures, in deviations, and what is known of each: `labels` -1 and numbers NaN if unknown."""

    codes: torch.Tensor
    labels: np.ndarray
    numbers: dict[str, np.ndarray]


def table_of(labels: np.ndarray, classes: int, numbers: list[np.ndarray]) -> torch.Tensor:
    """One column a class, then the attributes."""
    columns = [(labels == c).astype(np.float32) for c in range(classes)]
    return torch.from_numpy(np.stack([*columns, *(n.astype(np.float32) for n in numbers)], axis=1))


def moved(known: Known, rows: np.ndarray, wished: torch.Tensor, names: tuple[str, ...], classes: int) -> torch.Tensor:
    """The codes of `rows`, each with what its own class and attributes made of it exchanged for `wished`."""
    numbers = [known.numbers[name] for name in names]
    usable = (known.labels >= 0) & np.all([np.isfinite(n) for n in numbers] or [np.ones(len(known.labels), bool)], 0)
    table = table_of(known.labels, classes, numbers)
    middle, scale = table[usable].mean(0), table[usable].std(0).clamp_min(1e-6)
    middle[:classes], scale[:classes] = 0.0, 1.0
    inside = (table[usable] - middle) / scale
    square = inside.T @ inside + _SHRUNK * len(inside) * torch.eye(inside.shape[1])
    slopes = torch.linalg.solve(square, inside.T @ known.codes[usable].flatten(1))
    change = (wished - table[rows]) / scale
    return known.codes[rows] + (change @ slopes).view(len(rows), *known.codes.shape[1:])
