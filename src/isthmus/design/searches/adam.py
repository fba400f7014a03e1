"""Adam's steps, one state a design."""

import math
from dataclasses import dataclass

import torch

from isthmus.design.searches._search import Memory, Walk
from isthmus.estimator import option

__all__ = ["Adam", "Search"]

_FIRST, _SECOND = 0.9, 0.999


@dataclass(kw_only=True, eq=False)
class Adam(Walk):
    """As for weights, without decay; the rate falls along a cosine."""

    rate: float = option(0.1, "length of a step along each dimension, in deviations of the code", low=0)

    def step(
        self, z: torch.Tensor, gradient: torch.Tensor, loss: torch.Tensor, share: float, memory: Memory
    ) -> torch.Tensor:
        at = memory["at"] = memory.get("at", torch.zeros(len(z))) + 1
        mean = memory.get("mean", torch.zeros_like(z))
        square = memory.get("square", torch.zeros_like(z))
        mean = memory["mean"] = _FIRST * mean + (1 - _FIRST) * gradient
        square = memory["square"] = _SECOND * square + (1 - _SECOND) * gradient.square()
        count = at.view(-1, *[1] * (z.ndim - 1))
        direction = (mean / (1 - _FIRST**count)) / ((square / (1 - _SECOND**count)).sqrt() + 1e-8)
        return -self.rate * 0.5 * (1 + math.cos(math.pi * share)) * direction


Search = Adam
