"""Strided convolutions as one matrix product each, for processors whose library is slow at few channels.

A convolution whose kernel is a whole number of strides wide only rearranges blocks of pixels before (convolution) or
after (transposed convolution) the product. The two rearrangements are each other's adjoint, hence each other's gradient.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["FoldConv2d", "FoldConvTranspose2d", "foldable", "gather", "scatter"]

Window = tuple[int, int, int]
"""Kernel, stride, padding: the same for both sides of a picture."""


def gather(pixels: Tensor, window: Window) -> Tensor:
    """`(n, h, w, c)` to `(n, rows, columns, k*k*c)`: the pixels under every position of the window."""
    return _Gather.apply(pixels, window)


def scatter(windows: Tensor, window: Window, height: int, width: int) -> Tensor:
    """`(n, rows, columns, k*k*c)` to `(n, height, width, c)`: windows added up where they overlap, padding dropped."""
    return _Scatter.apply(windows, window, height, width)


class FoldConv2d(nn.Conv2d):
    """nn.Conv2d, parameters and result; one matrix product where that is possible."""

    def forward(self, input: Tensor) -> Tensor:
        if not foldable(self) or input.dim() != 4 or not _fits(input, self):
            return super().forward(input)
        pixels = input.permute(0, 2, 3, 1)
        weight = self.weight.permute(0, 2, 3, 1).reshape(self.out_channels, -1)
        return functional.linear(gather(pixels, _window(self)), weight, self.bias).permute(0, 3, 1, 2)


class FoldConvTranspose2d(nn.ConvTranspose2d):
    """nn.ConvTranspose2d, parameters and result; one matrix product where that is possible."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        if output_size is not None or not foldable(self) or input.dim() != 4:
            return super().forward(input, output_size)
        kernel, stride, padding = _window(self)
        height, width = (
            (side - 1) * stride - 2 * padding + kernel + int(extra)
            for side, extra in zip(input.shape[2:], self.output_padding, strict=True)
        )
        weight = self.weight.permute(2, 3, 1, 0).reshape(-1, self.in_channels)
        windows = functional.linear(input.permute(0, 2, 3, 1), weight)
        pixels = scatter(windows, _window(self), height, width)
        if self.bias is not None:
            pixels = pixels + self.bias.to(pixels.dtype)
        return pixels.permute(0, 3, 1, 2)


def foldable(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    """Whether this layer is a plain square one whose kernel is a whole number of strides wide."""
    sides = (layer.kernel_size, layer.stride, layer.padding, layer.output_padding)
    square = all(not isinstance(pair, str) and pair[0] == pair[1] for pair in sides)
    if not square or layer.groups != 1 or layer.dilation != (1, 1) or layer.padding_mode != "zeros":
        return False
    kernel, stride, padding = _window(layer)
    return kernel % stride == 0 and layer.output_padding[0] <= padding


def _window(layer: nn.Conv2d | nn.ConvTranspose2d) -> Window:
    return layer.kernel_size[0], layer.stride[0], int(layer.padding[0])


def _fits(input: Tensor, layer: nn.Conv2d) -> bool:
    """An input smaller than the kernel is torch's to refuse."""
    kernel, _, padding = _window(layer)
    return min(input.shape[2:]) + 2 * padding >= kernel


def _gather(pixels: Tensor, window: Window) -> Tensor:
    kernel, stride, padding = window
    padded = functional.pad(pixels, (0, 0, padding, padding, padding, padding)).contiguous()
    n, height, width, channels = padded.shape
    rows, columns = (height - kernel) // stride + 1, (width - kernel) // stride + 1
    line = width * channels
    # One row of a window lies in one piece in memory: the copy moves whole runs of kernel * channels numbers.
    shape = (n, rows, columns, kernel, kernel * channels)
    steps = (height * line, stride * line, stride * channels, line, 1)
    return padded.as_strided(shape, steps).reshape(n, rows, columns, kernel * kernel * channels)


def _scatter(windows: Tensor, window: Window, height: int, width: int) -> Tensor:
    kernel, stride, padding = window
    n, rows, columns, _ = windows.shape
    blocks = kernel // stride
    parts = windows.reshape(n, rows, columns, blocks, stride, blocks, stride, -1)
    # A strided input may end in pixels that no window reaches: the canvas has room for them and they stay zero.
    tall = max(rows + blocks - 1, -(-(height + padding) // stride))
    wide = max(columns + blocks - 1, -(-(width + padding) // stride))
    canvas = windows.new_zeros(n, tall, stride, wide, stride, parts.shape[-1])
    for down in range(blocks):
        for right in range(blocks):
            place = canvas[:, down : down + rows, :, right : right + columns]
            place += parts[:, :, :, down, :, right].permute(0, 1, 3, 2, 4, 5)
    pixels = canvas.view(n, tall * stride, wide * stride, -1)
    return pixels[:, padding : padding + height, padding : padding + width]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pixels: Tensor, window: Window) -> Tensor:
        ctx.window, ctx.sides = window, pixels.shape[1:3]
        return _gather(pixels, window)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return scatter(grad, ctx.window, *ctx.sides), None


class _Scatter(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, windows: Tensor, window: Window, height: int, width: int) -> Tensor:
        ctx.window, ctx.grid = window, windows.shape[1:3]
        return _scatter(windows, window, height, width)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        rows, columns = ctx.grid
        return gather(grad, ctx.window)[:, :rows, :columns], None, None, None
