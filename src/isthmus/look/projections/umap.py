"""UMAP: a graph of neighbours, each at its own scale, laid out by pulling along edges and pushing strangers apart.

After McInnes, Healy and Melville 2018. Neighbours are exact below 100,000 pictures; edges are taken in turns, each as
often as it is strong, a shuffled part of them at a time, so that a point feels about one pull before it has moved.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.keys import stream
from isthmus.look.projections._projection import Projection as Base
from isthmus.look.projections._projection import Shown, Told, centred, checked, stage
from isthmus.stats.cells import near_neighbours
from isthmus.stats.spectrum import principal_components

__all__ = ["Projection", "Umap"]

_FEWEST = 5
_SPAN, _JITTER, _LONGEST = 10.0, 1e-3, 4.0
_ROUNDS = 64
_SHOWN = 20
_PULLS = 1.5

Edges = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""From, to, and strength as a share of the strongest."""


@dataclass(kw_only=True, eq=False)
class Umap(Base):
    """The start is PCA: what is global in the map comes from there, and it is seen at once."""

    words: ClassVar[str] = "UMAP"

    neighbours: int = option(15, "pictures that each one is joined to", low=2)
    min_dist: float = option(0.1, "how near to each other two pictures may lie on the map", low=0)
    strangers: int = option(8, "others that a picture is pushed away from at every pull", low=1)
    epochs: int = option(500, "rounds over all edges", low=1)

    def place(self, rows: np.ndarray, told: Told | None = None, shown: Shown | None = None) -> np.ndarray:
        self.check_params()
        if self.min_dist > 1:
            raise UsageError(f"min_dist is {self.min_dist}", "It must be at most 1, the map's own unit.")
        flat = checked(rows, _FEWEST)
        start = self._start(flat)
        if shown:
            shown(centred(start.numpy()))
        k, tick = min(self.neighbours, len(flat) - 1), stage(told, "finding neighbours")
        near = near_neighbours(flat, k, tick=tick)
        edges = _edges(*near, self._generator("edges"))
        return centred(self._laid_out(start, edges, told, shown).numpy())

    def _generator(self, purpose: str) -> torch.Generator:
        return torch.Generator().manual_seed(stream(self.seed, "umap", purpose))

    def _start(self, flat: np.ndarray) -> torch.Tensor:
        """The plane of largest variance, ten units to each side, with a little noise that parts equal rows."""
        found = principal_components(flat, 2)
        plane = torch.zeros(len(flat), 2)
        plane[:, : len(found.axes)] = found.encode(torch.from_numpy(flat))
        plane *= _SPAN / plane.abs().max().clamp_min(1e-30)
        return plane + _JITTER * torch.randn(plane.shape, generator=self._generator("start"))

    def _laid_out(self, start: torch.Tensor, edges: Edges, told: Told | None, shown: Shown | None) -> torch.Tensor:
        n, epochs = len(start), self.epochs
        x, y = start[:, 0].clone(), start[:, 1].clone()
        curve, chance = _curve(self.min_dist), self._generator("strangers")
        tails, heads, strength = edges
        turn = torch.rand(len(tails), generator=self._generator("turns"))  # where in its rhythm each edge begins
        parts = max(1, round(float(strength.sum()) * 2 / n / _PULLS))
        for epoch in range(epochs):
            rate = 1.0 - epoch / epochs
            after = turn + strength
            due = (after >= 1).nonzero().flatten()
            turn = after - after.floor()
            for part in due.chunk(parts):
                others = torch.randint(n, (self.strangers, len(part)), generator=chance)
                _step(x, y, tails[part], heads[part], others, curve, rate)
            if told:
                told(epoch + 1, epochs, self.words)
            if shown and (epoch + 1) % max(1, epochs // _SHOWN) == 0:
                shown(centred(torch.stack([x, y], dim=1).numpy()))
        return torch.stack([x, y], dim=1)


def _edges(distances: np.ndarray, near: np.ndarray, chance: torch.Generator) -> Edges:
    """The fuzzy union of every picture's own view of its neighbours, in a shuffled order."""
    from scipy.sparse import csr_matrix

    n, k = near.shape
    weights = _weights(torch.from_numpy(distances)).numpy()
    one = csr_matrix((weights.ravel(), near.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    both = one.multiply(one.T)
    joined = (one + one.T - both).tocoo()
    order = torch.randperm(joined.nnz, generator=chance)
    tails, heads = torch.from_numpy(joined.row.astype(np.int64)), torch.from_numpy(joined.col.astype(np.int64))
    strength = torch.from_numpy(joined.data).float()
    return tails[order], heads[order], (strength / strength.max())[order]


def _weights(distances: torch.Tensor) -> torch.Tensor:
    """Each row's own scale: the nearest neighbour counts fully, and all together count log2(k)."""
    away = torch.where(distances > 0, distances, torch.inf).amin(dim=1, keepdim=True)
    beyond = (distances - torch.where(away.isfinite(), away, 0.0)).clamp_min(0)
    wanted = float(np.log2(distances.shape[1]))
    low, high = torch.zeros(len(beyond), 1, dtype=beyond.dtype), torch.full((len(beyond), 1), torch.inf).double()
    scale = torch.ones_like(low)
    for _ in range(_ROUNDS):
        over = torch.exp(-beyond / scale).sum(dim=1, keepdim=True) > wanted
        low, high = torch.where(over, low, scale), torch.where(over, scale, high)
        scale = torch.where(high.isfinite(), (low + high) / 2, scale * 2)
    least = 1e-3 * torch.where(away.isfinite(), distances.mean(dim=1, keepdim=True), distances.mean())
    return torch.exp(-beyond / scale.maximum(least).clamp_min(1e-12))


def _curve(min_dist: float) -> tuple[float, float]:
    """a and b of 1 / (1 + a d^(2b)), which is nearest to 1 up to `min_dist` and falls exponentially from there."""
    from scipy.optimize import curve_fit

    d = np.linspace(0, 3, 300)
    wanted = np.where(d < min_dist, 1.0, np.exp(-(d - min_dist)))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), d, wanted)
    return float(a), float(b)


def _step(
    x: torch.Tensor,
    y: torch.Tensor,
    tails: torch.Tensor,
    heads: torch.Tensor,
    others: torch.Tensor,
    curve: tuple[float, float],
    rate: float,
) -> None:
    """Both ends of every edge towards each other, and its tail away from the others."""
    a, b = curve
    x0, y0 = x[tails], y[tails]
    dx, dy = x0 - x[heads], y0 - y[heads]
    squared = (dx * dx).addcmul_(dy, dy).clamp_min_(1e-12)
    power = squared.pow(b)
    pull = power.mul(-2 * a * b).div_(squared).div_(power.mul_(a).add_(1))
    px, py = (dx * pull).clamp_(-_LONGEST, _LONGEST), (dy * pull).clamp_(-_LONGEST, _LONGEST)
    dx, dy = x0 - x[others], y0 - y[others]
    squared = (dx * dx).addcmul_(dy, dy)
    push = 2 * b / squared.pow(b).mul_(a).add_(1).mul_(squared.add_(1e-3))
    qx, qy = (dx.mul_(push)).clamp_(-_LONGEST, _LONGEST).sum(0), (dy.mul_(push)).clamp_(-_LONGEST, _LONGEST).sum(0)
    for place, pulled, pushed in ((x, px, qx), (y, py, qy)):
        place.index_add_(0, tails, pulled + pushed, alpha=rate)
        place.index_add_(0, heads, pulled, alpha=-rate)


Projection = Umap
