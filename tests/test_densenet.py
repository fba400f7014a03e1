"""The network of paper 000: its sizes to the number, and models on codes of maps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from isthmus import VAE, Autoencoder, BetaTCVAE, Contrastive, MixtureVAE, load, models
from isthmus.errors import UsageError
from isthmus.nets.densenet import DenseNet
from isthmus.stats import mean_interval
from isthmus.train.diagnosis import leans_on_noise

SMALL = {"blocks": (1, 2, 1), "first": 8, "growth": 4}
X = np.random.default_rng(0).integers(0, 256, (20, 12, 10, 3), dtype=np.uint8)


def small(kind: Any, **fields: Any) -> Any:
    how = {"net": DenseNet(**SMALL), "latent": 2, "epochs": 1, "batch_size": 8, "precision": "float32"}
    return kind(**(how | fields))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("padding", "side"), [(3, 8), (7, 10), (11, 12)])
def test_the_three_codes_of_the_paper(padding: int, side: int) -> None:
    """100 maps of 8x8, 10x10 and 12x12: 6,400, 10,000 and 14,400 numbers, all of one network."""
    net, shape = DenseNet(padding=padding), (3, 32, 32)
    assert net.latent_shape(100, shape) == (100, side, side)
    encoder, decoder = net.encoder(shape, 200), net.decoder(100, shape)
    x = torch.rand(2, *shape)
    assert encoder[0](x).shape == (2, 48, 2 * side, 2 * side)
    code = encoder(x)
    assert code.shape == (2, 200, side, side)
    assert decoder[:-1](code[:, :100]).shape == (2, 3, 4 * side, 4 * side)
    assert decoder(code[:, :100]).shape == x.shape
    assert (parameters(encoder), parameters(decoder)) == (70_616, 188_331)


def test_what_is_drawn_lies_where_the_encoder_looked() -> None:
    """One changed pixel of the picture changes what is drawn around it, whatever the padding."""
    for padding in (3, 5, 7, 11):
        torch.manual_seed(0)
        net, shape = DenseNet(padding=padding, **SMALL), (1, 48, 48)
        encoder, decoder = net.encoder(shape, 4).eval(), net.decoder(4, shape).eval()
        x = torch.rand(1, *shape)
        changed = x.clone()
        changed[0, 0, 20:23, 30:33] += 5
        with torch.no_grad():
            difference = (decoder(encoder(changed)) - decoder(encoder(x)))[0, 0].abs()
        total = difference.sum()
        assert abs(float((difference.sum(1) * torch.arange(48)).sum() / total) - 21) < 4
        assert abs(float((difference.sum(0) * torch.arange(48)).sum() / total) - 31) < 4


def test_wrong_blocks_and_paddings_are_refused_by_name() -> None:
    for fields, message in (
        ({"blocks": (3, 6)}, "blocks are 3,6"),
        ({"blocks": ()}, "blocks are none"),
        ({"blocks": (3, 0, 3)}, "blocks are 3,0,3"),
        ({"padding": 2}, "padding is 2"),
    ):
        with pytest.raises(UsageError, match=message):
            DenseNet(**fields).encoder((1, 8, 8), 2)
    with pytest.raises(UsageError, match="not 9 features"):
        DenseNet().decoder(2, (9,))
    assert DenseNet(blocks=(2,)).latent_shape(4, (1, 28, 28)) == (4, 14, 14)


@pytest.mark.parametrize("kind", [VAE, Autoencoder, BetaTCVAE, MixtureVAE])
def test_every_model_that_redraws_takes_codes_of_maps(kind: Any, tmp_path: Path) -> None:
    extra = {"components": 5} if kind is MixtureVAE else {}
    model = small(kind, **extra).fit(X)
    assert model.latent_shape_ == (2, 3, 3)
    codes = model.transform(X)
    assert codes.shape == (20, 18)
    assert model.inverse_transform(codes).shape == X.shape
    assert model.sample(3).shape == (3, *X.shape[1:])
    assert model.score_samples(X).shape == (20,)
    model.save(tmp_path)
    again = load(tmp_path)
    assert again.latent_shape_ == (2, 3, 3)
    np.testing.assert_array_equal(again.transform(X), codes)
    np.testing.assert_array_equal(again.sample(3), model.sample(3))


def test_contrastive_says_which_net_it_wants() -> None:
    with pytest.raises(UsageError, match="--net pooled"):
        small(Contrastive).fit(X)


def test_gradients_of_the_loss_reach_every_weight() -> None:
    model = small(VAE, likelihood="gaussian").fit(X)
    model.net_.train()
    from isthmus.images.pictures import Pictures

    batch = model._resident(Pictures.from_array(X.transpose(0, 3, 1, 2))).batch(torch.arange(20), "test")
    sum(term.mean() for term in model.loss(batch).values()).backward()
    for name, weight in model.net_.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_a_wide_code_of_points_is_sampled_along_its_main_directions(tmp_path: Path) -> None:
    model = small(Autoencoder, latent=130).fit(X)
    assert model.net_["prior"].factor.shape == (1170, 256)
    codes = model.transform(X)
    drawn = model.sample_codes(3000)
    assert drawn.shape == (3000, 1170)
    np.testing.assert_allclose(drawn.mean(axis=0), codes.mean(axis=0), atol=5 * codes.std() / np.sqrt(3000) + 1e-3)
    assert drawn.var(axis=0).sum() == pytest.approx(codes.var(axis=0, ddof=1).sum(), rel=0.1)
    model.save(tmp_path)
    np.testing.assert_array_equal(load(tmp_path).sample_codes(5), model.sample_codes(5))


def test_the_preset_is_the_paper_s_and_its_habits_can_be_asked_for() -> None:
    made = models.make("densenet-vae")
    assert (made.net, made.latent, made.likelihood, made.sigma, made.beta) == ("densenet", 100, "gaussian", 1.0, 1.0)
    assert made.habits().batch_size == 256
    assert made.epochs_for(50_000) == 20
    paper = {"optimiser": "adam", "learning_rate": 1e-4, "weight_decay": 1e-3, "batch_size": 16}
    model = small(VAE, epochs=2, schedule="plateau", likelihood="gaussian", sigma=1.0, **paper)
    model.fit(X, validation=X[:6])
    assert mean_interval(model.score_samples(X)).n == 20


def test_a_decoder_that_counts_on_noise_is_said_to() -> None:
    assert leans_on_noise(0.05, 0.05) is None
    assert "MSE 0.15" in str(leans_on_noise(0.15, 0.06))
