"""Fully connected layers with batch norm, each followed by a residual block, down to one number a class."""

import torch
from torch import nn

from isthmus.nets._net import dense, kaiming

__all__ = ["classifier"]


def classifier(width: int, classes: int, hidden: tuple[int, ...] = (128, 128, 128)) -> nn.Sequential:
    """From flat codes to the logits of the classes."""
    blocks: list[nn.Module] = []
    for before, after in zip((width, *hidden), hidden, strict=False):
        blocks += [*dense((before, after), "leaky-relu", batch_norm=True), _Skip(after)]
    return nn.Sequential(*blocks, kaiming(nn.Linear(hidden[-1], classes), 1.0))


class _Skip(nn.Module):
    """x + f(x), the last map of f starting small."""

    def __init__(self, width: int) -> None:
        super().__init__()
        last = kaiming(nn.Linear(width, width), 0.1)
        self.inside = nn.Sequential(*dense((width, width), "leaky-relu", batch_norm=True), last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inside(x)
