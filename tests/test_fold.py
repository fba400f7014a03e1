"""The quick transposed convolution is torch's: result, gradients, parameters, formats, and when it steps aside."""

from typing import Any

import pytest
import torch
from torch import nn

from isthmus.nets._fold import FoldConvTranspose2d, foldable, subpixel

SHAPES: list[dict[str, Any]] = [
    {"kernel_size": 4, "stride": 2, "padding": 1},
    {"kernel_size": 4, "stride": 2, "padding": 1, "bias": False},
    {"kernel_size": 4, "stride": 2, "padding": 1, "output_padding": 1},
    {"kernel_size": 2, "stride": 2},
    {"kernel_size": 6, "stride": 2, "padding": 2},
    {"kernel_size": 9, "stride": 3, "padding": 4},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
    {"kernel_size": 5, "stride": 3, "padding": 0, "output_padding": 0},
    {"kernel_size": (4, 6), "stride": (2, 3), "padding": (1, 2), "output_padding": (0, 1)},
]


def _pair(**shape: Any) -> tuple[nn.ConvTranspose2d, FoldConvTranspose2d]:
    torch.manual_seed(0)
    reference, quick = nn.ConvTranspose2d(5, 3, **shape), FoldConvTranspose2d(5, 3, **shape)
    quick.load_state_dict(reference.state_dict())
    return reference, quick


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["planes", "channels_last"])
def test_result_and_gradients_are_those_of_the_transposed_convolution(
    shape: dict[str, Any], layout: torch.memory_format
) -> None:
    reference, quick = (layer.to(memory_format=layout) for layer in _pair(**shape))
    assert foldable(quick)
    x = torch.randn(3, 5, 7, 6).contiguous(memory_format=layout).requires_grad_()
    expected, found = reference(x), quick(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    above = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, [x, *reference.parameters()], above)
    got = torch.autograd.grad(found, [x, *quick.parameters()], above)
    for one, two in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "shape",
    [
        {"kernel_size": 4, "stride": 2, "padding": 0, "output_padding": 1},
        {"kernel_size": 4, "stride": 2, "padding": 1, "dilation": 2},
    ],
    ids=str,
)
def test_a_layer_that_reaches_beyond_its_cells_or_is_dilated_is_left_to_torch(shape: dict[str, Any]) -> None:
    reference, quick = _pair(**shape)
    x = torch.randn(2, 5, 6, 6)
    assert not foldable(quick)
    assert torch.equal(quick(x), reference(x))


def test_it_pays_only_for_few_channels_and_an_output_size_is_left_to_torch() -> None:
    assert not foldable(FoldConvTranspose2d(8, 32, 4, 2, 1), half=True)
    assert foldable(FoldConvTranspose2d(8, 16, 3, 2), half=True)
    assert not foldable(FoldConvTranspose2d(8, 16, 3, 2), half=False)
    reference, quick = _pair(kernel_size=4, stride=2, padding=1)
    x = torch.randn(2, 5, 6, 6)
    assert torch.equal(quick(x, output_size=[13, 13]), reference(x, output_size=[13, 13]))
    torch.testing.assert_close(quick(x[0]), reference(x[0]), rtol=0, atol=1e-5)


def test_second_derivatives_pass_the_numerical_check() -> None:
    layer = FoldConvTranspose2d(2, 1, 4, 2, 1).double()
    x = torch.randn(1, 2, 3, 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda value: subpixel(value, layer), x)
    assert torch.autograd.gradgradcheck(lambda value: subpixel(value, layer), x)


def test_autocast_gives_the_result_within_the_half_type() -> None:
    reference, quick = _pair(kernel_size=4, stride=2, padding=1)
    x = torch.randn(4, 5, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        found = quick(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), reference(x), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("padding", [0, 1])
def test_what_comes_out_may_be_changed_in_place(padding: int) -> None:
    """As the activation after it does."""
    reference, quick = _pair(kernel_size=2 + 2 * padding, stride=2, padding=padding)
    x = torch.randn(3, 5, 7, 6).contiguous(memory_format=torch.channels_last)
    one, two = x.clone().requires_grad_(), x.clone().requires_grad_()
    nn.LeakyReLU(0.2, inplace=True)(reference(one)).square().sum().backward()
    out = nn.LeakyReLU(0.2, inplace=True)(quick(two))
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.square().sum().backward()
    assert one.grad is not None and two.grad is not None
    torch.testing.assert_close(two.grad, one.grad)
