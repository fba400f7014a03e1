"""The encoder itself learns from the labels, with layers on top (paper 004's encoder + MLP)."""

from dataclasses import dataclass

import torch
from torch import nn

from isthmus.classify.heads._network import Network, answers, encoder_of
from isthmus.contract import Fitted
from isthmus.estimator import option

__all__ = ["Head", "Tuned"]


@dataclass(kw_only=True, eq=False)
class Tuned(Network):
    """With the model's network as it was before training, this is the network from scratch."""

    at: str = option("row", "the layers begin at the encoder's best row, or at its code", choices=("row", "code"))
    hidden: tuple[int, ...] = option((), "widths of the layers in between")
    dropout: float = option(0.2, "share of their outputs left out in training", low=0)

    def build(self, model: Fitted, x: torch.Tensor, classes: int) -> nn.Module:
        encoder, width = encoder_of(model, x, self.at)
        return nn.Sequential(encoder, answers(width, self.hidden, self.dropout, classes))


Head = Tuned
