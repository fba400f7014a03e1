"""A transposed convolution to few channels, done as a plain convolution: the usual last layer of a decoder.

With a kernel of a whole number of strides (zeros make up what is missing), every output pixel of a cell of stride x
stride sees the same few input pixels. So the layer is one convolution of stride 1 with a small kernel and stride *
stride times the channels, which are then laid out as pixels. At 1 to 4 output channels that takes about two thirds of
the time of the transposed form, and without padding in bfloat16 about half; elsewhere it is slower and not used.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["FoldConvTranspose2d", "foldable", "subpixel"]


class FoldConvTranspose2d(nn.ConvTranspose2d):
    """nn.ConvTranspose2d: its arguments, parameters and result; quicker on a processor where `foldable`."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        half = torch.is_autocast_enabled("cpu") or input.dtype == torch.bfloat16
        quick = output_size is None and input.dim() == 4 and input.device.type == "cpu" and foldable(self, half)
        return subpixel(input, self) if quick else super().forward(input, output_size)


def foldable(layer: nn.ConvTranspose2d, half: bool = False, most: int = 4) -> bool:
    """Whether `subpixel` can stand for this layer, and pays: up to `most` channels, or unpadded in bfloat16."""
    plain = layer.groups == 1 and tuple(layer.dilation) == (1, 1)
    sizes = zip(layer.kernel_size, layer.stride, _padding(layer), layer.output_padding, strict=True)
    inside = all(extra <= p + -k % s and p < k for k, s, p, extra in sizes)
    pays = layer.out_channels <= most or (half and not any(_padding(layer)))
    return plain and inside and pays and min(layer.stride) > 1


def subpixel(input: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """The layer's result, from a convolution with a kernel of kernel / stride."""
    (tall, wide), (down, across) = layer.kernel_size, layer.stride
    # A kernel that is no whole number of strides wide gets zeros at its far end.
    weight = functional.pad(layer.weight, (0, -wide % across, 0, -tall % down))
    rows, columns = -(-tall // down), -(-wide // across)
    # A weight is named by its pixel in the cell and the cell it reaches; a convolution counts cells from the other end.
    kernel = weight.view(layer.in_channels, layer.out_channels, rows, down, columns, across)
    kernel = kernel.permute(1, 3, 5, 0, 2, 4).flip(4, 5).reshape(-1, layer.in_channels, rows, columns)
    bias = None if layer.bias is None else layer.bias.repeat_interleave(down * across)
    cells = functional.conv2d(input, kernel, bias, padding=(rows - 1, columns - 1))
    return _crop(_spread(cells, down, across), layer, input.shape[2:])


def _spread(cells: Tensor, down: int, across: int) -> Tensor:
    """Channels to pixels: `(n, c * down * across, h, w)` to `(n, c, h * down, w * across)`."""
    if down == across:
        return functional.pixel_shuffle(cells, down)
    n, _, height, width = cells.shape
    parts = cells.reshape(n, -1, down, across, height, width).permute(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, -1, height * down, width * across)


def _crop(pixels: Tensor, layer: nn.ConvTranspose2d, size: torch.Size) -> Tensor:
    for axis, start, extra in zip((0, 1), _padding(layer), layer.output_padding, strict=True):
        length = (size[axis] - 1) * layer.stride[axis] - 2 * start + layer.kernel_size[axis] + extra
        pixels = torch.narrow(pixels, axis + 2, start, length)
    return pixels


def _padding(layer: nn.ConvTranspose2d) -> tuple[int, int]:
    """A convolution's padding may be a word; a transposed one's never is."""
    assert not isinstance(layer.padding, str)
    return layer.padding[0], layer.padding[1]
