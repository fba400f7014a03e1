"""A transposed convolution to few channels, done as a plain convolution: the usual last layer of a decoder.

With a kernel of a whole number of strides (zeros make up what is missing), every output pixel of a cell of stride x
stride sees the same few input pixels. So the layer is one convolution of stride 1 with a small kernel and stride *
stride times the channels, which are then laid out as pixels. At 1 to 4 output channels, and at up to 16 in bfloat16,
that takes a third to nine tenths of the time of the transposed form; elsewhere it is slower and not used.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["FoldConvTranspose2d", "foldable", "subpixel"]

_WORDS = {2: torch.int16, 4: torch.int32, 8: torch.int64, 16: torch.complex128}


class FoldConvTranspose2d(nn.ConvTranspose2d):
    """nn.ConvTranspose2d: its arguments, parameters and result; quicker on a processor where `foldable`."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        half = torch.is_autocast_enabled("cpu") or input.dtype == torch.bfloat16
        quick = output_size is None and input.dim() == 4 and input.device.type == "cpu" and foldable(self, half)
        return subpixel(input, self) if quick else super().forward(input, output_size)


def foldable(layer: nn.ConvTranspose2d, half: bool = False) -> bool:
    """Whether `subpixel` can stand for this layer, and pays: up to 4 channels, in bfloat16 up to 16."""
    plain = layer.groups == 1 and tuple(layer.dilation) == (1, 1)
    sizes = zip(layer.kernel_size, layer.stride, _padding(layer), layer.output_padding, strict=True)
    inside = all(extra <= p + -k % s and p < k for k, s, p, extra in sizes)
    return plain and inside and layer.out_channels <= (16 if half else 4) and min(layer.stride) > 1


def subpixel(input: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """The layer's result, from a convolution with a kernel of kernel / stride."""
    (tall, wide), (down, across) = layer.kernel_size, layer.stride
    # A kernel that is no whole number of strides wide gets zeros at its far end.
    weight = functional.pad(layer.weight, (0, -wide % across, 0, -tall % down))
    rows, columns = -(-tall // down), -(-wide // across)
    # A weight is named by its pixel in the cell and the cell it reaches; a convolution counts cells from the other end.
    kernel = weight.view(layer.in_channels, layer.out_channels, rows, down, columns, across)
    kernel = kernel.permute(3, 5, 1, 0, 2, 4).flip(4, 5).reshape(-1, layer.in_channels, rows, columns)
    bias = None if layer.bias is None else layer.bias.repeat(down * across)
    cells = functional.conv2d(input, kernel, bias, padding=(rows - 1, columns - 1))
    height, width = (
        (length - 1) * stride - 2 * padding + kernel + extra
        for length, stride, padding, kernel, extra in zip(
            input.shape[2:], layer.stride, _padding(layer), layer.kernel_size, layer.output_padding, strict=True
        )
    )
    pixels: Tensor = _Spread.apply(cells, (down, across), (*_padding(layer), height, width))
    return pixels


class _Spread(torch.autograd.Function):
    """Channels to pixels, `(n, down * across * c, h, w)` to `(n, c, h * down, w * across)`, of which a window is kept.

    Both lie in memory with the channels last, so whole runs of `across * c` numbers move, as single words where there
    are words of that length: several times quicker than `pixel_shuffle`. The gradient is `_Gather`.
    """

    @staticmethod
    def forward(ctx: Any, cells: Tensor, stride: tuple[int, int], window: tuple[int, int, int, int]) -> Tensor:
        ctx.stride, ctx.window, ctx.cells = stride, window, cells.shape[2:]
        (down, across), (top, left, tall, wide) = stride, window
        n, _, height, width = cells.shape
        runs = _words(cells.permute(0, 2, 3, 1).reshape(n, height, width, down, -1))
        pixels = runs.permute(0, 1, 3, 2, 4).contiguous().view(cells.dtype)
        pixels = pixels.view(n, height * down, width * across, -1)
        # A copy, never a view: whatever comes next may change it in place.
        kept = pixels[:, top : top + tall, left : left + wide].permute(0, 3, 1, 2)
        return kept.clone(memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _Gather.apply(gradients[0], ctx.stride, ctx.window, ctx.cells), None, None


class _Gather(torch.autograd.Function):
    """Pixels to channels, with zeros around the window: undoes `_Spread`, and is its gradient."""

    @staticmethod
    def forward(
        ctx: Any, pixels: Tensor, stride: tuple[int, int], window: tuple[int, int, int, int], cells: tuple[int, int]
    ) -> Tensor:
        ctx.stride, ctx.window = stride, window
        (down, across), (top, left, tall, wide), (height, width) = stride, window, cells
        below, right = height * down - top - tall, width * across - left - wide
        padded = functional.pad(pixels.permute(0, 2, 3, 1), (0, 0, left, right, top, below))
        runs = _words(padded.reshape(len(pixels), height, down, width, -1))
        found = runs.permute(0, 1, 3, 2, 4).contiguous().view(pixels.dtype)
        return found.view(len(pixels), height, width, -1).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        return _Spread.apply(gradients[0], ctx.stride, ctx.window), None, None, None


def _words(runs: Tensor) -> Tensor:
    """The last axis as one word of memory, if there is a word of its length."""
    word = _WORDS.get(runs.shape[-1] * runs.element_size())
    return runs if word is None else runs.contiguous().view(word)


def _padding(layer: nn.ConvTranspose2d) -> tuple[int, int]:
    """A convolution's padding may be a word; a transposed one's never is."""
    assert not isinstance(layer.padding, str)
    return layer.padding[0], layer.padding[1]
