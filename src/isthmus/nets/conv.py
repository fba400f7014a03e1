"""Strided convolutions and their transposes: any picture size, any number of channels."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from isthmus.estimator import option
from isthmus.nets._channels_last import PictureConv2d, channels_last
from isthmus.nets._fold import FoldConvTranspose2d
from isthmus.nets._net import Habits, activation, dense, kaiming, per_layer
from isthmus.nets._net import Net as Base

__all__ = ["Conv", "Layer", "Net", "widths_for"]

_SMALLEST_MAP = 8
_FIRST_WIDTH = 32
_WIDEST = 128

Layer = dict[str, Any]


@dataclass(kw_only=True, eq=False)
class Conv(Base):
    """Each layer's transpose restores its input size exactly, so no picture size needs a network of its own."""

    habits: ClassVar[Habits] = Habits("muon", 0.02, 64, "linear", 600_000, spikes=0.0)

    channels: tuple[int, ...] | None = option(None, "channels of each layer (default: by the picture size)")
    kernel: int | tuple[int, ...] = option(4, "kernel size, one number or one a layer")
    stride: int | tuple[int, ...] = option(2, "stride, one number or one a layer")
    padding: int | tuple[int, ...] = option(1, "padding, one number or one a layer")
    hidden: tuple[int, ...] = option((), "widths of fully connected layers between the maps and the code")
    activation: str = option("leaky-relu", "after every hidden layer")
    batch_norm: bool = option(False, "normalise after every convolution")

    def encoder(self, shape: tuple[int, ...], width: int) -> nn.Sequential:
        channels, layers, sizes = self._plan(shape)
        blocks: list[nn.Module] = []
        for before, after, layer in zip(channels, channels[1:], layers, strict=False):
            convolution = kaiming(PictureConv2d(before, after, **layer))
            blocks.append(self._block(convolution, after))
        flat = channels[-1] * sizes[-1][0] * sizes[-1][1]
        widths = (flat, *self.hidden)
        code = kaiming(nn.Linear(widths[-1], width))
        return channels_last(*blocks, _Flat(), *dense(widths, self.activation), code)

    def decoder(self, width: int, shape: tuple[int, ...]) -> nn.Sequential:
        channels, layers, sizes = self._plan(shape)
        flat = channels[-1] * sizes[-1][0] * sizes[-1][1]
        widths = (width, *reversed(self.hidden), flat)
        blocks: list[nn.Module] = [*dense(widths, self.activation), _Maps(*sizes[-1])]
        for depth in range(len(layers), 0, -1):
            layer, small, large = layers[depth - 1], sizes[depth], sizes[depth - 1]
            extra = (large[0] - undone(small[0], layer, 0), large[1] - undone(small[1], layer, 1))
            wide, narrow, last = channels[depth], channels[depth - 1], depth == 1
            convolution = FoldConvTranspose2d(wide, narrow, **layer, output_padding=extra)
            blocks.append(kaiming(convolution) if last else self._block(kaiming(convolution), narrow))
        return channels_last(*blocks)

    def _block(self, convolution: nn.Module, channels: int) -> nn.Sequential:
        norm = [nn.BatchNorm2d(channels)] if self.batch_norm else []
        return nn.Sequential(convolution, *norm, activation(self.activation))

    def _plan(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[Layer], list[tuple[int, int]]]:
        """Channels, keyword arguments and sizes, layer by layer; an axis too short for a kernel is left alone."""
        channels = (shape[0], *(self.channels or widths_for(shape[1:])))
        count = len(channels) - 1
        kernels = per_layer(self.kernel, count, "kernel")
        strides = per_layer(self.stride, count, "stride")
        paddings = per_layer(self.padding, count, "padding")
        sizes, layers = [(shape[1], shape[2])], list[Layer]()
        for kernel, stride, padding in zip(kernels, strides, paddings, strict=True):
            fits = [length + 2 * padding >= kernel for length in sizes[-1]]
            layer = {
                "kernel_size": _where(fits, kernel, 1),
                "stride": _where(fits, stride, 1),
                "padding": _where(fits, padding, 0),
            }
            layers.append(layer)
            sizes.append((shrunk(sizes[-1][0], layer, 0), shrunk(sizes[-1][1], layer, 1)))
        return channels, layers, sizes


class _Flat(nn.Module):
    """Maps to rows in the order in which channels-last maps lie in memory, so that nothing is copied."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class _Maps(nn.Module):
    """Rows back to maps: the inverse of `_Flat`."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = (height, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(1, (*self.size, -1)).permute(0, 3, 1, 2)


def widths_for(size: tuple[int, ...]) -> tuple[int, ...]:
    """Halve until the map is at most 8 wide, doubling the channels up to 128."""
    longest = max(size)
    widths: list[int] = []
    while longest >= _SMALLEST_MAP and (longest > _SMALLEST_MAP or not widths):
        widths.append(min(_FIRST_WIDTH * 2 ** len(widths), _WIDEST))
        longest = (longest + 1) // 2
    return tuple(widths) or (_FIRST_WIDTH,)


def shrunk(length: int, layer: Layer, axis: int) -> int:
    kernel, stride, padding = (layer[key][axis] for key in ("kernel_size", "stride", "padding"))
    return (length + 2 * padding - kernel) // stride + 1


def undone(length: int, layer: Layer, axis: int) -> int:
    kernel, stride, padding = (layer[key][axis] for key in ("kernel_size", "stride", "padding"))
    return (length - 1) * stride - 2 * padding + kernel


def _where(fits: list[bool], value: int, otherwise: int) -> tuple[int, int]:
    return (value if fits[0] else otherwise, value if fits[1] else otherwise)


Net = Conv
