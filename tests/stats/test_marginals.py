"""Distances between two samples of numbers, and their densities, against scipy's."""

import numpy as np
import pytest

from isthmus.errors import DataError
from isthmus.stats import Steps, kolmogorov_smirnov, scott_density, wasserstein

RANDOM = np.random.default_rng(0)
PAIRS = {
    "apart": (RANDOM.normal(size=300), RANDOM.normal(1, 2, size=200)),
    "the same": (np.arange(50.0), np.arange(50.0)),
    "many ties": (RANDOM.integers(0, 4, 100).astype(float), RANDOM.integers(1, 5, 77).astype(float)),
    "one each": (np.array([0.25]), np.array([1.0])),
    "a spike": (np.zeros(40), RANDOM.random(40)),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_distances_are_scipy_s(kind: str) -> None:
    from scipy.stats import ks_2samp, wasserstein_distance

    first, second = PAIRS[kind]
    assert wasserstein(first, second) == pytest.approx(wasserstein_distance(first, second), abs=1e-12)
    assert kolmogorov_smirnov(first, second) == pytest.approx(ks_2samp(first, second).statistic, abs=1e-12)


def test_densities_are_scipy_s_and_hold_all_there_is() -> None:
    from scipy.stats import gaussian_kde

    values, grid = RANDOM.beta(2, 5, 2000), np.linspace(0, 1, 101)
    np.testing.assert_allclose(scott_density(values, grid), gaussian_kde(values)(grid), atol=2e-3)
    piled = np.abs(RANDOM.normal(0, 0.1, 2000))
    assert np.trapezoid(scott_density(piled, grid), grid) < 0.97
    assert np.trapezoid(scott_density(piled, grid, (0.0, 1.0)), grid) == pytest.approx(1, abs=2e-3)
    with pytest.raises(DataError, match="have no density"):
        scott_density(np.ones(5), grid)


def test_a_resampled_picture_counts_as_often_as_it_was_drawn() -> None:
    first, second = RANDOM.random((30, 2)), RANDOM.random((30, 2))
    rows = RANDOM.integers(0, 30, 30)
    weights = np.bincount(rows, minlength=30).astype(float)
    steps, drawn = Steps.of(first, second), Steps.of(first[rows], second[rows])
    np.testing.assert_allclose(steps.wasserstein(weights), drawn.wasserstein(), atol=1e-12)
    np.testing.assert_allclose(steps.kolmogorov_smirnov(weights), drawn.kolmogorov_smirnov(), atol=1e-12)
    one, two = steps.mean_gaps(draws=50)
    assert one.value == pytest.approx(steps.wasserstein().mean())
    assert two.value == pytest.approx(steps.kolmogorov_smirnov().mean())
    assert one.low < one.high
    assert one.n == 30
    assert steps.mean_gaps(draws=50) == (one, two)


def test_what_cannot_be_compared_is_refused() -> None:
    for first, second in ((np.zeros(0), np.zeros(3)), (np.array([np.nan]), np.zeros(2))):
        with pytest.raises(DataError):
            wasserstein(first, second)
