"""New codes from where codes lie: like them, the same for the same seed, none in a desert."""

import numpy as np
import pytest

from isthmus.errors import DataError, UsageError
from isthmus.look import draw_codes
from isthmus.stats.knn import neighbours


def ring(n: int = 1500, seed: int = 0) -> np.ndarray:
    """Codes with a hollow in the middle, where a single Gaussian would be densest."""
    generator = np.random.default_rng(seed)
    angle, radius = generator.uniform(0, 2 * np.pi, n), generator.normal(5, 0.3, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)


def test_draws_lie_where_codes_lie() -> None:
    found = draw_codes(ring(), 500)
    assert found.codes.shape == (500, 2)
    assert found.codes.dtype == np.float32
    radius = np.linalg.norm(found.codes, axis=1)
    assert radius.min() > 2.5, "none in the hollow"
    assert (found.log_density >= found.floor).all()
    assert np.median(neighbours(found.codes, ring(), 1)[0]) < 0.15


def test_the_same_seed_draws_the_same_and_more_begin_with_them() -> None:
    few, many, others = draw_codes(ring(), 10, 3), draw_codes(ring(), 40, 3), draw_codes(ring(), 10, 4)
    np.testing.assert_array_equal(few.codes, many.codes[:10])
    assert not np.isclose(few.codes, others.codes).any(axis=1).all()


def test_within_some_rows_draws_are_like_those() -> None:
    codes = ring()
    right = np.flatnonzero(codes[:, 0] > 4)
    found = draw_codes(codes, 200, within=right)
    assert found.fitted_on == len(right)
    assert (found.codes[:, 0] > 3).all()
    np.testing.assert_array_equal(found.codes, draw_codes(codes[right], 200).codes)


@pytest.mark.parametrize("n", [2, 5, 40])
def test_few_codes_of_many_numbers_still_have_draws_of_their_own(n: int) -> None:
    codes = np.random.default_rng(0).normal(size=(n, 60)) * np.linspace(0, 1, 60) + 7
    found = draw_codes(codes, 100)
    assert np.isfinite(found.codes).all()
    assert found.again < 0.5, "the floor is of codes that the density has not seen"
    assert np.linalg.norm(found.codes - codes.mean(0), axis=1).max() < 20
    assert len(np.unique(found.codes, axis=0)) == 100


def test_what_has_no_density_is_refused() -> None:
    told: list[str] = []
    draw_codes(ring(50), 1, told=lambda done, total, what: told.append(what))
    assert told[-1] == "codes drawn"
    for bad in (ring()[:1], np.full((9, 2), np.nan)):
        with pytest.raises(DataError):
            draw_codes(bad, 5)
    with pytest.raises(UsageError):
        draw_codes(ring(), 0)
