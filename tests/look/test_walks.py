"""Walks through a latent space: they begin and end where they should, at an even pace, and stay where codes are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import UsageError
from isthmus.look.walks import along, ends_of, grid_of, spherical, straight, through, traversal


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@given(seed=st.integers(0, 999), steps=st.integers(2, 9), size=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_every_walk_begins_and_ends_at_its_ends(seed: int, steps: int, size: int) -> None:
    a, b = drawn(seed, 3, size), drawn(seed + 1, 3, size)
    for walk in (straight(a, b, steps), spherical(a, b, steps), spherical(a, b, steps, drawn(seed + 2, size))):
        assert walk.shape == (3, steps, size)
        np.testing.assert_array_equal(walk[:, 0], a)
        np.testing.assert_array_equal(walk[:, -1], b)
        assert np.isfinite(walk).all()
    np.testing.assert_allclose(straight(a, b, steps)[:, ::-1], straight(b, a, steps), atol=1e-5)
    np.testing.assert_array_equal(straight(a[0], b[0], steps), straight(a, b, steps)[0])
    np.testing.assert_allclose(spherical(a[0], b[0], steps), spherical(a, b, steps)[0], atol=1e-6)


def test_a_spherical_walk_keeps_its_distance_from_the_middle_and_turns_evenly() -> None:
    middle, a, b = drawn(0, 50), drawn(1, 50), drawn(2, 50)
    a, b = (middle + 3 * (v / np.linalg.norm(v)) for v in (a, b))
    round_it = spherical(a, b, 7, middle) - middle
    np.testing.assert_allclose(np.linalg.norm(round_it, axis=1), 3, rtol=1e-5)
    steps = np.linalg.norm(np.diff(round_it, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
    assert np.linalg.norm(straight(a, b, 7)[3] - middle) < 2.5, "a straight one comes nearer"


@pytest.mark.parametrize("b", [2.0, -1.0, 0.0, 1.0])
def test_where_there_is_no_arc_a_spherical_walk_is_straight(b: float) -> None:
    a = drawn(0, 5)
    np.testing.assert_array_equal(spherical(a, b * a, 5), straight(a, b * a, 5))


def test_a_walk_through_points_has_an_even_speed() -> None:
    corner = np.array([[0, 0], [3, 0], [3, 0], [3, 1]])
    np.testing.assert_allclose(through(corner, 5), [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]], atol=1e-6)
    points = drawn(0, 6, 4)
    walk = through(points, 40)
    np.testing.assert_array_equal(walk[[0, -1]], points[[0, -1]])
    length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum() / 39
    assert np.linalg.norm(np.diff(walk, axis=0), axis=1).max() <= length * 1.0001
    np.testing.assert_array_equal(through(points[:1], 3), np.repeat(points[:1], 3, axis=0))
    assert through(points, 1).shape == (1, 4)


def test_along_a_vector_only_the_place_on_it_changes() -> None:
    base, vector = drawn(0, 8), drawn(1, 8)
    vector /= np.linalg.norm(vector)
    moved = along(base, vector, np.array([-2.0, 0.5, float(base @ vector)]))
    np.testing.assert_allclose(moved @ vector, [-2, 0.5, base @ vector], atol=1e-5)
    aside = moved - (moved @ vector)[:, None] * vector
    np.testing.assert_allclose(aside, np.tile(aside[:1], (3, 1)), atol=1e-5)


def test_a_traversal_changes_one_dimension_a_row() -> None:
    base = drawn(0, 4)
    found = traversal(base, {2: [-1, 0, 1], 0: [5, 6, 7]})
    assert found.shape == (2, 3, 4)
    assert found[0, :, 2].tolist() == [-1, 0, 1]
    np.testing.assert_array_equal(found[0][:, [0, 1, 3]], np.tile(base[[0, 1, 3]], (3, 1)))
    np.testing.assert_array_equal(found[1][:, 1:], np.tile(base[1:], (3, 1)))


def test_a_grid_runs_from_the_upper_left_between_the_ends_of_the_codes() -> None:
    codes = drawn(0, 4000, 2)
    codes[0] = 1e6
    low, high = ends_of(codes)
    assert (high < 4).all()
    grid = grid_of(low, high, 3, 5).reshape(3, 5, 2)
    np.testing.assert_allclose(grid[0, 0], [low[0], high[1]], rtol=1e-6)
    np.testing.assert_allclose(grid[-1, -1], [high[0], low[1]], rtol=1e-6)
    assert (np.diff(grid[:, :, 0], axis=1) > 0).all()
    assert (np.diff(grid[:, :, 1], axis=0) < 0).all()


@pytest.mark.parametrize(
    "walk",
    [
        lambda: straight(np.zeros(2), np.ones(2), 1),
        lambda: spherical(np.zeros(2), np.ones(3), 4),
        lambda: through(np.zeros((0, 2)), 4),
        lambda: traversal(np.zeros(2), {2: [0, 1]}),
        lambda: traversal(np.zeros(2), {0: [0, 1], 1: [0]}),
        lambda: traversal(np.zeros(2), {}),
    ],
)
def test_what_is_no_walk_is_refused(walk: object) -> None:
    with pytest.raises(UsageError):
        walk()  # type: ignore[operator]
