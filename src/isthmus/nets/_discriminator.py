"""Whoever tells real pictures from made ones: convolutions without batch norm, whose statistics would tell instead."""

import math

from torch import nn

from isthmus.nets._channels_last import PictureConv2d, channels_last
from isthmus.nets._net import activation, dense, kaiming

__all__ = ["discriminator"]

_LARGEST_MAP = 8


def discriminator(
    shape: tuple[int, ...],
    channels: tuple[int, ...] = (16, 32, 64),
    hidden: tuple[int, ...] = (256, 128, 64, 32),
) -> nn.Sequential:
    """From `(n, *shape)` to one number a picture, `(n, 1)`; a table's rows meet the fully connected layers only."""
    blocks: list[nn.Module] = []
    flat = math.prod(shape)
    if len(shape) == 3:
        size = list(shape[1:])
        for number, (before, after) in enumerate(zip((shape[0], *channels), channels, strict=False)):
            blocks.append(nn.Sequential(kaiming(PictureConv2d(before, after, 3, padding=1)), activation("leaky-relu")))
            if number < len(channels) - 1:
                # Rounded up, so that a side of one pixel stays one.
                blocks.append(nn.MaxPool2d(2, ceil_mode=True))
                size = [-(-side // 2) for side in size]
        if max(size) > _LARGEST_MAP:
            size = [min(side, _LARGEST_MAP) for side in size]
            blocks.append(nn.AdaptiveAvgPool2d((size[0], size[1])))
        flat = channels[-1] * size[0] * size[1]
    judge = kaiming(nn.Linear(hidden[-1], 1), 1.0)
    return channels_last(*blocks, nn.Flatten(), *dense((flat, *hidden), "leaky-relu"), judge)
