"""Maps with the channels innermost in memory: what the convolutions of CPUs and GPUs run fastest."""

import torch
from torch import nn

__all__ = ["PictureConv2d", "channels_last"]


class PictureConv2d(nn.Conv2d):
    """Says which way a picture of one channel lies: torch takes it for planes, and each layer after it would pay."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if input.dim() == 4 and input.shape[1] == 1:
            input = input.squeeze(1).unsqueeze(3).permute(0, 3, 1, 2)
        return super().forward(input)


def channels_last(*blocks: nn.Module) -> nn.Sequential:
    """These blocks in a row, their kernels laid out so."""
    made = nn.Sequential(*blocks)
    for parameter in made.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return made
