"""t-SNE: neighbours stay neighbours, everything else pushes everything else away.

After van der Maaten and Hinton 2008, with the schedule that large piles need (Belkina et al. 2019, Kobak and Berens
2019): a start from PCA, a rate that grows with the pile, attraction twelve times over for the first third.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from isthmus.estimator import option
from isthmus.keys import stream
from isthmus.look.projections._projection import Projection as Base
from isthmus.look.projections._projection import Shown, Told, centred, checked, stage
from isthmus.look.projections._repulsion import Repulsion, exact_repulsion
from isthmus.stats.cells import near_neighbours
from isthmus.stats.spectrum import principal_components

__all__ = ["Projection", "Tsne"]

_FEWEST = 5
_FEW = 400
"""Up to so many points every pair is looked at."""

_EXAGGERATION, _SLOWEST = 12.0, 200.0
_BEFORE, _AFTER = 0.5, 0.8
_SPREAD, _ROUNDS, _PART = 1e-4, 64, 50_000
_SHOWN = 20


@dataclass(kw_only=True, eq=False)
class Tsne(Base):
    """`perplexity` is about how many neighbours a picture has; three times as many are looked at."""

    words: ClassVar[str] = "t-SNE"

    perplexity: float = option(30.0, "about how many neighbours count", low=1)
    epochs: int = option(750, "steps; the first third with attraction twelve times over", low=1)

    def place(self, rows: np.ndarray, told: Told | None = None, shown: Shown | None = None) -> np.ndarray:
        self.check_params()
        flat = checked(rows, _FEWEST)
        start = self._start(flat)
        if shown:
            shown(centred(start))
        k = max(2, min(round(3 * self.perplexity), len(flat) - 1))
        tick = stage(told, "finding neighbours")
        distances, near = near_neighbours(flat, k, tick=tick)
        pull = _Pull(_alike(distances, min(self.perplexity, (len(flat) - 1) / 3)), near)
        return centred(self._laid_out(start, pull, told, shown))

    def _start(self, flat: np.ndarray) -> np.ndarray:
        """The plane of largest variance, tiny, with less noise yet, that parts equal rows."""
        found = principal_components(flat, 2)
        plane = np.zeros((len(flat), 2))
        plane[:, : len(found.axes)] = found.encode(torch.from_numpy(flat)).numpy()
        noise = torch.Generator().manual_seed(stream(self.seed, "t-sne"))
        plane *= _SPREAD / max(plane[:, 0].std(), 1e-30)
        return plane + 0.01 * _SPREAD * torch.randn(plane.shape, generator=noise).numpy()

    def _laid_out(self, start: np.ndarray, pull: "_Pull", told: Told | None, shown: Shown | None) -> np.ndarray:
        """Momentum, and a gain of its own for each coordinate: larger while it keeps its direction."""
        places, n = start.copy(), len(start)
        push = exact_repulsion if n <= _FEW else Repulsion(torch.get_num_threads())
        speed, gains = np.zeros_like(places), np.ones_like(places)
        rate, early = max(_SLOWEST, n / _EXAGGERATION), self.epochs // 3
        for epoch in range(self.epochs):
            apart, total = push(places)
            gradient = (_EXAGGERATION if epoch < early else 1.0) * pull(places) - apart / total
            gains = np.where((speed > 0) != (gradient > 0), gains + 0.2, gains * 0.8).clip(0.01)
            speed = (_BEFORE if epoch < early else _AFTER) * speed - rate * gains * gradient
            places = places + speed
            places -= places.mean(axis=0)
            if told:
                told(epoch + 1, self.epochs, self.words)
            if shown and (epoch + 1) % max(1, self.epochs // _SHOWN) == 0:
                shown(centred(places))
        return places


class _Pull:
    """What joined points do to each other: the sum over neighbours of p d / (1 + d^2)."""

    def __init__(self, weights: np.ndarray, near: np.ndarray) -> None:
        from scipy.sparse import csr_matrix

        n, k = near.shape
        one = csr_matrix((weights.ravel(), near.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
        joined = (one + one.T).tocsr()
        self.bounds, self.others = joined.indptr.astype(np.int64), joined.indices.astype(np.int32)
        self.strength = (joined.data / joined.data.sum()).astype(np.float32)
        self.rows = max(1, _PART * n // joined.nnz)

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """Some rows at a time, so that what is computed stays near the processor."""
        x, y = np.ascontiguousarray(places.T, np.float32)
        found = np.empty((len(places), 2))
        for start in range(0, len(places), self.rows):
            stop = min(start + self.rows, len(places))
            bounds, held = self.bounds[start : stop + 1], slice(self.bounds[start], self.bounds[stop])
            counts, others = np.diff(bounds), self.others[held]
            across = np.repeat(x[start:stop], counts) - x.take(others)
            up = np.repeat(y[start:stop], counts) - y.take(others)
            force = across * across
            force += up * up
            force += 1
            np.divide(self.strength[held], force, out=force)
            for column, apart in enumerate((across, up)):
                apart *= force
                found[start:stop, column] = np.add.reduceat(apart, bounds[:-1] - bounds[0])
        return found


def _alike(distances: np.ndarray, perplexity: float) -> np.ndarray:
    """For each row a Gaussian as wide as makes its neighbours count as many as `perplexity`; each row sums to 1."""
    squared = torch.from_numpy(distances).square()
    squared = squared - squared[:, :1]  # the same Gaussian, and nothing that vanishes
    usual = squared.mean().clamp_min(1e-30)
    wanted = float(np.log(max(perplexity, 1.0 + 1e-9)))
    low, high = torch.zeros(len(squared), 1).double(), torch.full((len(squared), 1), torch.inf).double()
    sharp = torch.ones_like(low) / usual
    for _ in range(_ROUNDS):
        weights = torch.exp(-squared * sharp)
        total = weights.sum(dim=1, keepdim=True)
        entropy = total.log() + sharp * (squared * weights).sum(dim=1, keepdim=True) / total
        wide = entropy > wanted
        low, high = torch.where(wide, sharp, low), torch.where(wide, high, sharp)
        sharp = torch.where(high.isfinite(), (low + high) / 2, (sharp * 2).clamp_max(1e12 / usual))
    weights = torch.exp(-squared * sharp)
    return (weights / weights.sum(dim=1, keepdim=True)).numpy()


Projection = Tsne
