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


@dataclass(frozen=True)
class Codes:
    """One value a latent dimension, over a whole split.

    `kl` and its total are None for a model whose codes are points. `aggregate_mean` and `aggregate_variance` are those
    of all pictures' posteriors poured together, which sampling from N(0, I) takes to be 0 and 1; `prior_gap` is the
    divergence of the Gaussian with these moments from N(0, I), in nats. `spread` is how many dimensions the codes
    fill: (sum of eigenvalues)^2 / sum of their squares.
    """

    kl: np.ndarray | None
    kl_total: Interval | None
    mean_variance: np.ndarray
    aggregate_mean: np.ndarray
    aggregate_variance: np.ndarray
    prior_gap: float | None
    spread: float
    largest_correlation: float
    n: int

    @property
    def active(self) -> np.ndarray:
        """Which units are active; a point code has no prior to set its scale, so it is judged by the largest unit."""
        scale = 1.0 if self.kl is not None else max(float(self.mean_variance.max(initial=0)), 1e-30)
        return self.mean_variance > ACTIVE_ABOVE * scale

    @property
    def active_units(self) -> int:
        return int(self.active.sum())

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
            return (
                f"{used} of {all_of_them} units are active; {rest} collapsed to the prior and may as well be left out"
            )
        return f"all {used} units are active; a larger latent may lower the bound further"


def codes(model: Fitted, X: Any, *, batch: int = 512, tick: Tick | None = None) -> Codes:
    """Encode a whole split and look at every dimension."""
    means, variances, divergences = [], [], []
    with torch.inference_mode():
        for _, x in batches(model, X, batch, tick):
            q = model.encode(x)
            means.append(q.mean.flatten(1).double().cpu())
            if q.log_variance is not None:
                variances.append(q.log_variance.exp().flatten(1).double().cpu())
                divergences.append(q.kl().flatten(1).double().cpu())
    mean = torch.cat(means)
    inside = torch.cat(variances).mean(dim=0) if variances else torch.zeros(mean.shape[1], dtype=torch.float64)
    kl = torch.cat(divergences).numpy() if divergences else None
    return _summary(mean, inside, kl)


def _summary(mean: torch.Tensor, inside: torch.Tensor, kl: np.ndarray | None) -> Codes:
    centre, varies = mean.mean(dim=0), mean.var(dim=0, correction=0)
    whole = varies + inside
    scatter = (mean - centre).T @ (mean - centre) / len(mean)
    return Codes(
        kl=None if kl is None else kl.mean(axis=0),
        kl_total=None if kl is None else mean_interval(kl.sum(axis=1)),
        mean_variance=varies.numpy(),
        aggregate_mean=centre.numpy(),
        aggregate_variance=whole.numpy(),
        prior_gap=None if kl is None else _gap(centre, scatter + torch.diag(inside)),
        spread=float(scatter.trace().square() / scatter.square().sum().clamp_min(1e-300)),
        largest_correlation=_largest_correlation(scatter),
        n=len(mean),
    )


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
