"""What keeps codes where the data are, and answers apart: penalties beside the wishes, each with its weight."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from isthmus.stats.mixture import Mixture

__all__ = ["Apart", "Consistent", "Dense", "Kept", "Near"]

Decoder = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Dense:
    """Codes as likely as those of pictures: what lies below `bound` nats pays, a share of a nat a dimension each."""

    mixture: Mixture
    bound: float
    weight: float

    def __call__(self, z: torch.Tensor, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        flat = z.flatten(1)
        return self.weight * (self.bound - _log_density(self.mixture, flat)).clamp_min(0) / flat.shape[1]


@dataclass(frozen=True)
class Near:
    """A trust region: within `radius` deviations a dimension of where each design started nothing is paid."""

    starts: torch.Tensor
    radius: float
    weight: float = 10.0

    def __call__(self, z: torch.Tensor, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        away = (z - self.starts[rows]).flatten(1)
        distance = away.square().mean(1).clamp_min(1e-12).sqrt()
        return self.weight * (distance / self.radius - 1).clamp_min(0).square()


@dataclass(frozen=True)
class Consistent:
    """Encoding what was decoded gives the code again, as it does where the data are."""

    encode: Decoder
    weight: float

    def __call__(self, z: torch.Tensor, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return self.weight * (self.encode(x) - z).flatten(1).square().mean(1)


@dataclass(frozen=True)
class Apart:
    """Answers that differ: two pictures nearer than `distance` a pixel, root mean square, pay."""

    distance: float
    weight: float

    def __call__(self, z: torch.Tensor, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(1)
        if len(flat) < 2:
            return flat.new_zeros(len(flat))
        apart = torch.cdist(flat, flat.detach()) / math.sqrt(flat.shape[1])
        apart = apart + 1e9 * torch.eye(len(flat), device=flat.device)
        return self.weight * (1 - apart.amin(1) / self.distance).clamp_min(0).square()


@dataclass(frozen=True)
class Kept:
    """What is decoded goes on, across the seam, what is kept: `free` is 1 where the picture may change."""

    given: torch.Tensor
    free: torch.Tensor
    decode: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    weight: float

    def __call__(self, z: torch.Tensor, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        fixed = 1 - self.free
        off = ((self.decode(z, rows) - self.given[rows]) * fixed).square().flatten(1).sum(1)
        return self.weight * off / fixed.sum().clamp_min(1)


def _log_density(mixture: Mixture, z: torch.Tensor) -> torch.Tensor:
    """The mixture's log-density in nats, differentiable."""
    parts = []
    for weight, mean, factor in zip(mixture.weights, mixture.means, mixture.factors, strict=True):
        turned = (z - z.new_tensor(mean)) @ z.new_tensor(factor)
        volume = float(torch.as_tensor(factor).diagonal().log().sum()) - 0.5 * z.shape[1] * math.log(2 * math.pi)
        parts.append(math.log(weight) + volume - 0.5 * turned.square().sum(1))
    return torch.stack(parts).logsumexp(0)
