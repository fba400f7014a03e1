"""Nats per picture by importance sampling: log p(x) >= E log 1/K sum p(x|z) p(z) / q(z|x)  (Burda et al. 2016).

A Bernoulli model is asked about pictures of 0 and 1: the test set is binarised once, by a seed that never changes and
a key that is the picture's own. Such nats and those of grey values are different quantities; never compare them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.contract import Dense, Tick, keys_for, part_of
from isthmus.errors import UsageError
from isthmus.rng import Noise
from isthmus.stats import Interval, mean_interval
from isthmus.train.devices import exact

__all__ = ["Density", "binarised", "importance_weighted_bound"]

BINARISATION_SEED = 0
_BLOCK = 100  # draws under one key: the first 500 of 5,000 draws are the 500 of a quick look
_WIDE = 1024
_CHECKED = 40  # pictures on which bfloat16 is compared with float32 before it is believed
_ALLOWED = 0.05  # nats that bfloat16 may differ by


@dataclass(frozen=True)
class Density:
    """Lower bounds of log p(x), one value a picture, for each number of draws asked for.

    `elbo` is the mean log weight over all draws: the bound of one draw with the noise of many. `effective` is how many
    of the draws carry the weight; near 1, q is a poor proposal and the bound is loose. `precision_gap` is what
    bfloat16 changed on the pictures it was checked on, in nats.
    """

    bounds: dict[int, np.ndarray]
    elbo: np.ndarray
    effective: np.ndarray
    binarised: bool
    precision: str
    precision_gap: float | None

    def nats(self, samples: int | None = None) -> Interval:
        """Minus the bound, in the mean over pictures, as tables print it: lower is better; the most draws if unsaid."""
        return mean_interval(-self.bounds[max(self.bounds) if samples is None else samples])

    def rows(self) -> dict[str, Interval]:
        """Name to interval, in nats, lower is better."""
        kind = "binarised" if self.binarised else "grey"
        found = {f"nats, K={k} ({kind})": self.nats(k) for k in sorted(self.bounds)}
        return {f"negative ELBO ({kind})": mean_interval(-self.elbo)} | found


def binarised(x: torch.Tensor, keys: np.ndarray | torch.Tensor, seed: int = BINARISATION_SEED) -> torch.Tensor:
    """0 or 1 for each pixel, 1 with the pixel's probability; always the same for the same picture."""
    noise = Noise(torch.as_tensor(keys).to(x.device), seed, "binarise")
    return (noise.uniform("pixels", *x.shape[1:]) < x).to(x.dtype)


def importance_weighted_bound(
    model: Dense,
    X: Any,
    samples: int | Sequence[int] = 500,
    *,
    seed: int = 0,
    rows: int | None = None,
    precision: str = "float32",
    tick: Tick | None = None,
) -> Density:
    """The bound of every picture of `X` for one or several numbers of draws.

    `rows` is how many codes are decoded at once: unsaid, few enough for a processor's cache. `precision="bf16"` runs
    the matrix products in bfloat16 if, on some of these pictures, that changes the bound by less than .05 nat.
    """
    wanted = sorted({int(k) for k in np.atleast_1d(samples)})
    if wanted[0] < 1 or precision not in ("float32", "bf16"):
        raise UsageError(f"samples={samples}, precision={precision!r}", "Use at least 1; 'float32' or 'bf16'.")
    keys = keys_for(X)
    rows = rows or (500 if model.tensor(part_of(X, 0, 1)).device.type == "cpu" else 20_000)
    gap = None
    if precision == "bf16":
        gap = _gap(model, part_of(X, 0, _CHECKED), keys[:_CHECKED], min(wanted[-1], 500), seed, rows)
        precision = "bf16" if gap < _ALLOWED else "float32"
    parts = []
    size = max(1, rows // min(_together(model.latent_shape_), wanted[-1]))
    for start in range(0, len(X), size):
        weights = _weights(
            model, part_of(X, start, start + size), keys[start : start + size], wanted[-1], seed, precision
        )
        parts.append(_summaries(weights, wanted))
        if tick:
            tick(min(start + size, len(X)), len(X))
    columns = torch.cat(parts).numpy()
    bounds = {k: columns[:, i] for i, k in enumerate(wanted)}
    binary = bool(getattr(model, "binary_likelihood", False))
    return Density(bounds, columns[:, -2], columns[:, -1], binary, precision, gap)


def _gap(model: Dense, X: Any, keys: np.ndarray, draws: int, seed: int, rows: int) -> float:
    """How far bfloat16 moves the mean bound of some pictures, in nats; the draws are the same in both."""
    means = []
    for precision in ("float32", "bf16"):
        size = max(1, rows // _together(model.latent_shape_))
        found = [
            _weights(model, part_of(X, i, i + size), keys[i : i + size], draws, seed, precision).logsumexp(dim=1)
            for i in range(0, len(X), size)
        ]
        means.append(float(torch.cat(found).mean()))
    return abs(means[0] - means[1])


def _together(shape: tuple[int, ...]) -> int:
    """How many draws have one key: a wide code's are made one by one, for a hundred would be in the way."""
    return _BLOCK if math.prod(shape) <= _WIDE else 1


def _summaries(weights: torch.Tensor, wanted: list[int]) -> torch.Tensor:
    """One column a bound, then the mean log weight and the effective number of draws."""
    bounds = [weights[:, :k].logsumexp(dim=1) - np.log(k) for k in wanted]
    effective = (2 * weights.logsumexp(dim=1) - (2 * weights).logsumexp(dim=1)).exp()
    return torch.stack([*bounds, weights.mean(dim=1), effective], dim=1)


@torch.inference_mode()
def _weights(model: Dense, X: Any, keys: np.ndarray, draws: int, seed: int, precision: str) -> torch.Tensor:
    """log p(x|z) + log p(z) - log q(z|x) of `draws` codes for each picture, in float64."""
    x = model.tensor(X)
    if getattr(model, "binary_likelihood", False):
        x = binarised(x, keys)
    q = model.encode(x)
    if q.log_variance is None:
        raise UsageError(f"{type(model).__name__} has no density", "Measure the density of a model with a posterior.")
    parts, block = [], _together(q.mean.shape[1:])
    for start in range(0, draws, block):
        noise = Noise(torch.as_tensor(keys).to(x.device), seed, "importance", start // block).normal(
            "latent", block, *q.mean.shape[1:]
        )
        parts.append(_block(model, x, q, noise[:, : draws - start], precision))
    return torch.cat(parts, dim=1)


def _block(model: Dense, x: torch.Tensor, q: Any, noise: torch.Tensor, precision: str) -> torch.Tensor:
    """The log weights of one block of draws. The 2 pi of prior and posterior cancel."""
    n, draws = noise.shape[:2]
    z = (q.mean[:, None] + (0.5 * q.log_variance).exp()[:, None] * noise).flatten(0, 1)
    log_q = -0.5 * exact((noise.square() + q.log_variance[:, None]).flatten(2)).sum(dim=2)
    own = getattr(model, "log_prior", None)  # a model with a prior of its own says so, without the 2 pi too
    log_prior = exact(own(z)) if own else -0.5 * exact(z.flatten(1)).square().sum(dim=1)
    many = x[:, None].expand(n, draws, *x.shape[1:]).flatten(0, 1)
    with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
        log_p = model.log_likelihood(many, z)
    return ((exact(log_p) + log_prior).view(n, draws) - log_q).cpu()
