"""The measures ask of the real models only what the contract promises."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from isthmus.images.pictures import Pictures
from isthmus.measure import codes, importance_weighted_bound, reconstruction
from isthmus.models.pca import PCA
from isthmus.models.vae import VAE

X = load_digits().images.astype(np.uint8)


def test_pca_is_its_own_baseline() -> None:
    model = PCA(latent=5).fit(X[:1200])
    found = reconstruction(model, X[1200:], X[:1200])
    assert found.mse.value == pytest.approx(found.pca.value, rel=1e-4)
    assert found.mse.value < found.pixel_mean.value < found.constant.value < found.zero.value
    assert codes(model, X[:300]).kl is None


def test_a_vae_and_pictures_with_ids() -> None:
    model = VAE(latent=4, binarise=True, epochs=2, precision="float32").fit(X[:600])
    held = Pictures.from_array(X[600:660][:, None])
    found = importance_weighted_bound(model, held, (1, 30))
    same = importance_weighted_bound(model, X[600:660], (1, 30))
    np.testing.assert_allclose(found.bounds[30], same.bounds[30], rtol=1e-5)
    assert found.binarised
    assert found.nats(30).value < found.nats(1).value
    assert codes(model, held).kl.shape == (4,)
    assert reconstruction(model, held, X[:600]).latent == 4
