"""What the latent dimensions carry, and whether the posterior collapsed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.contract import Fitted, Tick, batches
from isthmus.stats import Interval, mean_interval

__all__ = ["ACTIVE_ABOVE", "Codes", "codes"]

ACTIVE_ABOVE = 0.01
"""A unit is active when the posterior mean varies by more than this over pictures (Burda et al. 2016)."""

_WIDEST = 2048


@dataclass(frozen=True)
class Codes:
    """One value a latent dimension, over a whole split.

    `kl` and its total are None for a model whose codes are points. `aggregate_mean` and `aggregate_variance` are those
    of all pictures' posteriors poured together, which sampling from N(0, I) takes to be 0 and 1; `prior_gap` is the
    divergence of the Gaussian with these moments from N(0, I), in nats. `spread` is how many dimensions the codes
    fill: (sum of eigenvalues)^2 / sum of their squares. Both, and the largest correlation, look at every pair of
    dimensions: they are None for a code of more than 2,048, which has too many. `shape` is that of the code.
    """

    kl: np.ndarray | None
    kl_total: Interval | None
    mean_variance: np.ndarray
    aggregate_mean: np.ndarray
    aggregate_variance: np.ndarray
    prior_gap: float | None
    spread: float | None
    largest_correlation: float | None
    n: int
    shape: tuple[int, ...]

    @property
    def active(self) -> np.ndarray:
        """Which units are active; a point code has no prior to set its scale, so it is judged by the largest unit."""
        scale = 1.0 if self.kl is not None else max(float(self.mean_variance.max(initial=0)), 1e-30)
        return self.mean_variance > ACTIVE_ABOVE * scale

    @property
    def active_units(self) -> int:
        return int(self.active.sum())

    def by_map(self) -> tuple[np.ndarray, np.ndarray]:
        """KL and whether any unit is active, for each map of the code; for each dimension of a code without maps."""
        assert self.kl is not None, "points have no divergence"
        maps = self.shape[0]
        return self.kl.reshape(maps, -1).sum(axis=1), np.asarray(self.active.reshape(maps, -1).any(axis=1))

    def rows(self) -> dict[str, float | Interval]:
        """Name to number, for tables; the values of each dimension are the arrays."""
        found: dict[str, float | Interval | None] = {
            "KL, nats": self.kl_total,
            "active units": float(self.active_units),
            "gap to the prior, nats": self.prior_gap,
            "dimensions filled": self.spread,
            "largest correlation": self.largest_correlation,
        }
        return {name: value for name, value in found.items() if value is not None}

    def verdict(self) -> str:
        """In words."""
        used, all_of_them = self.active_units, len(self.mean_variance)
        if self.kl is None:
            idle = all_of_them - used
            return f"all {used} dimensions are used" if not idle else f"{idle} of {all_of_them} dimensions hardly vary"
        if used == 0:
            return "collapsed: the code says nothing about the picture; lower beta, or warm the KL up for longer"
        if used < all_of_them:
            rest = all_of_them - used
            told = f"{used:,} of {all_of_them:,} units are active; {rest:,} collapsed to the prior"
            if len(self.shape) == 1:
                return f"{told} and may as well be left out"
            return f"{told}; {int(self.by_map()[1].sum())} of {self.shape[0]} maps have an active one"
        return f"all {used} units are active; a larger latent may lower the bound further"


def codes(model: Fitted, X: Any, *, batch: int = 512, tick: Tick | None = None) -> Codes:
    """Encode a whole split and look at every dimension."""
    seen = _Moments()
    with torch.inference_mode():
        for _, x in batches(model, X, batch, tick):
            seen.add(model.encode(x))
    return seen.summary()


class _Moments:
    """Sums over pictures, dimension by dimension; the codes themselves are kept only where they are narrow."""

    def __init__(self) -> None:
        self.n = 0
        self.sums: dict[str, torch.Tensor] = {}
        self.totals: list[torch.Tensor] = []
        self.means: list[torch.Tensor] = []
        self.shape: tuple[int, ...] = ()

    def add(self, posterior: Any) -> None:
        self.shape = tuple(posterior.mean.shape[1:])
        mean = posterior.mean.flatten(1).cpu().double()
        if self.n == 0:
            self.origin = mean.mean(dim=0)  # squares are summed about it, so that nothing cancels
        self.n += len(mean)
        self._sum("mean", mean - self.origin)
        self._sum("square", (mean - self.origin).square())
        if mean.shape[1] <= _WIDEST:
            self.means.append(mean)
        if posterior.log_variance is not None:
            kl = posterior.kl().flatten(1).cpu().double()
            self._sum("inside", posterior.log_variance.exp().flatten(1).cpu().double())
            self._sum("kl", kl)
            self.totals.append(kl.sum(dim=1))

    def _sum(self, name: str, values: torch.Tensor) -> None:
        total = values.sum(dim=0)
        self.sums[name] = self.sums[name] + total if name in self.sums else total

    def summary(self) -> Codes:
        found = {name: value / self.n for name, value in self.sums.items()}
        varies = (found["square"] - found["mean"].square()).clamp_min(0)
        centre = self.origin + found["mean"]
        inside, kl = found.get("inside", torch.zeros_like(varies)), found.get("kl")
        scatter = _scatter(torch.cat(self.means), centre) if self.means else None
        gap = None if scatter is None or kl is None else _gap(centre, scatter + torch.diag(inside))
        return Codes(
            kl=None if kl is None else kl.numpy(),
            kl_total=None if kl is None else mean_interval(torch.cat(self.totals).numpy()),
            mean_variance=varies.numpy(),
            aggregate_mean=centre.numpy(),
            aggregate_variance=(varies + inside).numpy(),
            prior_gap=gap,
            spread=None if scatter is None else _spread(scatter),
            largest_correlation=None if scatter is None else _largest_correlation(scatter),
            n=self.n,
            shape=self.shape,
        )


def _scatter(mean: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    return (mean - centre).T @ (mean - centre) / len(mean)


def _spread(scatter: torch.Tensor) -> float:
    return float(scatter.trace().square() / scatter.square().sum().clamp_min(1e-300))


def _gap(mean: torch.Tensor, covariance: torch.Tensor) -> float:
    """KL(N(mean, covariance) || N(0, I))."""
    logs = torch.linalg.eigvalsh(covariance).clamp_min(1e-12).log().sum()
    return float(0.5 * (covariance.trace() + mean.square().sum() - len(mean) - logs))


def _largest_correlation(scatter: torch.Tensor) -> float:
    """Between two different dimensions that vary at all."""
    scale = scatter.diagonal().sqrt()
    alive = scale > 1e-6 * scale.max()
    correlation = (scatter / scale / scale[:, None])[alive][:, alive].fill_diagonal_(0)
    return float(correlation.abs().max()) if correlation.numel() else 0.0
