"""Draws around the starts, which learn nothing from scores: what every other optimiser has to beat."""

from dataclasses import dataclass

import torch

from isthmus.design.black_box._optimiser import AskTell
from isthmus.estimator import option

__all__ = ["Optimiser", "Random"]


@dataclass(kw_only=True, eq=False)
class Random(AskTell):
    """A start, and a normal step from it."""

    spread: float = option(0.5, "length of a step in each dimension, in deviations of the code", low=0)

    def _propose(self, k: int, generator: torch.Generator) -> torch.Tensor:
        rows = torch.randint(len(self.starts_), (k,), generator=generator)
        step = torch.randn(k, self.starts_.shape[1], generator=generator, dtype=torch.float64)
        return self.box_.inside(self.starts_[rows] + self.spread * step)


Optimiser = Random
