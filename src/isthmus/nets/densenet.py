"""Densely connected convolutions with a code of maps, as paper 000 has it: every layer sees all that came before it.

For pictures of 32x32, `padding` 3, 7 and 11 give codes of 8x8, 10x10 and 12x12, the paper's 6,400, 10,000 and 14,400
numbers at 100 maps. The blocks are those of Zhu and Zabaras (2018), whose training habits the paper shares: 3 layers
before the code, 6 and 3 after it. Such a code is larger than the picture: only its price keeps it from copying.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.nets._channels_last import PictureConv2d, channels_last
from isthmus.nets._fold import FoldConvTranspose2d
from isthmus.nets._net import Habits, kaiming
from isthmus.nets._net import Net as Base

__all__ = ["DenseNet", "Net"]

_KERNEL, _REACH = 7, 3  # of the first convolution: with this padding its first window is centred on the first pixel
_QUIET = 0.5


@dataclass(kw_only=True, eq=False)
class DenseNet(Base):
    """`blocks` count dense layers: the first half before the code, each followed by a halving, the others after it.

    The paper trained with --optimiser adam --learning-rate 1e-4 --weight-decay 1e-3 --batch-size 16 --schedule plateau
    --epochs 100; the habits here take a fifth of its epochs and a hundredth of its steps.
    """

    habits: ClassVar[Habits] = Habits("adam", 1e-3, 256, "one-cycle", 1_000_000, spikes=0.0, fewest=20.0)

    blocks: tuple[int, ...] = option((3, 6, 3), "dense layers of each block, an odd number of blocks")
    growth: int = option(16, "channels that every dense layer adds", low=1)
    first: int = option(48, "channels of the first convolution", low=2)
    padding: int = option(3, "around the picture, at least 3: 3, 7 and 11 make 32x32 a code of 8, 10, 12 a side", low=3)

    def latent_shape(self, width: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        self._check(shape)
        return (width, *(self._halved(length) for length in shape[1:]))

    def encoder(self, shape: tuple[int, ...], width: int) -> nn.Sequential:
        self._check(shape)
        before, _ = self._halves()
        opening = kaiming(PictureConv2d(shape[0], self.first, _KERNEL, 2, self.padding, bias=False))
        blocks, channels = [nn.Sequential(opening)], self.first
        for layers in before:
            blocks += [_dense(channels, layers, self.growth), _halving(channels + layers * self.growth)]
            channels = (channels + layers * self.growth) // 2
        return channels_last(*blocks, nn.Sequential(*_ready(channels), kaiming(_Pointwise(channels, width, 1), _QUIET)))

    def decoder(self, width: int, shape: tuple[int, ...]) -> nn.Sequential:
        self._check(shape)
        before, after = self._halves()
        channels = self.first
        for layers in before:
            channels = (channels + layers * self.growth) // 2
        # A linear map first: a dense layer begins with a rectifier, which would not see half of the code's numbers.
        blocks: list[nn.Module] = [kaiming(_Pointwise(width, channels, 1, bias=False), 1.0)]
        for number, layers in enumerate(after, 1):
            blocks.append(_dense(channels, layers, self.growth))
            channels += layers * self.growth
            last = number == len(after)
            blocks.append(_drawing(channels, shape[0]) if last else _doubling(channels))
            channels //= 2
        return channels_last(*blocks, _Window(self.padding - _REACH, shape[1], shape[2]))

    def _halves(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The blocks before the code and those after it."""
        middle = len(self.blocks) // 2
        return self.blocks[:middle], self.blocks[middle:]

    def _halved(self, length: int) -> int:
        length = (length + 2 * self.padding - _KERNEL) // 2 + 1
        for _ in self._halves()[0]:
            length = (length - 1) // 2 + 1
        return length

    def _check(self, shape: tuple[int, ...]) -> None:
        self.check_params()
        if len(self.blocks) % 2 == 0 or min(self.blocks) < 1:
            told = ",".join(map(str, self.blocks)) or "none"
            raise UsageError(f"blocks are {told}", "Give an odd number of them, each of at least 1 layer, as 3,6,3.")
        if len(shape) != 3:
            raise UsageError(f"densenet takes pictures, not {shape[0]} features a row", 'Use net="mlp".')


class _Pointwise(nn.Conv2d):
    """A convolution of single pixels, as the product of matrices that it is.

    How torch's own computes one depends on the size of the batch; here a picture's code is the same in any company.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class _Dense(nn.Module):
    """What came in, and after it what the layers make of it."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.layers(x)], dim=1)


class _Window(nn.Module):
    """The part of what is drawn that the encoder looked at: as far in as its padding reached out."""

    def __init__(self, start: int, height: int, width: int) -> None:
        super().__init__()
        self.rows, self.columns = slice(start, start + height), slice(start, start + width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, self.rows, self.columns]


def _dense(channels: int, layers: int, growth: int) -> nn.Sequential:
    made = [
        _Dense(nn.Sequential(*_ready(c), kaiming(nn.Conv2d(c, growth, 3, padding=1, bias=False))))
        for c in range(channels, channels + layers * growth, growth)
    ]
    return nn.Sequential(*made)


def _halving(channels: int) -> nn.Sequential:
    half = channels // 2
    return nn.Sequential(*_thin(channels), kaiming(nn.Conv2d(half, half, 3, 2, 1, bias=False)))


def _doubling(channels: int) -> nn.Sequential:
    half = channels // 2
    grown = kaiming(nn.ConvTranspose2d(half, half, 3, 2, 1, output_padding=1, bias=False))
    return nn.Sequential(*_thin(channels), grown)


def _drawing(channels: int, pictures: int) -> nn.Sequential:
    """A kernel of 4 always: with the window after it, odd sizes need no kernel of their own."""
    return nn.Sequential(*_thin(channels), kaiming(FoldConvTranspose2d(channels // 2, pictures, 4, 2, 1), 1.0))


def _thin(channels: int) -> list[nn.Module]:
    """Half as many channels, ready for what follows."""
    half = channels // 2
    return [*_ready(channels), kaiming(_Pointwise(channels, half, 1, bias=False)), *_ready(half)]


def _ready(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


Net = DenseNet
