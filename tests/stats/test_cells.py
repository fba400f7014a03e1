"""Near neighbours out of cells: exact where every cell is looked into, nearly so where few are."""

import numpy as np
import pytest

from isthmus.errors import DataError
from isthmus.stats import cells
from isthmus.stats.cells import Cells, near_neighbours
from isthmus.stats.knn import neighbours


def clusters(n: int, d: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(20, d))[rng.integers(0, 20, n)] + 0.3 * rng.normal(size=(n, d))).astype(np.float32)


@pytest.mark.parametrize("skip", [True, False])
def test_all_cells_give_what_comparing_all_with_all_gives(skip: bool) -> None:
    bank = clusters(700)
    query = bank if skip else clusters(90, seed=1)
    far, near = Cells(bank).search(query, 7, probes=1000, skip_self=skip)
    wanted = neighbours(query, bank, 7, skip_self=skip)
    np.testing.assert_array_equal(near, wanted[1])
    np.testing.assert_allclose(far, wanted[0], rtol=1e-5, atol=1e-6)


def test_more_cells_find_more_and_few_find_most() -> None:
    bank = clusters(4000)
    wanted = neighbours(bank, bank, 10, skip_self=True)[1]

    def found(probes: int) -> float:
        near = Cells(bank).search(bank, 10, probes, skip_self=True)[1]
        return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near, wanted, strict=True)]))

    shares = [found(probes) for probes in (1, 4, 16)]
    assert shares == sorted(shares)
    assert shares[-1] > 0.97


def test_who_finds_too_few_looks_further() -> None:
    """Of ten rows that lie alone, five hundred neighbours are asked; nobody is its own, and nobody comes twice."""
    bank = np.concatenate([clusters(900), 100 + clusters(10)])
    near = Cells(bank).search(bank, 500, probes=1, skip_self=True)[1]
    assert (near >= 0).all()
    assert (near != np.arange(910)[:, None]).all()
    assert all(len(set(row)) == 500 for row in near[-10:])
    for k in range(1, 40):
        near = Cells(bank[:40]).search(bank[:40], k, probes=1, skip_self=True)[1]
        assert (near != np.arange(40)[:, None]).all()
    twins = np.repeat(clusters(3), 50, axis=0)
    assert all(len(set(row)) == 60 for row in Cells(twins).search(twins, 60, probes=1, skip_self=True)[1])


def test_it_is_the_same_every_time_and_for_a_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = clusters(3000)
    whole = Cells(bank).search(bank, 5, 4, skip_self=True)
    monkeypatch.setattr(cells, "MANY", 1000)
    for one, other in zip(near_neighbours(bank, 5), Cells(bank).search(bank, 5, skip_self=True), strict=True):
        np.testing.assert_array_equal(one, other)
    monkeypatch.setattr(cells, "_CELLS", 1 << 12)  # in many small blocks
    for one, other in zip(Cells(bank).search(bank, 5, 4, skip_self=True), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_asked_is_a_sentence() -> None:
    bank = clusters(30)
    with pytest.raises(DataError, match="30 neighbours were asked of 30 points"):
        Cells(bank).search(bank, 30, skip_self=True)
    bank[3, 2] = np.nan
    with pytest.raises(DataError, match="1 of 30 rows of the bank"):
        Cells(bank)
