"""Wishes: their loss is 0 where they are met, and guides grant what they say they grant."""

import numpy as np
import torch

from isthmus.design.wishes import Answers, Class, Function, Mixture, Range, Seen

X = torch.zeros(2, 1, 2, 2)


def seen(*rows: list[float]) -> Seen:
    """One guide after the other, `(guides, n, classes)`."""
    return Seen(torch.tensor(rows).view(len(rows), 1, -1).log())


def test_a_class_is_granted_where_every_guide_is_sure() -> None:
    wish = Class("class=1", classes=(1,))
    sure, unsure = [0.004, 0.996], [0.1, 0.9]
    assert wish.granted(seen(sure, sure), X[:1]).all()
    assert not wish.granted(seen(sure, unsure), X[:1]).any()
    assert wish.loss(seen(sure, sure), X[:1]) < wish.loss(seen(sure, unsure), X[:1])
    assert Class("", classes=(0, 1)).granted(seen(unsure), X[:1]).all()


def test_a_mixture_is_met_by_its_shares_and_judged_by_what_is_hesitated_between() -> None:
    wish = Mixture("", shares=((0, 0.7), (1, 0.3)))
    assert float(wish.loss(seen([0.7, 0.3, 1e-9]), X[:1])) < 1e-6
    assert float(wish.loss(seen([0.4, 0.3, 0.3]), X[:1])) > 0.1
    assert wish.granted(seen([0.68, 0.31, 0.01]), X[:1]).all()
    assert not wish.granted(seen([0.4, 0.3, 0.3]), X[:1]).any()
    judged = wish.judged(Answers(np.array([[0.9, 0.08, 0.02], [0.9, 0.02, 0.08]])), X.numpy())
    assert judged.tolist() == [True, False]


def test_a_range_is_aimed_at_from_inside() -> None:
    wish = Range("", name="size", low=2.0, high=3.0, spread=1.0)
    values = torch.tensor([[2.05, 2.5, 2.95, 1.0]])
    told = Seen(None, {"size": values})
    assert wish.granted(told, X).tolist() == [False, True, False, False]
    assert float(wish.loss(told, X)[1]) == 0 and (wish.loss(told, X)[[0, 2, 3]] > 0).all()
    judged = wish.judged(Answers(None, {"size": values[0].numpy()}), X.numpy())
    assert judged.tolist() == [True, True, True, False]
    assert wish.judged(Answers(None, {"size": np.array([np.nan])}), X.numpy()).tolist() == [False]


def test_an_open_range_has_no_far_end() -> None:
    wish = Range("", name="size", low=2.0, spread=1.0)
    told = Seen(None, {"size": torch.tensor([[100.0, 1.0]])})
    assert wish.granted(told, X).tolist() == [True, False]
    assert wish.loss(told, X).isfinite().all()


def test_a_function_is_met_where_it_is_zero() -> None:
    wish = Function("dark", function=lambda x: x.flatten(1).mean(1))
    assert wish.granted(Seen(), X).all() and wish.judged(Answers(), X.numpy()).all()
    assert not wish.granted(Seen(), X + 1).any()


def test_certainty_is_that_of_the_least_sure() -> None:
    told = seen([0.2, 0.8], [0.4, 0.6])
    assert told.certainty is not None and abs(float(told.certainty[0]) - 0.6) < 1e-6
