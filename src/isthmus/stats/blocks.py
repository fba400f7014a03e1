"""Squared distances between two clouds of points, a block of rows at a time: memory never grows with n squared."""

from collections.abc import Iterator

import numpy as np
import torch

from isthmus.errors import DataError

__all__ = ["distance_blocks", "finite", "points"]

_CELLS = 1 << 24
_ROWS, _SMALL = 1 << 14, 64


def points(values: np.ndarray | torch.Tensor, name: str = "the points") -> torch.Tensor:
    """`(n, d)` on the CPU: float64 up to 64 dimensions, where rounding would change ranks, float32 beyond."""
    rows = finite(values, name)
    return rows.to(torch.float64 if rows.shape[1] <= _SMALL else torch.float32)


def finite(values: np.ndarray | torch.Tensor, name: str) -> torch.Tensor:
    """`(n, d)` on the CPU, as they are."""
    rows = torch.as_tensor(values).detach().cpu()
    rows = rows.reshape(len(rows), -1)
    if not bool(torch.isfinite(rows).all()):
        bad = int((~torch.isfinite(rows)).any(dim=1).sum())
        raise DataError(f"{bad} of {len(rows)} rows of {name} are NaN or infinite", "Leave those rows out first.")
    return rows


def distance_blocks(query: torch.Tensor, bank: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
    """`(first row, squared distances)` for blocks of `query` rows against the whole of `bank`."""
    if query.shape[1] != bank.shape[1]:
        raise DataError(f"points of {query.shape[1]} dimensions cannot be compared with points of {bank.shape[1]}")
    centre = bank.mean(dim=0)  # distances do not feel a shift; the rounding of |a|^2 + |b|^2 - 2ab does
    bank = bank - centre
    norms = torch.cat([part.square().sum(dim=1) for part in bank.split(_ROWS)])  # no second bank of squares
    size = max(1, min(len(query), _CELLS // max(1, len(bank))))
    for start in range(0, len(query), size):
        rows = query[start : start + size] - centre
        block = torch.addmm(norms[None, :] + rows.square().sum(dim=1, keepdim=True), rows, bank.T, alpha=-2)
        yield start, block.clamp_min_(0)
