"""Fully connected layers; takes tables as well as pictures."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from isthmus.estimator import option
from isthmus.nets._net import Net as Base
from isthmus.nets._net import dense, kaiming, size_of

__all__ = ["MLP", "Net"]


@dataclass(kw_only=True, eq=False)
class MLP(Base):
    """784-500-500-latent and back, unless told otherwise."""

    takes_tables: ClassVar[bool] = True

    hidden: tuple[int, ...] = option((500, 500), "widths of the hidden layers, from the pictures inwards")
    activation: str = option("relu", "after every hidden layer")
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
