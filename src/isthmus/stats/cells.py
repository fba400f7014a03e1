"""Nearest neighbours among very many points: only the cells nearest to a point are looked into, so a few are missed."""

from collections.abc import Callable

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.rng import permutation
from isthmus.stats.blocks import finite
from isthmus.stats.knn import neighbours, ranked

__all__ = ["MANY", "Cells", "near_neighbours"]

MANY = 100_000
"""From so many points on, comparing all with all takes longer than anybody waits."""

_ROUNDS, _A_CELL = 8, 64
_BLOCK, _CELLS = 1 << 13, 1 << 24
_SPARE = 8


class Cells:
    """Points sorted into cells round as many centres as the root of their number (k-means on some of them)."""

    def __init__(self, bank: np.ndarray | torch.Tensor, seed: int = 0) -> None:
        self.bank = finite(bank, "the bank").float()
        n = len(self.bank)
        count = max(1, round(n**0.5))
        drawn = permutation(n, seed, "cells")[: count * _A_CELL]
        self.centres = _centres(self.bank[drawn], count)
        home = torch.cat([_nearest(block, self.centres, 1)[:, 0] for block in self.bank.split(_BLOCK)])
        self.order = home.argsort(stable=True)
        self.ends = torch.bincount(home, minlength=count).cumsum(0)

    def search(
        self,
        query: np.ndarray | torch.Tensor,
        k: int,
        probes: int = 64,
        *,
        skip_self: bool = False,
        tick: Callable[[int, int], None] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Distances and rows of `k` near points, nearest first, out of the `probes` cells nearest to each point.

        Who finds fewer than `k` there looks into twice as many.
        """
        rows = finite(query, "the query").float()
        if not 1 <= k <= len(self.bank) - skip_self:
            raise DataError(f"{k} neighbours were asked of {len(self.bank)} points", "Ask for fewer.")
        found = []
        size = max(1, _CELLS * 8 // (k + _SPARE) // 64)
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            own = torch.arange(start, start + len(block)) if skip_self else None
            near = self._candidates(block, min(k + _SPARE, len(self.bank) - skip_self), probes, own)
            found.append(ranked(block, self.bank, near, k))
            if tick:
                tick(start + len(block), len(rows))
        if not found:
            return np.empty((0, k)), np.empty((0, k), np.int64)
        return np.concatenate([far for far, _ in found]), np.concatenate([near for _, near in found])

    def _candidates(self, rows: torch.Tensor, wide: int, probes: int, own: torch.Tensor | None) -> torch.Tensor:
        """The `wide` nearest of the cells that are looked into, cell by cell."""
        probes = min(probes, len(self.centres))
        asked = torch.cat([_nearest(block, self.centres, probes) for block in rows.split(_BLOCK)])
        who = asked.flatten().argsort(stable=True)
        upto = torch.bincount(asked.flatten(), minlength=len(self.centres)).cumsum(0)
        best = torch.full((len(rows), wide), torch.inf)
        near = torch.full((len(rows), wide), -1)
        for cell in range(len(self.centres)):
            there = self.order[int(self.ends[cell - 1]) if cell else 0 : int(self.ends[cell])]
            askers = who[int(upto[cell - 1]) if cell else 0 : int(upto[cell])] // probes
            points = self.bank[there]
            for part in askers.split(max(1, _CELLS // max(1, len(there)))) if len(there) else ():
                apart = _squares(rows[part], points)
                if own is not None:
                    apart[there[None, :] == own[part][:, None]] = torch.inf
                some, place = apart.topk(min(wide, len(there)), dim=1, largest=False)
                names = there[place].masked_fill(some.isinf(), -1)
                both, rank = torch.cat([best[part], some], dim=1).topk(wide, dim=1, largest=False)
                best[part], near[part] = both, torch.cat([near[part], names], dim=1).gather(1, rank)
        short = (near < 0).any(dim=1).nonzero().flatten()
        if len(short):
            near[short] = self._candidates(rows[short], wide, 2 * probes, None if own is None else own[short])
        return near.sort(dim=1).values


def near_neighbours(
    rows: np.ndarray, k: int, *, tick: Callable[[int, int], None] | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` nearest of every row among the others: exact for as many as one can wait for, in cells beyond."""
    if len(rows) < MANY:
        return neighbours(rows, rows, k, skip_self=True, tick=tick)
    return Cells(rows, seed).search(rows, k, skip_self=True, tick=tick)


def _centres(rows: torch.Tensor, count: int) -> torch.Tensor:
    """Of k-means from the first rows, which are drawn at random; a centre that nobody is near to stays where it is."""
    centres = rows[:count].clone()
    for _ in range(_ROUNDS):
        home = torch.cat([_nearest(block, centres, 1)[:, 0] for block in rows.split(_BLOCK)])
        sums = torch.zeros_like(centres).index_add_(0, home, rows)
        counts = torch.bincount(home, minlength=count)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp_min(1), centres)
    return centres


def _nearest(rows: torch.Tensor, centres: torch.Tensor, k: int) -> torch.Tensor:
    return _squares(rows, centres).topk(k, dim=1, largest=False).indices


def _squares(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Squared distances but for what is the same for a whole row: its own length."""
    return torch.addmm(others.square().sum(dim=1)[None, :], rows, others.T, alpha=-2)
