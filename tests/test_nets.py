"""Networks: shapes in, shapes out, for any size; the papers' tables can be written down."""

from typing import Any

import pytest
import torch
from torch import nn

from isthmus import Autoencoder, discover
from isthmus.errors import UsageError
from isthmus.nets._net import ACTIVATIONS
from isthmus.nets.conv import Conv
from isthmus.nets.mlp import MLP

NETS = discover.names("nets")
SHAPES = [(1, 28, 28), (3, 32, 32), (2, 7, 50), (1, 1, 1), (4, 5, 3), (1, 64, 48)]


def made(net: str, **fields: Any) -> Any:
    return discover.find("nets", net, "Net")(**fields)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_decoder_undoes_the_encoder_s_sizes_whatever_they_are(net: str, shape: tuple[int, ...]) -> None:
    encoder, decoder = made(net).encoder(shape, 6), made(net).decoder(3, shape)
    x = torch.rand(2, *shape)
    assert encoder(x).shape == (2, *made(net).latent_shape(6, shape))
    assert decoder(torch.rand(2, *made(net).latent_shape(3, shape))).shape == x.shape


@pytest.mark.parametrize("net", [net for net in NETS if made(net).takes_tables])
def test_nets_for_tables_take_rows(net: str) -> None:
    assert made(net).encoder((9,), 4)(torch.rand(2, 9)).shape == (2, 4)
    assert made(net).decoder(4, (9,))(torch.rand(2, 4)).shape == (2, 9)


@pytest.mark.parametrize("net", NETS)
def test_each_encoder_is_a_row_of_layers_that_features_can_count(net: str) -> None:
    encoder = made(net).encoder((1, 28, 28), 4)
    assert isinstance(encoder, nn.Sequential)
    assert len(encoder) >= 2
    x = torch.rand(2, 1, 28, 28)
    whole = encoder(x)
    for layer in encoder:
        x = layer(x)
        assert len(x) == 2
    assert torch.equal(x, whole)


@pytest.mark.parametrize("net", NETS)
def test_gradients_reach_every_weight_and_are_of_a_sane_size(net: str) -> None:
    torch.manual_seed(0)
    encoder, decoder = made(net).encoder((1, 16, 16), 8), made(net).decoder(8, (1, 16, 16))
    decoder(encoder(torch.rand(8, 1, 16, 16))).square().mean().backward()
    for name, p in [*encoder.named_parameters(), *decoder.named_parameters()]:
        assert p.grad is not None, name
        assert p.grad.abs().max() < 1e3, name
    assert sum(p.grad.abs().sum() for p in encoder.parameters()) > 0


@pytest.mark.parametrize("act", sorted(ACTIVATIONS))
def test_every_activation_can_be_asked_for_by_name(act: str) -> None:
    assert MLP(hidden=(4,), activation=act).encoder((3,), 2)(torch.randn(5, 3)).shape == (5, 2)


def test_what_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(UsageError, match="no activation 'swish'"):
        MLP(activation="swish").encoder((3,), 2)
    with pytest.raises(UsageError, match="kernel has 2 numbers for 3 layers"):
        Conv(channels=(4, 8, 16), kernel=(3, 3)).encoder((1, 28, 28), 2)


def test_batch_norm_is_there_when_it_is_asked_for_and_not_otherwise() -> None:
    for net in ("conv", "mlp", "residual"):
        for wanted in (True, False):
            modules = list(made(net, batch_norm=wanted).encoder((1, 28, 28), 4).modules())
            assert wanted == any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in modules)


def test_the_tables_of_paper_002_can_be_written_down() -> None:
    """784-500-500-5, and two 5x5 convolutions with 128 features between them and the code."""
    dense = MLP(hidden=(500, 500))
    assert parameters(dense.encoder((1, 28, 28), 5)) == 785 * 500 + 501 * 500 + 501 * 5
    assert parameters(dense.decoder(5, (1, 28, 28))) == 6 * 500 + 501 * 500 + 501 * 784
    convolutional = Conv(channels=(32, 64), kernel=5, stride=2, padding=2, hidden=(128,))
    assert parameters(convolutional.encoder((1, 28, 28), 5)) == 26 * 32 + 801 * 64 + 3137 * 128 + 129 * 5


def test_one_number_for_each_layer_is_used_in_its_layer() -> None:
    encoder = Conv(channels=(4, 6), kernel=(5, 3), stride=(1, 2), padding=(0, 1)).encoder((2, 12, 9), 3)
    first, second = (m for m in encoder.modules() if isinstance(m, nn.Conv2d))
    assert (first.in_channels, first.out_channels, first.kernel_size, first.stride) == (2, 4, (5, 5), (1, 1))
    assert (second.in_channels, second.out_channels, second.kernel_size, second.stride) == (4, 6, (3, 3), (2, 2))


def test_a_configured_net_is_used_as_it_is() -> None:
    import numpy as np

    x = np.random.default_rng(0).random((20, 12, 12), np.float32)
    model = Autoencoder(net=Conv(channels=(3,), activation="tanh"), latent=2, epochs=1, precision="float32").fit(x)
    kinds = [type(m) for m in model.net_["encoder"].modules()]
    assert sum(issubclass(kind, nn.Conv2d) for kind in kinds) == 1
    assert nn.Tanh in kinds


@pytest.mark.parametrize("channels", [1, 3])
def test_maps_lie_channels_last_from_the_first_layer_on(channels: int) -> None:
    """A picture of one channel leaves the layout open; planes would be turned round again in every later layer."""
    first = next(Conv(channels=(8, 8)).encoder((channels, 12, 12), 2).children())
    maps = first(torch.rand(4, channels, 12, 12))
    assert maps.is_contiguous(memory_format=torch.channels_last)
    assert not maps.is_contiguous()
