"""Every search that is found: it goes down, keeps the best, stops where wishes are met, and is the same by row."""

import itertools

import pytest
import torch

from isthmus import discover
from isthmus.design.problem import Problem
from isthmus.design.searches._search import Found, Search, Walk
from isthmus.design.wishes import Function, Seen

WALKS = [name for name in discover.names("design.searches") if issubclass(
    discover.find("design.searches", name, "Search"), Walk)]  # fmt: skip


def bowl(weight: float = 1.0, floor: float = 0.0) -> Problem:
    """A bowl that is ten times as steep one way as the other; met within .3 of its middle."""
    steep = torch.tensor([1.0, 10.0, 1.0, 1.0])

    def height(x: torch.Tensor) -> torch.Tensor:
        return ((x - 1) * steep).square().sum(1) * weight + floor

    class Near(Function):
        def granted(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
            return height(x) < 0.3**2

    return Problem(lambda z, rows: z, lambda x: Seen(), (Near("near", function=height),))


def made(name: str) -> Search:
    search = discover.find("design.searches", name, "Search")()
    assert isinstance(search, Walk)
    search.steps = max(search.steps, 200)
    return search


@pytest.mark.parametrize("name", WALKS)
def test_it_arrives(name: str) -> None:
    starts = torch.randn(40, 4, generator=torch.Generator().manual_seed(0)) * 2
    found = made(name).search(bowl(), starts)
    before = ((starts - 1) * torch.tensor([1.0, 10, 1, 1])).square().sum(1)
    assert (found.loss <= before + 1e-6).all()
    assert found.met.float().mean() > 0.9
    assert (found.steps[found.met] < 200).all()


@pytest.mark.parametrize("name", WALKS)
def test_a_design_does_not_depend_on_those_beside_it(name: str) -> None:
    starts = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    together = made(name).search(bowl(), starts)
    alone = made(name).search(bowl(), starts[3:4])
    assert torch.allclose(together.codes[3], alone.codes[0], atol=1e-5)
    assert together.steps[3] == alone.steps[0]


@pytest.mark.parametrize("name", WALKS)
def test_what_is_met_at_once_is_left_as_it_is_and_the_rest_is_filmed(name: str) -> None:
    starts = torch.stack([torch.ones(4), torch.zeros(4)])
    found: Found = made(name).search(bowl(), starts, filmed=(0, 1))
    assert torch.equal(found.codes[0], starts[0]) and found.steps[0] == 0
    assert len(found.films[0]) == 1 and len(found.films[1]) == int(found.steps[1]) + 1
    assert torch.equal(found.films[1][0], starts[1])


@pytest.mark.parametrize("name", WALKS)
def test_where_nothing_is_met_the_best_is_given(name: str) -> None:
    starts = torch.full((3, 4), 0.9)
    problem = bowl(floor=1.0)
    found = made(name).search(problem, starts)
    assert not found.met.any()
    assert torch.allclose(problem(found.codes, torch.arange(3)).loss, found.loss)


def test_it_tells_how_many_have_come_to_an_end() -> None:
    told: list[tuple[int, int]] = []
    made("normalised").search(bowl(), torch.zeros(5, 4), lambda done, total: told.append((done, total)))
    assert told[-1] == (5, 5) and all(a <= b for a, b in itertools.pairwise(told))
