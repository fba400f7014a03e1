"""Directions in a latent space, and what goes with its dimensions."""

import numpy as np
import pytest

from isthmus.errors import DataError
from isthmus.look import correlations, directions_of

SIZES = np.array([1.0, 3.0, 0.0, 2.0])


def cloud(n: int = 600, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 4)) * SIZES + 5


def test_dimensions_come_by_how_much_they_vary_and_the_unused_do_not_come() -> None:
    found = directions_of(cloud())
    assert [one.name for one in found] == ["z1", "z3", "z0"]
    assert {one.kind for one in found} == {"dimension"}
    for one in found:
        assert np.linalg.norm(one.vector) == pytest.approx(1)
        places = one.place(cloud())
        assert np.mean(places < one.low) == pytest.approx(0.01, abs=0.003)
        assert np.mean(places > one.high) == pytest.approx(0.01, abs=0.003)
        assert one.spread == pytest.approx(places.std())
        assert one.vector.tolist() == [float(f"z{d}" == one.name) for d in range(4)]
    assert [one.name for one in directions_of(cloud(), most=1)] == ["z1"]


def test_a_class_lies_on_the_far_side_of_its_direction() -> None:
    codes, labels = cloud(), np.arange(600) % 3
    codes[labels == 2] += [4, 0, 0, 4]
    labels[labels == 1] = -1
    (towards,) = [one for one in directions_of(codes, labels, ["a", "b", "c"]) if one.name == "c"]
    assert towards.kind == "class"
    assert towards.title == "class c"
    assert towards.vector @ np.array([1, 0, 0, 1]) / np.sqrt(2) > 0.95
    assert towards.place(codes[labels == 2]).mean() > towards.place(codes[labels == 0]).mean() + 4


def test_along_an_amount_codes_change_as_they_do_with_it() -> None:
    codes, generator = cloud(), np.random.default_rng(1)
    amount = generator.normal(size=600)
    codes += amount[:, None] * [0, 0, 3, 0]
    amount[::7] = np.nan
    (one,) = [one for one in directions_of(codes, numbers={"dose": amount}) if one.kind == "amount"]
    assert one.name == "dose"
    assert one.vector[2] > 0.95


def test_too_few_labels_make_no_direction() -> None:
    labels = np.full(600, -1)
    labels[:4], labels[4:20] = 0, 1
    numbers = {"few": np.where(np.arange(600) < 3, 1.0, np.nan), "still": np.ones(600)}
    assert {one.kind for one in directions_of(cloud(), labels, ["a", "b"], numbers)} == {"dimension"}
    assert directions_of(np.ones((9, 3))) == []
    for bad in (np.ones((1, 3)), np.full((9, 3), np.nan)):
        with pytest.raises(DataError):
            directions_of(bad)


def test_correlations_are_those_of_numpy_with_fisher_s_interval() -> None:
    codes, generator = cloud(), np.random.default_rng(2)
    labels = (codes[:, 1] + generator.normal(size=600) > 5).astype(int)
    amount = codes[:, 3] + 3 * generator.normal(size=600)
    amount[:100] = np.nan
    found = correlations(codes, labels, ["no", "yes"], {"dose": amount})
    assert (found[0].name, found[0].dimension) == ("yes", 1), "the strongest first; two classes are one question"
    assert {one.dimension for one in found} == {0, 1, 3}
    strengths = [abs(one.value.value) for one in found]
    assert strengths == sorted(strengths, reverse=True)
    (one,) = [one for one in found if one.name == "dose" and one.dimension == 3]
    assert one.value.n == 500
    r = np.corrcoef(codes[100:, 3], amount[100:])[0, 1]
    assert one.value.value == pytest.approx(r)
    assert np.arctanh(one.value.high) - np.arctanh(r) == pytest.approx(1.959964 / np.sqrt(497), rel=1e-5)
    assert all(one.value.low <= one.value.value <= one.value.high for one in found)


def test_of_many_pairs_chance_alone_shows_few_and_the_intervals_hold() -> None:
    generator = np.random.default_rng(0)
    codes = generator.normal(size=(80, 60))
    found = correlations(codes, numbers={str(i): generator.normal(size=80) for i in range(20)})
    assert len(found) == 1200
    outside = np.mean([not one.value.low <= 0 <= one.value.high for one in found])
    assert outside == pytest.approx(0.05, abs=0.02)
    assert min(one.p for one in found) > 0.01
    assert correlations(codes) == []
