"""The rule, on made-up trials: what is recommended, what lies on the front, what is given up."""

from typing import Any

import numpy as np
import pytest

from isthmus.tune.choosing import DIRECTIONS, Row, front, recommended
from isthmus.tune.watching import beaten


def row(number: int, code: float, error: float, **more: Any) -> Row:
    measured = {"code": code, "latent": code, "error": error, "standard_error": 0.0, "seconds": 1.0}
    return Row(number, {"latent": code}, "finished", measured | more, default=number == 0)


def test_without_a_price_the_fewest_numbers_that_keep_enough_are_taken() -> None:
    rows = [row(0, 16, 0.02), row(1, 4, 0.05), row(2, 8, 0.014), row(3, 64, 0.01), row(4, 12, 0.0139)]
    assert recommended(rows, nothing=0.1, keep=0.95) is rows[2]
    assert recommended(rows, nothing=0.1, keep=0.99) is rows[3]


def test_what_redraws_worse_than_the_default_is_not_recommended_however_small() -> None:
    rows = [row(0, 32, 0.0101), row(1, 2, 0.014), row(2, 64, 0.01)]
    assert recommended(rows, nothing=0.1) is rows[0]


def test_with_a_price_the_lowest_rate_counts_first_then_the_numbers() -> None:
    rows = [
        row(0, 16, 0.02, rate=9.0),
        row(1, 8, 0.012, rate=30.0),
        row(2, 100, 0.0135, rate=20.0),
        row(3, 20, 0.0138, rate=20.5),
        row(4, 64, 0.010, rate=40.0),
    ]
    assert recommended(rows, nothing=0.1) is rows[3]


def test_one_standard_error_is_no_difference() -> None:
    rows = [row(0, 16, 0.0144), row(1, 8, 0.0145), row(2, 64, 0.01)]
    assert recommended(rows, nothing=0.1) is rows[0]
    rows[1].measured["standard_error"] = 0.0002
    assert recommended(rows, nothing=0.1) is rows[1]


def test_nothing_is_recommended_before_the_default_has_finished() -> None:
    assert recommended([row(1, 8, 0.01)], nothing=0.1) is None


def test_the_recommended_one_is_never_worse_than_the_default() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        rows = [row(i, int(generator.integers(2, 99)), float(generator.uniform(0.01, 0.09))) for i in range(12)]
        chosen = recommended(rows, nothing=0.1, keep=float(generator.uniform(0.5, 0.999)))
        assert chosen is not None
        assert chosen.measured["error"] <= rows[0].measured["error"]


def test_nobody_beats_who_is_on_the_front_and_somebody_on_it_beats_every_other() -> None:
    generator = np.random.default_rng(1)
    names = ["error", "rate", "accuracy"]
    rows = [
        row(i, 4, float(a), rate=float(b), accuracy=float(c)) for i, (a, b, c) in enumerate(generator.random((40, 3)))
    ]
    best = front(rows, names)

    def point(one: Row) -> np.ndarray:
        return np.array([DIRECTIONS[name] * one.measured[name] for name in names])

    for one in rows:
        beaten_by = [other for other in best if other is not one and (point(other) <= point(one)).all()]
        assert bool(beaten_by) != (one in best)


@pytest.mark.parametrize(
    ("latent", "beta", "gone"), [(16, 1.0, True), (15, 1.0, False), (16, 1.1, False), (64, 0.5, True)]
)
def test_only_a_code_as_small_and_as_dear_makes_a_trial_hopeless(latent: float, beta: float, gone: bool) -> None:
    done = row(0, 16, 0.01, beta=1.0)
    done.measured["error at 0.5"] = 0.02
    found = beaten({"latent": latent, "beta": beta}, "0.5", 0.03, [done])
    assert (found is done) == gone
    assert beaten({"latent": latent, "beta": beta}, "0.5", 0.021, [done]) is None
    assert beaten({"latent": latent, "beta": beta}, "0.25", 0.9, [done]) is None, "nothing is known of that share"
