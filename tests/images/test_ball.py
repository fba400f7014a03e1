"""The filmed ball: what its columns say is what its pictures show."""

import numpy as np
import pytest

from isthmus import open_pictures
from isthmus.images.sets.ball import RANGES, filmed

KICK = {"speed": 6.0, "angle": 55.0, "start": 4.0, "size": 2.0, "wind": 0.0}


def one(**changed: float) -> np.ndarray:
    """`(frame, row, column)` of one kick."""
    numbers = {name: np.array([value]) for name, value in (KICK | changed).items()}
    return filmed(**numbers)[0].reshape(16, 5, 16).transpose(1, 0, 2)


def middles(frames: np.ndarray) -> np.ndarray:
    """Of the ink of each frame: column and height."""
    rows, columns = np.mgrid[:16, :16]
    ink = frames.sum(axis=(1, 2))
    return np.stack([(frames * columns).sum(axis=(1, 2)) / ink, 15 - (frames * rows).sum(axis=(1, 2)) / ink])


def test_the_set_is_the_same_each_time_and_its_numbers_are_in_their_ranges() -> None:
    pictures, again = open_pictures("ball"), open_pictures("ball")
    assert np.array_equal(pictures.pixels, again.pixels)
    assert pictures.pixels.shape == (6000, 1, 16, 80)
    assert set(pictures.columns) == set(RANGES)
    for name, (low, high) in RANGES.items():
        values = pictures.columns[name]
        assert low <= values.min() and values.max() <= high
        assert abs(values.mean() - (low + high) / 2) < 0.03 * (high - low)


def test_the_ball_never_leaves_the_picture() -> None:
    for number in range(32):
        ends = {name: RANGES[name][number >> place & 1] for place, name in enumerate(RANGES)}
        frames = one(**ends)
        ink = frames.sum(axis=(1, 2))
        assert ink.min() > 0.9 * ink.max()


def test_without_wind_it_flies_on_a_parabola() -> None:
    across, up = middles(one())
    np.testing.assert_allclose(np.diff(across, 2), 0, atol=0.05)
    np.testing.assert_allclose(np.diff(up, 2), -6 / 16, atol=0.05)
    assert across[0] == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize("name", sorted(RANGES))
def test_each_number_changes_the_film(name: str) -> None:
    low, high = RANGES[name]
    assert np.abs(one(**{name: low}) - one(**{name: high})).max() > 0.4


def test_the_wind_pushes_forward_and_the_size_is_a_radius() -> None:
    assert middles(one(wind=2.0))[0][-1] - middles(one())[0][-1] == pytest.approx(1.0, abs=0.02)
    assert one(size=2.0)[0].sum() == pytest.approx(np.pi * 4, rel=0.03)
