"""What holds for every head that is found, and what the graph and the conformal sets promise."""

import functools
from typing import Any

import numpy as np
import pytest

from isthmus import Autoencoder, discover
from isthmus.classify.draws import folds
from isthmus.classify.heads._head import Head, Pile
from isthmus.errors import DataError
from isthmus.stats.conformal import fewest_for, set_threshold, sets_of
from isthmus.stats.graph import neighbour_graph, spread

HEADS = discover.names("classify.heads")
every_head = pytest.mark.parametrize("name", HEADS)


def blobs(n: int = 300, classes: int = 3, seed: int = 0, noise: float = 0.09) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows around as many directions as there are classes."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    rows = np.eye(64)[7 * labels] + noise * generator.normal(size=(n, 64))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


@functools.cache
def model() -> Any:
    """One that knows a little of such rows, as pictures of 8 x 8."""
    return Autoencoder(net="conv", latent=8, epochs=20, precision="float32").fit(pictures_of(blobs()[0]))


def pictures_of(rows: np.ndarray) -> np.ndarray:
    return ((rows.clip(-0.5, 1) + 0.5) * 170).astype(np.uint8).reshape(-1, 8, 8)


def pile_of(rows: np.ndarray) -> Pile:
    return Pile(rows, None, model(), pictures_of(rows))


def head_of(name: str) -> Head:
    head: Head = discover.find("classify.heads", name, "Head")()
    return head.set_params(looks=6000 if name == "taught" else 3000, views="none") if head.slow else head


def some_of(labels: np.ndarray, each: int) -> np.ndarray:
    given = np.full(len(labels), -1)
    for c in range(labels.max() + 1):
        given[np.flatnonzero(labels == c)[:each]] = c
    return given


def fitted(name: str, classes: int = 3, each: int = 5) -> tuple[Head, np.ndarray, np.ndarray]:
    rows, labels = blobs(classes=classes)
    return head_of(name).fit(pile_of(rows), some_of(labels, each), classes), *blobs(classes=classes, seed=1)


@every_head
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_head_tells_classes_apart_and_its_rows_sum_to_one(name: str, classes: int) -> None:
    head, rows, labels = fitted(name, classes)
    told = head.probabilities(pile_of(rows))
    assert told.shape == (len(rows), classes)
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-5)
    assert (told >= 0).all()
    assert (told.argmax(axis=1) == labels).mean() > 0.9


@every_head
def test_what_a_head_learnt_is_in_its_arrays(name: str) -> None:
    head, rows, _ = fitted(name)
    other = head.fresh()
    other.restore({key: np.array(value) for key, value in head.arrays().items()}, model())
    np.testing.assert_allclose(other.probabilities(pile_of(rows)), head.probabilities(pile_of(rows)), atol=2e-3)


@every_head
def test_the_same_labels_give_the_same_head_and_a_picture_its_answer_in_any_company(name: str) -> None:
    (one, rows, _), (two, _, _) = fitted(name), fitted(name)
    np.testing.assert_array_equal(one.probabilities(pile_of(rows)), two.probabilities(pile_of(rows)))
    np.testing.assert_allclose(one.probabilities(pile_of(rows[:7])), one.probabilities(pile_of(rows))[:7], atol=1e-5)


@every_head
def test_one_label_a_class_is_enough_to_begin_with(name: str) -> None:
    head, rows, labels = fitted(name, each=1)
    assert (head.probabilities(pile_of(rows)).argmax(axis=1) == labels).mean() > 0.6


@every_head
def test_a_class_without_a_label_is_never_the_answer(name: str) -> None:
    rows, labels = blobs()
    known = np.where(labels == 1, -1, some_of(labels, 5))
    told = head_of(name).fit(pile_of(rows), known, 3).probabilities(pile_of(rows))
    assert told.shape == (300, 3)
    assert set(told.argmax(axis=1)) == {0, 2}
    assert (told.argmax(axis=1) == labels)[labels != 1].mean() > 0.9


def test_labels_spread_along_the_graph_where_straight_lines_cannot_follow() -> None:
    """Two half moons, one label each: the nearest labelled point is often the wrong one, the graph is right."""
    from sklearn.datasets import make_moons

    points, labels = make_moons(400, noise=0.05, random_state=0)
    rows = np.c_[points, np.full(400, 2.0)]  # angles between rows are then nearly distances
    known = np.full(400, -1)
    for c in (0, 1):
        known[np.flatnonzero(labels == c)[0]] = c
    graph = (spread(neighbour_graph(rows), known, 2).argmax(axis=1) == labels).mean()
    to = [np.linalg.norm(rows - rows[known == c], axis=1) for c in (0, 1)]
    nearest = ((to[1] < to[0]).astype(int) == labels).mean()
    assert graph > 0.97 > nearest


def test_known_shares_bring_a_drowned_class_back() -> None:
    rows, labels = blobs(400, 2, noise=0.2)
    keep = np.r_[np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:20]]
    graph, known = neighbour_graph(rows[keep]), np.full(len(keep), -1)
    known[0], known[-1] = 0, 1
    shares = np.array([0.25, 0.75])
    plain, told = (spread(graph, known, 2, s).mean(axis=0)[1] for s in (None, shares))
    assert abs(told - 0.75) < abs(plain - 0.75)


def test_a_point_that_no_label_reaches_may_be_anything() -> None:
    rows = np.r_[np.eye(6)[[0] * 12], np.eye(6)[[3] * 12]] + 1e-3 * np.random.default_rng(0).normal(size=(24, 6))
    known = np.r_[0, 1, np.full(22, -1)]
    np.testing.assert_allclose(spread(neighbour_graph(rows, 3), known, 2)[12:], 0.5)


# -- draws ------------------------------------------------------------------------------------------------------------


def test_folds_part_the_labels_and_leave_every_class_somewhere_to_learn_from() -> None:
    labels = np.repeat([0, 1, -1], [9, 2, 5])
    parts = folds(labels, np.arange(16), 5, 0)
    assert len(parts) == 2
    assert sorted(np.concatenate(parts)) == list(range(11))
    for part in parts:
        assert set(np.delete(labels, part)) >= {0, 1}
    assert folds(np.array([0, 1, 2]), np.arange(3), 5, 0) == []


def test_a_class_with_a_single_label_is_learnt_from_and_not_judged() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    parts = folds(labels, np.arange(6), 5, 0)
    assert sorted(np.concatenate(parts)) == [0, 1, 2, 3, 4]
    assert all(set(np.delete(labels, part)) == {0, 1, 2} for part in parts)


def test_what_belongs_together_is_in_one_fold() -> None:
    labels, subject = np.repeat([0, 1], 30), np.repeat(np.arange(12), 5)
    parts = folds(labels, subject, 5, 0)
    assert len(parts) == 5
    assert all(set(subject[part]).isdisjoint(np.delete(subject, part)) for part in parts)
    assert folds(labels, np.repeat([0, 1], 30), 5, 0) == []  # one subject a class: nobody else could know it


# -- conformal sets ---------------------------------------------------------------------------------------------------


def told(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are overconfident, and the truth."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, 5))
    odds = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (odds.cumsum(axis=1) > generator.random((n, 1))).argmax(axis=1)
    sharp = np.exp(3 * logits)
    return sharp / sharp.sum(axis=1, keepdims=True), truth


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_sets_hold_the_truth_as_often_as_promised_whatever_the_probabilities(level: float) -> None:
    held = []
    for seed in range(100):
        p, y = told(1200, seed)
        sets = sets_of(p[600:], set_threshold(p[:600], y[:600], level))
        held.append(sets[np.arange(600), y[600:]].mean())
    assert abs(np.mean(held) - level) < 0.005


def test_too_few_labels_promise_nothing() -> None:
    assert fewest_for(0.9) == 9
    p, y = told(8, 0)
    with pytest.raises(DataError, match="8 labelled pictures cannot promise sets at 90%. Label at least 9"):
        set_threshold(p, y, 0.9)
    p, y = told(9, 0)
    assert 0 <= set_threshold(p, y, 0.9) <= 1


def test_the_likeliest_class_is_always_in_its_set() -> None:
    p: Any = np.full((3, 4), 0.25)
    assert sets_of(p, 0.9).sum(axis=1).tolist() == [1, 1, 1]
