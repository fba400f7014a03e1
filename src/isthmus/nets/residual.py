"""Strided convolutions with residual blocks between them: slower than `conv`, and better where pictures are rich."""

from dataclasses import dataclass

import torch
from torch import nn

from isthmus.estimator import option
from isthmus.nets._net import activation, kaiming
from isthmus.nets.conv import Conv

__all__ = ["Net", "Residual"]


@dataclass(kw_only=True, eq=False)
class Residual(Conv):
    """After every strided layer, `blocks` residual blocks at that size."""

    activation: str = option("silu", "after every hidden layer")
    blocks: int = option(1, "residual blocks after every strided layer", low=0)

    def _block(self, convolution: nn.Module, channels: int) -> nn.Sequential:
        inside = [_Skip(channels, self.activation, self.batch_norm) for _ in range(self.blocks)]
        return nn.Sequential(*super()._block(convolution, channels), *inside)


class _Skip(nn.Module):
    """x + f(x), the last map of f starting small so that the block starts near the identity."""

    def __init__(self, channels: int, act: str, batch_norm: bool) -> None:
        super().__init__()

        def norm() -> list[nn.Module]:
            return [nn.BatchNorm2d(channels)] if batch_norm else []

        last = kaiming(nn.Conv2d(channels, channels, 3, padding=1, bias=not batch_norm))
        with torch.no_grad():
            last.weight.mul_(0.1)
        first = kaiming(nn.Conv2d(channels, channels, 3, padding=1, bias=not batch_norm))
        self.inside = nn.Sequential(first, *norm(), activation(act), last, *norm())
        self.after = activation(act)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(x + self.inside(x))


Net = Residual
