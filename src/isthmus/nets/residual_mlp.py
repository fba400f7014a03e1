"""Fully connected layers of one width with residual blocks: the better net for densities, at little cost."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from isthmus.estimator import option
from isthmus.nets._net import Net as Base
from isthmus.nets._net import activation, kaiming, size_of

__all__ = ["Net", "ResidualMLP"]

_SMALL_START = 0.2


@dataclass(kw_only=True, eq=False)
class ResidualMLP(Base):
    """One layer to `width`, then `blocks` of x + f(x) at that width, then the code; the decoder is its mirror."""

    takes_tables: ClassVar[bool] = True

    width: int = option(400, "width of every layer", low=1)
    blocks: int = option(2, "residual blocks", low=0)
    activation: str = option("silu", "after every hidden layer")

    def encoder(self, shape: tuple[int, ...], width: int) -> nn.Sequential:
        return nn.Sequential(nn.Flatten(), *self._hidden(size_of(shape)), kaiming(nn.Linear(self.width, width), 0.5))

    def decoder(self, width: int, shape: tuple[int, ...]) -> nn.Sequential:
        last = kaiming(nn.Linear(self.width, size_of(shape)), 0.5)
        return nn.Sequential(*self._hidden(width), last, nn.Unflatten(1, shape))

    def _hidden(self, inputs: int) -> list[nn.Module]:
        first = nn.Sequential(kaiming(nn.Linear(inputs, self.width), 1.0), activation(self.activation))
        return [first, *(_Block(self.width, self.activation) for _ in range(self.blocks))]


class _Block(nn.Module):
    """x + f(x), near the identity before training."""

    def __init__(self, width: int, act: str) -> None:
        super().__init__()
        first, last = kaiming(nn.Linear(width, width), 1.0), kaiming(nn.Linear(width, width), _SMALL_START)
        self.inside = nn.Sequential(first, activation(act), last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inside(x)


Net = ResidualMLP
