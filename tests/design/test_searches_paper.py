"""Paper 003's step: on a straight line it changes the error by exactly what was asked for."""

from typing import Any

import pytest
import torch

from isthmus import discover
from isthmus.design import Function, Problem, Seen
from isthmus.design.searches.polyak import Polyak

SLOPE = torch.tensor([3.0, -4.0, 12.0])


def straight(z: torch.Tensor) -> torch.Tensor:
    return (z.flatten(1) * SLOPE).sum(1)


def problem(error: Any = straight) -> Problem:
    return Problem(lambda z, rows: z, lambda x: Seen(), [Function("a straight line", function=error)])


def test_a_step_changes_a_linear_error_by_exactly_c() -> None:
    starts = torch.tensor([[1.0, 0.0, 1.0], [0.5, -2.0, 0.1]])
    before = straight(starts)
    found = Polyak(steps=1, share=0.1, cap=100.0).search(problem(), starts)
    torch.testing.assert_close(straight(found.codes) - before, -0.1 * before)
    assert discover.find("design.searches", "polyak", "Search") is Polyak


def test_no_step_is_longer_than_the_cap_and_a_flat_place_is_left_alone() -> None:
    starts = torch.tensor([[100.0, 0.0, 100.0]])
    found = Polyak(steps=1).search(problem(), starts)
    assert (found.codes - starts).norm().item() == pytest.approx(1.0, rel=1e-5)
    flat = Polyak(steps=3).search(problem(lambda x: 1 + 0 * x.sum(1)), starts)
    assert torch.equal(flat.codes, starts) and not flat.met.any()


def test_a_walk_ends_where_the_wish_is_met() -> None:
    bowl = problem(lambda x: (x.square().sum(1) - 0.01).clamp_min(0))
    found = Polyak(share=0.5).search(bowl, torch.tensor([[2.0, 1.0, -1.0], [0.01, 0.0, 0.0]]))
    assert found.met.all() and 1 < found.steps[0] < 50 and found.steps[1] == 0
