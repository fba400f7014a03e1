"""Reconstruction, density and codes on a linear-Gaussian model, where every answer is known in closed form."""

import math

import numpy as np
import pytest
import torch

from isthmus.contract import keys_for
from isthmus.errors import UsageError
from isthmus.measure import binarised, codes, fit_baselines, importance_weighted_bound, reconstruction


class Posterior:
    def __init__(self, mean: torch.Tensor, log_variance: torch.Tensor | None) -> None:
        self.mean, self.log_variance = mean, log_variance

    def kl(self) -> torch.Tensor:
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)


class Linear:
    """x = W z + noise of standard deviation sigma, W with orthogonal columns, so that the true posterior is diagonal.

    `slack` widens the posterior on purpose; `point` forgets its variance.
    """

    def __init__(self, d: int = 6, k: int = 2, sigma: float = 0.5, slack: float = 0.0, point: bool = False) -> None:
        turned = np.linalg.qr(np.random.default_rng(0).normal(size=(d, d)))[0]
        self.w = torch.as_tensor(turned[:, :k] * np.linspace(2, 1, k)).float()
        self.sigma, self.slack, self.point, self.latent_shape_ = sigma, slack, point, (k,)
        self.binary_likelihood = False

    def tensor(self, X: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(X).float()

    def encode(self, x: torch.Tensor) -> Posterior:
        precision = 1 + self.w.square().sum(dim=0) / self.sigma**2
        mean = x.flatten(1) @ self.w / self.sigma**2 / precision
        return Posterior(mean, None if self.point else (self.slack - precision.log()).expand(mean.shape))

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return z @ self.w.T

    def log_likelihood(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        d = x[0].numel()
        squared = (x.flatten(1) - self.decode(z)).square().sum(dim=1)
        return -0.5 * squared / self.sigma**2 - d * (math.log(self.sigma) + 0.5 * math.log(2 * math.pi))

    def truth(self, x: np.ndarray) -> np.ndarray:
        covariance = (self.w @ self.w.T).double().numpy() + self.sigma**2 * np.eye(x.shape[1])
        solved = np.linalg.solve(covariance, x.T).T
        return -0.5 * ((x * solved).sum(axis=1) + np.linalg.slogdet(2 * np.pi * covariance)[1])

    def draw(self, n: int, seed: int = 1) -> np.ndarray:
        g = np.random.default_rng(seed)
        noise = self.sigma * g.normal(size=(n, self.w.shape[0]))
        return (g.normal(size=(n, self.w.shape[1])) @ self.w.numpy().T + noise).astype(np.float32)


class Coin(Linear):
    """A Bernoulli model whose logits are linear in z."""

    def __init__(self) -> None:
        super().__init__(d=50, k=3, slack=0.2)
        self.binary_likelihood = True

    def log_likelihood(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        logits = self.decode(z)
        return (x.flatten(1) * logits - torch.nn.functional.softplus(logits)).sum(dim=1)


def test_with_the_true_posterior_one_draw_is_exact() -> None:
    model = Linear()
    x = model.draw(64)
    found = importance_weighted_bound(model, x, (1, 7))
    for bound in (found.bounds[1], found.bounds[7], found.elbo):
        np.testing.assert_allclose(bound, model.truth(x), atol=1e-4)
    np.testing.assert_allclose(found.effective, 7, rtol=1e-4)


@pytest.mark.parametrize("slack", [-0.4, 1.0])
def test_with_a_wrong_posterior_the_bound_climbs_to_the_truth(slack: float) -> None:
    model = Linear(slack=slack)
    x = model.draw(1200)
    cost = 0.5 * 2 * (math.exp(slack) - 1 - slack)
    found = importance_weighted_bound(model, x, (1, 4, 16, 64))
    truth = model.truth(x).mean()
    means = [-found.nats(k).value for k in (1, 4, 16, 64)]
    assert means == sorted(means)
    assert means[-1] < truth + 0.01
    assert found.elbo.mean() == pytest.approx(truth - cost, abs=0.03)
    assert means[0] == pytest.approx(truth - cost, abs=0.1)
    many = importance_weighted_bound(model, x[:300], 2000)
    assert many.nats().value == pytest.approx(-model.truth(x[:300]).mean(), abs=0.01)


def test_draws_belong_to_the_picture_and_not_to_the_batch() -> None:
    model = Linear(slack=0.7)
    x = model.draw(23)
    whole = importance_weighted_bound(model, x, (50, 250))
    other = importance_weighted_bound(model, x, 50, rows=1)
    np.testing.assert_allclose(whole.bounds[50], other.bounds[50], rtol=1e-5)
    assert not np.allclose(whole.bounds[50], importance_weighted_bound(model, x, 50, seed=1).bounds[50])


def test_bernoulli_models_see_the_one_binarised_test_set() -> None:
    grey = torch.rand(40, 50, generator=torch.Generator().manual_seed(0))
    keys = keys_for(grey)
    zeros_and_ones = binarised(grey, keys)
    assert set(zeros_and_ones.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(binarised(grey[7:9], keys[7:9]), zeros_and_ones[7:9])
    assert abs(float((zeros_and_ones - grey).mean())) < 0.03
    found = importance_weighted_bound(Coin(), grey.numpy(), 200, seed=5)
    same = importance_weighted_bound(Coin(), zeros_and_ones.numpy(), 200, seed=5)
    np.testing.assert_array_equal(found.elbo, same.elbo)
    assert found.binarised
    assert "nats, K=200 (binarised)" in found.rows()


def test_bfloat16_is_checked_before_it_is_believed() -> None:
    sharp = Linear(d=400, k=8, sigma=0.02)
    refused = importance_weighted_bound(sharp, sharp.draw(30), 100, precision="bf16")
    assert refused.precision == "float32"
    assert refused.precision_gap > 0.05
    blunt = Linear(sigma=3.0)
    trusted = importance_weighted_bound(blunt, blunt.draw(30), 100, precision="bf16")
    assert trusted.precision == "bf16"
    assert trusted.precision_gap < 0.05
    with pytest.raises(UsageError, match="fp8"):
        importance_weighted_bound(blunt, blunt.draw(3), precision="fp8")
    with pytest.raises(UsageError, match="no density"):
        importance_weighted_bound(Linear(point=True), blunt.draw(3))


def test_reconstruction_beside_pca_and_the_predictors_that_know_nothing() -> None:
    model = Linear(d=20, k=3, sigma=0.1)
    train, test = model.draw(400, 1), model.draw(150, 2)
    told: list[tuple[int, int]] = []
    found = reconstruction(model, test, train, batch=64, tick=lambda *at: told.append(at))
    expected = np.square(test - model.decode(model.encode(torch.as_tensor(test)).mean).numpy()).mean(axis=1)
    np.testing.assert_allclose(found.per_picture, expected, rtol=1e-5)
    assert told[-1] == (150, 150)
    assert found.zero.value == pytest.approx(np.square(test).mean(), rel=1e-5)
    assert found.pixel_mean.value == pytest.approx(np.square(test - train.mean(axis=0)).mean(), rel=1e-5)
    assert found.constant.value == pytest.approx(np.square(test - train.mean()).mean(), rel=1e-5)
    assert found.mse.low < found.mse.value < found.mse.high
    assert found.mse.n == 150
    assert 0.2 < found.outside < 1
    assert not found.clipped
    assert list(found.rows()) == ["model", "PCA (3)", "per-pixel mean", "best constant", "all zero"]
    clipped = reconstruction(model, test, baselines=fit_baselines(model, train), clip=True)
    assert clipped.clipped
    assert clipped.mse.value > found.mse.value
    assert clipped.verdict().startswith("worse than PCA")


def test_codes_tell_the_active_from_the_collapsed() -> None:
    model = Linear(k=3)
    model.w[:, 2] = 0
    x = model.draw(3000)
    found = codes(model, x, batch=999)
    assert found.active.tolist() == [True, True, False]
    assert found.kl[2] == pytest.approx(0, abs=1e-9)
    assert found.kl_total.value == pytest.approx(found.kl.sum())
    np.testing.assert_allclose(found.aggregate_variance, 1, atol=0.1)
    assert found.prior_gap < 0.02
    assert found.spread == pytest.approx(2, abs=0.1)
    assert "2 of 3 units are active; 1 collapsed" in found.verdict()
    assert found.rows()["active units"] == 2
    model.w[:] = 0
    assert codes(model, x).verdict().startswith("collapsed")


def test_codes_of_a_model_without_a_posterior() -> None:
    model = Linear(point=True)
    found = codes(model, model.draw(500))
    assert found.kl is None
    assert found.prior_gap is None
    assert found.verdict() == "all 2 dimensions are used"
