"""Pixels at nine places, in pictures and redrawn; and codes of maps, which are wider than any other."""

import numpy as np
import pytest
import torch

from isthmus.errors import UsageError
from isthmus.measure import codes, importance_weighted_bound, pixel_density, reconstruction
from isthmus.models.vae import VAE
from isthmus.nets.densenet import DenseNet

RANDOM = np.random.default_rng(0)


class Drawn:
    """Redraws pictures as `redraw` says; its codes are the pictures."""

    def __init__(self, redraw: object) -> None:
        self.redraw, self.latent_shape_ = redraw, (3, 32, 32)

    def tensor(self, X: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(X)

    def encode(self, x: torch.Tensor) -> object:
        return type("Point", (), {"mean": x, "log_variance": None})

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.redraw(z)


def test_the_places_are_those_of_the_paper_and_a_shift_is_its_distance() -> None:
    x = RANDOM.random((90, 3, 32, 32), np.float32) / 2
    same = pixel_density(Drawn(lambda z: z), x, batch=40)
    assert same.rows == same.columns == (7, 15, 23)
    assert same.truth.shape == (90, 3, 9)
    np.testing.assert_array_equal(same.truth[:, 1, 5], x[:, 1, 15, 23])
    assert (same.wasserstein.value, same.kolmogorov_smirnov.value) == (0, 0)
    moved = pixel_density(Drawn(lambda z: z + 0.25), x)
    assert moved.wasserstein.value == pytest.approx(0.25, abs=1e-6)
    assert moved.by_place.shape == (2, 3, 9)
    assert moved.halves[0] < 0.08 < moved.mean_picture[0]
    assert moved.notes()[1].startswith("row 7, column 15: W1 0.250")
    assert "0.250" in moved.verdict()


def test_other_sizes_have_places_as_far_in_and_tables_have_none() -> None:
    assert pixel_density(Drawn(lambda z: z), RANDOM.random((9, 1, 28, 16), np.float32)).rows == (6, 13, 20)
    assert pixel_density(Drawn(lambda z: z), RANDOM.random((9, 1, 1, 2), np.float32)).rows == (0, 0, 0)
    with pytest.raises(UsageError, match="no places"):
        pixel_density(Drawn(lambda z: z), RANDOM.random((9, 12), np.float32))


@pytest.fixture(scope="module")
def maps() -> VAE:
    x = RANDOM.integers(0, 256, (24, 16, 16), dtype=np.uint8)
    net = DenseNet(blocks=(1, 1, 1), first=8, growth=4)
    return VAE(net=net, latent=160, epochs=1, batch_size=12, precision="float32").fit(x)


def test_codes_of_maps_are_counted_without_a_matrix_of_all_pairs(maps: VAE) -> None:
    x = RANDOM.integers(0, 256, (24, 16, 16), dtype=np.uint8)
    found = codes(maps, x, batch=7)
    assert (found.shape, found.kl.shape) == ((160, 4, 4), (2560,))
    assert found.prior_gap is found.spread is found.largest_correlation is None
    means = maps.transform(x)
    np.testing.assert_allclose(found.mean_variance, means.var(axis=0), rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(found.aggregate_mean, means.mean(axis=0), rtol=1e-4, atol=1e-6)
    kl, active = found.by_map()
    assert kl.shape == active.shape == (160,)
    assert kl.sum() == pytest.approx(found.kl_total.value)
    assert set(found.rows()) == {"KL, nats", "active units"}


def test_density_and_reconstruction_of_codes_of_maps(maps: VAE) -> None:
    x = RANDOM.integers(0, 256, (12, 16, 16), dtype=np.uint8)
    found = importance_weighted_bound(maps, x, (1, 3))
    assert found.bounds[3].shape == (12,)
    np.testing.assert_allclose(importance_weighted_bound(maps, x, 1, rows=5).bounds[1], found.bounds[1], rtol=1e-5)
    told = reconstruction(maps, x, x)
    assert told.over_complete
    assert told.pca.value < 1e-12
    assert told.verdict().startswith("not comparable with PCA")
    assert any("2,560 numbers, the picture 256" in remark for remark in maps.remarks_)
