"""Fully connected layers; takes tables as well as pictures."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from isthmus.estimator import option
from isthmus.nets._net import Habits, dense, kaiming, size_of
from isthmus.nets._net import Net as Base

__all__ = ["MLP", "Net"]


@dataclass(kw_only=True, eq=False)
class MLP(Base):
    """Narrowing layers to the code and widening ones back."""

    takes_tables: ClassVar[bool] = True
    habits: ClassVar[Habits] = Habits("muon", 0.02, 128, "linear", 1_800_000, spikes=0.0)

    hidden: tuple[int, ...] = option((256, 128, 64), "widths of the hidden layers, from the pictures inwards")
    activation: str = option("leaky-relu", "after every hidden layer")
    batch_norm: bool = option(False, "normalise after every hidden layer")

    def encoder(self, shape: tuple[int, ...], width: int) -> nn.Sequential:
        widths = (size_of(shape), *self.hidden)
        return nn.Sequential(
            nn.Flatten(), *dense(widths, self.activation, self.batch_norm), kaiming(nn.Linear(widths[-1], width), 1.0)
        )

    def decoder(self, width: int, shape: tuple[int, ...]) -> nn.Sequential:
        widths = (width, *reversed(self.hidden))
        last = kaiming(nn.Linear(widths[-1], size_of(shape)), 1.0)
        return nn.Sequential(*dense(widths, self.activation, self.batch_norm), last, nn.Unflatten(1, shape))


Net = MLP
