"""A problem: given codes, how far is what they decode to from what is wished, and is it there?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

from isthmus.design.guide import Guide
from isthmus.design.wishes import Seen, Wish

__all__ = ["Penalty", "Problem", "Verdict"]

Decode = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Verdict:
    """`loss` is what is minimised, `(n,)`; `met` is whether every guide finds every wish granted."""

    loss: torch.Tensor
    met: torch.Tensor
    pictures: torch.Tensor
    seen: Seen


class Penalty(Protocol):
    """What else a code should mind: `(n,)`, from codes, the pictures they decode to, and which designs they are."""

    def __call__(self, z: torch.Tensor, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor: ...


@dataclass(frozen=True)
class Problem:
    """`decode` takes codes and which designs they belong to, and gives pictures in [0, 1]: a composite, where a part of
    a given picture is kept."""

    decode: Decode
    guide: Guide
    wishes: Sequence[Wish]
    penalties: Sequence[Penalty] = field(default=())

    def __call__(self, z: torch.Tensor, rows: torch.Tensor) -> Verdict:
        """What becomes of these codes, differentiable."""
        x = self.decode(z, rows)
        seen = self.guide(x)
        loss = torch.stack([wish.weight * wish.loss(seen, x) for wish in self.wishes]).sum(0)
        for penalty in self.penalties:
            loss = loss + penalty(z, x, rows)
        with torch.no_grad():
            met = torch.stack([wish.granted(seen, x) for wish in self.wishes]).all(0)
        return Verdict(loss, met, x, seen)
