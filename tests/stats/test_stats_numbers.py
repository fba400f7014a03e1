"""Intervals, calibration, Fréchet distances and spectra against closed forms."""

import numpy as np
import pytest
import torch
from scipy import linalg, stats
from sklearn.decomposition import PCA

from isthmus.errors import DataError
from isthmus.stats import (
    bootstrap_interval,
    brier_score,
    expected_calibration_error,
    fit_temperature,
    frechet_distance,
    frechet_interval,
    frechet_of_gaussians,
    gaussian_of,
    mean_interval,
    negative_log_likelihood,
    paired_difference,
    principal_angles,
    principal_components,
    softmax,
    spectrum,
    wilson_interval,
)

RANDOM = np.random.default_rng


def test_mean_interval_is_students() -> None:
    values = RANDOM(0).normal(size=12)
    found = mean_interval(values)
    low, high = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert (found.low, found.high, found.n) == (pytest.approx(low), pytest.approx(high), 12)
    assert np.isnan(mean_interval([3.0]).low)
    assert float(mean_interval([3.0])) == 3.0
    with pytest.raises(DataError):
        mean_interval([])


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (7, 31)])
def test_wilson_interval(hits: int, n: int) -> None:
    theirs = stats.binomtest(hits, n).proportion_ci(method="wilson")
    found = wilson_interval(hits, n)
    assert (found.low, found.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


def test_pairs_and_resampling() -> None:
    first, second = RANDOM(0).normal(size=50), RANDOM(1).normal(size=50)
    assert paired_difference(first, second).value == pytest.approx((first - second).mean())
    with pytest.raises(DataError, match="pairs"):
        paired_difference(first, second[1:])
    again = [bootstrap_interval(first, np.mean, seed=3) for _ in range(2)]
    students = mean_interval(first)
    assert again[0] == again[1]
    assert again[0].low == pytest.approx(students.low, abs=0.05)
    assert f"{students:.2f}".count(".") == 3
    assert mean_interval([1.0, 1.0]).apart(mean_interval([2.0, 2.0]))


def test_calibration_by_hand() -> None:
    sure = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])
    labels = np.array([0, 1, 1, -1])
    assert expected_calibration_error(sure, labels) == pytest.approx((abs(1 - 1.8) + 0.4) / 3)
    assert negative_log_likelihood(sure, labels).value == pytest.approx(-np.log([0.9, 0.1, 0.6]).mean())
    assert brier_score(sure, labels).value == pytest.approx((0.02 + 1.62 + 0.32) / 3)
    assert np.isfinite(negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1])).value)
    with pytest.raises(DataError, match="class 2"):
        brier_score(sure, np.array([0, 1, 2, 0]))


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
def test_temperature_is_found_again(true: float) -> None:
    logits = RANDOM(0).normal(size=(20_000, 4)) * 3
    labels = (softmax(logits).cumsum(axis=1) < RANDOM(1).random((20_000, 1))).sum(axis=1)
    assert fit_temperature(logits * true, labels) == pytest.approx(true, rel=0.05)
    assert softmax(np.array([[1e5, 0.0]])).tolist() == [[1.0, 0.0]]


def test_frechet_between_known_gaussians() -> None:
    a, b = (RANDOM(s).normal(size=(6, 6)) for s in (0, 1))
    one, two, shift = a @ a.T, b @ b.T, np.arange(6.0)
    expected = shift @ shift + np.trace(one + two - 2 * linalg.sqrtm(one @ two).real)
    assert frechet_of_gaussians(shift, one, np.zeros(6), two) == pytest.approx(expected)
    flat = np.diag([1.0, 0.0])
    assert frechet_of_gaussians(np.zeros(2), flat, np.zeros(2), flat) == pytest.approx(0, abs=1e-9)
    same = RANDOM(0).normal(size=(500, 8))
    assert frechet_distance(same, same) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(same, same + 2) == pytest.approx(32)


def test_frechet_refuses_too_few_points() -> None:
    with pytest.raises(DataError, match="8 points in 8 dimensions"):
        gaussian_of(np.eye(8))
    with pytest.raises(DataError, match="not pairs"):
        frechet_interval(RANDOM(0).normal(size=(30, 2)), RANDOM(1).normal(size=(31, 2)), paired=True)


def test_the_interval_of_a_frechet_distance_is_as_wide_as_the_distance_scatters() -> None:
    def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
        return RANDOM(seed).normal(size=(300, 5)), RANDOM(seed + 1000).normal(size=(250, 5)) * 0.8 + 0.4

    found = frechet_interval(*pair(0))
    assert found.value == frechet_distance(*pair(0))
    assert (found.low + found.high) / 2 == pytest.approx(found.value)
    assert found.n == 300
    assert found == frechet_interval(*pair(0))
    scatter = np.std([frechet_distance(*pair(seed)) for seed in range(60)], ddof=1)
    assert (found.high - found.value) / 1.96 == pytest.approx(scatter, rel=0.35)


def test_the_interval_of_clouds_that_are_the_same_is_no_wider_than_nothing() -> None:
    points = RANDOM(0).normal(size=(200, 4))
    paired, apart = frechet_interval(points, points, paired=True), frechet_interval(points, points)
    assert paired.high == pytest.approx(0, abs=1e-6)
    assert apart.low == 0 < apart.high


@pytest.mark.parametrize("shape", [(300, 20), (20, 300)])
def test_components_are_scikit_learns(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "_ROWS", 64)
    rows = RANDOM(0).normal(size=shape) * np.linspace(3, 1, shape[1]) + 7
    ours, theirs = principal_components(rows, 4), PCA(4, svd_solver="full").fit(rows)
    np.testing.assert_allclose(ours.variance, theirs.explained_variance_)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_)
    assert principal_angles(ours.axes, theirs.components_).max() < 1e-2
    again = ours.reconstruct(torch.as_tensor(rows).float())
    np.testing.assert_allclose(again, theirs.inverse_transform(theirs.transform(rows)), atol=1e-4)


def test_components_of_bytes_and_of_more_axes_than_rank() -> None:
    rows = RANDOM(0).integers(0, 255, size=(5, 12)).astype(np.uint8)
    found = principal_components(rows, 30)
    assert len(found.axes) == 5
    assert found.fitted_on == 5
    np.testing.assert_allclose(found.reconstruct(torch.as_tensor(rows).float()), rows, atol=1e-3)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 3.0, 60.0, 90.0])
def test_principal_angles_large_and_small(angle: float) -> None:
    turn = np.radians(angle)
    first = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    second = np.array([[np.cos(turn), 0, np.sin(turn), 0], [0, 1.0, 0, 0]])
    assert principal_angles(first, second) == pytest.approx([0, angle], abs=1e-12)
