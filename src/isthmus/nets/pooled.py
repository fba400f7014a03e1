"""Convolutions with batch norm down to a small map, and its mean: the trunk that comparing views trains well."""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from isthmus.estimator import option
from isthmus.nets._net import Habits, dense, kaiming
from isthmus.nets.conv import Conv, Layer

__all__ = ["Net", "Pooled"]

_LAST_MAP = 4
_FEWEST = 32
_DECODER_ACTIVATION = "leaky-relu"


@dataclass(kw_only=True, eq=False)
class Pooled(Conv):
    """A layer more than there are halvings, the last one `width` wide; the code is a linear map of the mean over it."""

    habits: ClassVar[Habits] = Habits("muon", 0.02, 128, "cosine", 270_000, spikes=0.0, fewest=2.0)

    width: int = option(256, "channels of the last map", low=1)
    activation: str = option("relu", "after every hidden layer")
    batch_norm: bool = option(True, "normalise after every convolution")

    def encoder(self, shape: tuple[int, ...], width: int) -> nn.Sequential:
        channels, layers, _ = self._plan(shape)
        blocks = list(super().encoder(shape, width))[: len(layers)]
        pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        widths = (channels[-1], *self.hidden)
        code = kaiming(nn.Linear(widths[-1], width), 1.0)
        return nn.Sequential(*blocks, pooled, *dense(widths, self.activation, self.batch_norm), code)

    def decoder(self, width: int, shape: tuple[int, ...]) -> nn.Sequential:
        """No mirror image: this trunk looks closely, and drawing what it says takes less."""
        return Conv(activation=_DECODER_ACTIVATION).decoder(width, shape)

    def _plan(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[Layer], list[tuple[int, int]]]:
        if self.channels is not None:
            return super()._plan(shape)
        halvings = max(1, math.ceil(math.log2(max(shape[1:]) / _LAST_MAP)))
        widths = [max(_FEWEST, self.width >> halvings - i) for i in range(halvings + 1)]
        # Wide at first, where a picture has only its pixels; one layer before the last looks without halving.
        shaped = Conv(
            channels=tuple(min(w, self.width) for w in widths),
            kernel=(5, *[3] * halvings),
            stride=(*[2] * (halvings - 1), 1, 2),
            padding=(2, *[1] * halvings),
        )
        return shaped._plan(shape)


Net = Pooled
