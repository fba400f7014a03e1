"""Steps that ask for a share of the error each: as long as a straight line would need to lose so much of it (Polyak).

Paper 003's algorithm 3: to every number its derivative times C / S is added, where C is the wished change of the error
and S the sum of the squared derivatives. On a straight line that changes the error by exactly C.
"""

from dataclasses import dataclass

import torch

from isthmus.design.searches._search import Memory, Walk
from isthmus.estimator import option

__all__ = ["Polyak", "Search"]


@dataclass(kw_only=True, eq=False)
class Polyak(Walk):
    """C is `-share` of the error. Where the slope vanishes such a step would be endless: none is longer than `cap`."""

    steps: int = option(2000, "at most so many from a start", low=0)
    share: float = option(0.1, "of the error, what each step asks to lose", low=0)
    cap: float = option(1.0, "longest step, in units of the code", low=0)

    def step(
        self, z: torch.Tensor, gradient: torch.Tensor, loss: torch.Tensor, share: float, memory: Memory
    ) -> torch.Tensor:
        length = gradient.flatten(1).norm(dim=1).clamp_min(1e-20)
        wished = (self.share * loss / length).clamp_max(self.cap)
        return -gradient * (wished / length).view(-1, *[1] * (z.ndim - 1))


Search = Polyak
