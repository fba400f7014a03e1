"""The intrinsic dimension of clouds whose dimension is known."""

import itertools

import numpy as np
import pytest

from isthmus.errors import DataError
from isthmus.stats.intrinsic import intrinsic_dimension


def cube(n: int, d: int, into: int, seed: int = 0) -> np.ndarray:
    """Even in a unit cube of `d` dimensions, which lies askew in `into`."""
    generator = np.random.default_rng(seed)
    askew = np.linalg.qr(generator.normal(size=(into, d)))[0]
    return np.asarray(generator.random((n, d)) @ askew.T + 7)


def torus(n: int, d: int, seed: int) -> np.ndarray:
    """Even, flat and without an edge."""
    angles = np.random.default_rng(seed).random((n, d)) * 2 * np.pi
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


@pytest.mark.parametrize("into", [12, 100])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_a_cube_has_its_own_dimension_wherever_it_lies(d: int, into: int) -> None:
    assert intrinsic_dimension(cube(3000, d, into)).value == pytest.approx(d, rel=0.1)


def test_more_dimensions_are_more() -> None:
    found = [intrinsic_dimension(cube(2000, d, 40)) for d in (2, 5, 10, 20)]
    assert all(one.high < two.low for one, two in itertools.pairwise(found))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(d: int) -> None:
    found = [intrinsic_dimension(torus(500, d, seed)) for seed in range(60)]
    assert np.mean([one.low <= d <= one.high for one in found]) >= 0.87


def test_size_shift_and_rotation_change_nothing() -> None:
    rows = cube(500, 3, 8)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    one, two = intrinsic_dimension(rows), intrinsic_dimension(40 * rows @ turn - 3)
    assert two.value == pytest.approx(one.value, rel=1e-6)


def test_points_that_are_there_twice_count_once() -> None:
    rows = cube(400, 2, 5)
    assert intrinsic_dimension(np.repeat(rows, 3, axis=0)) == intrinsic_dimension(rows)


def test_a_far_cluster_of_strays_hardly_moves_it() -> None:
    rows = cube(1000, 2, 5)
    strays = np.concatenate([rows, cube(30, 5, 5, 1) * np.geomspace(1e2, 1e4, 30)[:, None]])
    assert intrinsic_dimension(strays).value == pytest.approx(intrinsic_dimension(rows).value, rel=0.1)


def test_of_more_points_the_same_are_drawn_for_the_same_seed() -> None:
    rows = cube(3000, 2, 5)
    one = intrinsic_dimension(rows, most=500)
    assert one == intrinsic_dimension(rows, most=500)
    assert one != intrinsic_dimension(rows, most=500, seed=1)
    assert one.n == 500
    assert one.low < 2 < one.high


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (np.zeros((50, 3)), "1 different points"),
        (np.stack(np.meshgrid(range(9), range(9)), axis=-1).reshape(-1, 2), "equally far"),
        (np.full((50, 3), np.nan), "NaN"),
    ],
)
def test_what_has_no_dimension_is_refused(rows: np.ndarray, what: str) -> None:
    with pytest.raises(DataError, match=what):
        intrinsic_dimension(rows)
