"""What a network is here: two functions of shapes, an encoder and the decoder that undoes its sizes."""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from torch import nn

from isthmus.errors import UsageError
from isthmus.estimator import Estimator

__all__ = ["ACTIVATIONS", "Habits", "Net", "activation", "dense", "kaiming", "per_layer", "size_of"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": lambda: nn.ReLU(inplace=True),
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "leaky-relu": lambda: nn.LeakyReLU(0.2, inplace=True),
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


Linear = TypeVar("Linear", nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class Habits:
    """How a kind of network trains well when nobody says otherwise; measured, see dev/LOG.md.

    `looks` is how many pictures training sees in all, so that small piles are seen more often; a large one is still
    seen `fewest` times.
    """

    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    batch_size: int = 256
    schedule: str = "cosine"
    looks: int = 5_000_000
    spikes: float = 1.5
    fewest: float = 10.0


@dataclass(kw_only=True, eq=False)
class Net(Estimator, ABC):
    """A way to build networks for any shape. The blocks of an encoder are its children, in order: its layers."""

    takes_tables: ClassVar[bool] = False
    habits: ClassVar[Habits] = Habits()

    @abstractmethod
    def encoder(self, shape: tuple[int, ...], width: int) -> nn.Sequential:
        """From `(n, *shape)` to `(n, *latent_shape(width, shape))`."""

    @abstractmethod
    def decoder(self, width: int, shape: tuple[int, ...]) -> nn.Sequential:
        """From `(n, *latent_shape(width, shape))` to `(n, *shape)`, with nothing after the last linear map."""

    def latent_shape(self, width: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a code of this width for pictures of this shape: a row of numbers, or `width` maps."""
        return (width,)


def activation(name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise UsageError(f"there is no activation {name!r}", f"Choose one of: {', '.join(sorted(ACTIVATIONS))}.")
    return ACTIVATIONS[name]()


def kaiming(layer: Linear, gain: float = math.sqrt(2)) -> Linear:
    """Weights that keep the size of what passes through them (`gain` undoes a rectifier's halving), biases zero.

    Each output of a transposed convolution sums over kernel / stride inputs a side, which torch's own count overlooks.
    """
    weight = layer.weight
    inputs: float = weight[0].numel()
    if isinstance(layer, nn.ConvTranspose2d):
        overlap = [max(1.0, k / s) for k, s in zip(layer.kernel_size, layer.stride, strict=True)]
        inputs = layer.in_channels * math.prod(overlap)
    nn.init.normal_(weight, 0.0, gain / math.sqrt(inputs))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def dense(widths: tuple[int, ...], act: str, batch_norm: bool = False) -> list[nn.Module]:
    """Fully connected blocks through these widths, an activation after each."""
    blocks: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        norm = [nn.BatchNorm1d(after)] if batch_norm else []
        linear = kaiming(nn.Linear(before, after, bias=not batch_norm))
        blocks.append(nn.Sequential(linear, *norm, activation(act)))
    return blocks


def per_layer(value: int | tuple[int, ...], layers: int, name: str) -> tuple[int, ...]:
    """One number for every layer, or a number each."""
    values = (value,) * layers if isinstance(value, int) else tuple(value)
    if len(values) != layers:
        raise UsageError(f"{name} has {len(values)} numbers for {layers} layers", "Give one number, or one a layer.")
    return values


def size_of(shape: tuple[int, ...]) -> int:
    return math.prod(shape)
