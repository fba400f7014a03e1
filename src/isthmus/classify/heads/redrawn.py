"""A convolutional network that is shown what the model's decoder draws of a picture (paper 004's AE + CNN)."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from isthmus.classify.heads._network import Network, answers
from isthmus.contract import Fitted
from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.nets._net import kaiming

__all__ = ["Head", "Redrawn"]


@dataclass(kw_only=True, eq=False)
class Redrawn(Network):
    """With `redraw` off it is shown the picture itself: the same network without the model."""

    fixed: ClassVar[bool] = True

    redraw: bool = option(True, "show what the decoder draws, rather than the picture")
    channels: tuple[int, ...] = option((32, 64), "of the convolutions, each halved by a pool")
    hidden: tuple[int, ...] = option((128,), "widths of the layers after them")
    dropout: float = option(0.2, "share of their outputs left out in training", low=0)

    def build(self, model: Fitted, x: torch.Tensor, classes: int) -> nn.Module:
        if x.ndim != 4 or min(x.shape[2:]) < 2 ** len(self.channels):
            raise UsageError("these are not pictures that a convolutional network can halve so often", "Use blend.")
        widths = (x.shape[1], *self.channels)
        blocks: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            blocks += [kaiming(nn.Conv2d(before, after, 3, padding=1)), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        trunk = nn.Sequential(*blocks, nn.Flatten())
        return nn.Sequential(trunk, answers(trunk(x).shape[1], self.hidden, self.dropout, classes))

    @torch.no_grad()
    def shown(self, x: torch.Tensor) -> torch.Tensor:
        return self._model.decode(self._model.encode(x).mean).float() if self.redraw else x


Head = Redrawn
