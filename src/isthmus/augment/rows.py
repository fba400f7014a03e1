"""One random view of every row of a table: some columns hidden, the others shaken a little."""

from dataclasses import dataclass

import torch

from isthmus.rng import Noise

__all__ = ["RowView", "row_view"]

_HIDDEN, _SHAKEN = 0.3, 0.2


@dataclass(frozen=True)
class RowView:
    """What columns are usually, and how far they usually stray from that."""

    mean: torch.Tensor
    spread: torch.Tensor

    @classmethod
    def learn(cls, rows: torch.Tensor) -> "RowView":
        spread, mean = torch.std_mean(rows, dim=0, correction=0)
        return cls(mean, spread)


def row_view(x: torch.Tensor, noise: Noise, how: RowView, name: str) -> torch.Tensor:
    """Rows `(n, d)`; a hidden column has its usual value. `name` tells the views of one row apart."""
    shaken = x + _SHAKEN * how.spread * noise.normal(f"shaken {name}", x.shape[1])
    return torch.where(noise.uniform(f"hidden {name}", x.shape[1]) < _HIDDEN, how.mean, shaken)
