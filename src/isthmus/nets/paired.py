"""Pairs of convolutions without stride, each followed by a residual block, pooled in between (Zemouri 2020)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from isthmus.estimator import option
from isthmus.nets._channels_last import PictureConv2d, channels_last
from isthmus.nets._net import Habits, activation, dense, kaiming
from isthmus.nets._net import Net as Base

__all__ = ["Net", "Paired"]

_ACTIVATION = "leaky-relu"


@dataclass(kw_only=True, eq=False)
class Paired(Base):
    """The paper's filter counts are lost with its figure 6; these are ours, and a quarter of them trains on two cores.

    The decoder goes back the same way: fully connected, pairs, and nearest neighbours where the encoder pooled.
    """

    habits: ClassVar[Habits] = Habits("muon", 0.02, 128, "linear", 240_000, spikes=0.0, fewest=2.0)

    channels: tuple[int, ...] = option((32, 64, 128), "channels of each pair of convolutions")
    hidden: tuple[int, ...] = option((512, 256, 128), "widths between the maps and the code")

    def encoder(self, shape: tuple[int, ...], width: int) -> nn.Sequential:
        blocks: list[nn.Module] = []
        before = shape[0]
        for number, channels in enumerate(self.channels):
            pool = [nn.MaxPool2d(2, ceil_mode=True)] if number else []
            blocks += [nn.Sequential(*pool, *_looking(before, channels)), nn.Sequential(*_looking(channels, channels))]
            before = channels
        height, wide = self._sizes(shape)[-1]
        widths = (before * height * wide, *self.hidden)
        code = kaiming(nn.Linear(widths[-1], width), 1.0)
        return channels_last(*blocks, nn.Flatten(), *dense(widths, _ACTIVATION), code)

    def decoder(self, width: int, shape: tuple[int, ...]) -> nn.Sequential:
        sizes = self._sizes(shape)
        height, wide = sizes[-1]
        last = self.channels[-1]
        rows = dense((width, *reversed(self.hidden[1:]), last * height * wide), _ACTIVATION, batch_norm=True)
        blocks: list[nn.Module] = [*rows, nn.Unflatten(1, (last, height, wide))]
        before = last
        for number, channels in reversed(list(enumerate(self.channels))):
            blocks += [nn.Sequential(*_drawing(before, channels)), nn.Sequential(*_drawing(channels, channels))]
            if number:
                blocks.append(_Enlarged(sizes[number - 1]))
            before = channels
        return channels_last(*blocks, kaiming(nn.Conv2d(before, shape[0], 3, padding=1), 1.0))

    def _sizes(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """Of the maps of every pair; odd sides are rounded up, so that nothing of the picture is lost."""
        sizes = [(shape[1], shape[2])]
        for _ in self.channels[1:]:
            sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
        return sizes


class _Skip(nn.Module):
    """x + f(x), f two convolutions with batch norm, the second starting small."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, last = (kaiming(nn.Conv2d(channels, channels, 3, padding=1, bias=False)) for _ in range(2))
        norm = nn.BatchNorm2d(channels)
        nn.init.constant_(norm.weight, 0.1)
        self.inside = nn.Sequential(first, nn.BatchNorm2d(channels), activation(_ACTIVATION), last, norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inside(x)


class _Enlarged(nn.Module):
    """Nearest neighbours up to a size, whatever was lost in rounding on the way down."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.interpolate(x, self.size, mode="nearest")


def _looking(before: int, channels: int) -> list[nn.Module]:
    convolution = kaiming(PictureConv2d(before, channels, 3, padding=1), 1.0)
    return [convolution, _Skip(channels), activation(_ACTIVATION)]


def _drawing(before: int, channels: int) -> list[nn.Module]:
    convolution = kaiming(nn.Conv2d(before, channels, 3, padding=1, bias=False))
    return [convolution, nn.BatchNorm2d(channels), activation(_ACTIVATION), _Skip(channels)]


Net = Paired
