"""Steps of one length along the gradient, shorter towards the end: no flat stretch is too slow, no cliff too far."""

import math
from dataclasses import dataclass

import torch

from isthmus.design.searches._search import Memory, Walk
from isthmus.estimator import option

__all__ = ["Normalised", "Search"]


@dataclass(kw_only=True, eq=False)
class Normalised(Walk):
    """A step is `rate` times the root of the code's size long, in units of its own deviation."""

    rate: float = option(0.1, "length of a step, for each dimension, in deviations of the code", low=0)

    def step(
        self, z: torch.Tensor, gradient: torch.Tensor, loss: torch.Tensor, share: float, memory: Memory
    ) -> torch.Tensor:
        flat = gradient.flatten(1)
        length = self.rate * math.sqrt(flat.shape[1]) * 0.5 * (1 + math.cos(math.pi * share))
        return -length * gradient / flat.norm(dim=1).clamp_min(1e-12).view(-1, *[1] * (z.ndim - 1))


Search = Normalised
