"""Groups of codes: found where there are some, none where there are none, the same ones for the same seed."""

import numpy as np
import pytest

import isthmus.look.clusters  # noqa: F401
from isthmus.errors import DataError, UsageError
from isthmus.look import clusters


def groups(n: int = 900, count: int = 4, size: int = 20, apart: float = 5) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.choice(count, n, p=np.arange(1, count + 1) / np.arange(1, count + 1).sum())
    return generator.normal(size=(count, size))[labels] * apart + generator.normal(size=(n, size)), labels


@pytest.mark.parametrize("count", [None, 4])
def test_groups_that_lie_apart_are_found_largest_first(count: int | None) -> None:
    rows, labels = groups()
    found = clusters(rows, 0, count, labels=labels)
    assert found.count == 4
    assert found.sizes.tolist() == sorted(found.sizes.tolist(), reverse=True)
    assert found.sizes.sum() == (found.labels >= 0).sum()
    assert found.scores["adjusted Rand index"] > 0.97
    assert found.scores["purity"] > 0.97 > found.scores["purity by chance"]
    assert found.scores["silhouette"] > 0.3
    again = clusters(rows, 0, count)
    np.testing.assert_array_equal(found.labels, again.labels)
    assert set(again.scores) == {"clustered", "silhouette"}


def test_one_cloud_has_no_clusters_and_what_lies_far_out_is_in_none() -> None:
    for size in (3, 10):
        found = clusters(np.random.default_rng(0).normal(size=(1500, size)))
        assert (found.count, found.labels.max(), len(found.sizes)) == (0, -1, 0)
        assert found.scores == {"clustered": 0.0}
    rows, _ = groups()
    rows[5] = 1e3
    assert clusters(rows).labels[5] == -1


def test_rows_beyond_the_sample_go_where_their_nearest_went(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.modules["isthmus.look.clusters"], "_MOST", 300)
    rows, labels = groups()
    told: list[str] = []
    found = clusters(rows, 3, labels=labels, told=lambda done, total, what: told.append(what))
    assert len(found.labels) == 900
    assert found.scores["adjusted Rand index"] > 0.97
    assert {"looking for clusters", "placing the other rows"} <= set(told)


def test_unlabelled_rows_take_no_part_in_the_scores() -> None:
    rows, labels = groups()
    some = np.where(np.arange(900) % 3 == 0, labels, -1)
    assert clusters(rows, labels=some).scores["purity"] > 0.97
    assert "purity" not in clusters(rows, labels=np.full(900, -1)).scores


def test_what_has_no_clusters_is_refused() -> None:
    with pytest.raises(DataError):
        clusters(np.zeros((1, 3)))
    with pytest.raises(DataError):
        clusters(np.full((9, 3), np.nan))
    with pytest.raises(UsageError):
        clusters(np.zeros((9, 3)), 0, 10)
    assert clusters(np.zeros((9, 3))).count == 0
    assert clusters(np.zeros((9, 3)), 0, 2).count >= 1
