"""Layers on the frozen code, flat or spatial, each number brought to one size (papers 000 and 004)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from isthmus.classify.heads._network import Network, answers
from isthmus.contract import Fitted
from isthmus.estimator import option

__all__ = ["Code", "Head"]


@dataclass(kw_only=True, eq=False)
class Code(Network):
    """Without hidden layers it is linear."""

    fixed: ClassVar[bool] = True

    hidden: tuple[int, ...] = option((), "widths of the layers in between")
    dropout: float = option(0.2, "share of their outputs left out in training", low=0)

    def build(self, model: Fitted, x: torch.Tensor, classes: int) -> nn.Module:
        width = int(model.encode(x).mean[0].numel())
        return nn.Sequential(nn.BatchNorm1d(width, affine=False), answers(width, self.hidden, self.dropout, classes))

    @torch.no_grad()
    def shown(self, x: torch.Tensor) -> torch.Tensor:
        return self._model.encode(x).mean.flatten(1).float()


Head = Code
