"""Suggestions: every group once, never what is labelled, the unsure ones later, and a table to fill in."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.classify.heads._head import Pile
from isthmus.classify.suggest import suggest
from isthmus.cli import main
from isthmus.errors import DataError


def clouds(sizes: list[int], seed: int = 0) -> tuple[Pile, np.ndarray]:
    """Clouds of these sizes, far from one another."""
    truth = np.repeat(np.arange(len(sizes)), sizes)
    rows = 4 * np.eye(8)[truth] + 0.3 * np.random.default_rng(seed).normal(size=(len(truth), 8))
    return Pile(rows), truth


def test_from_nothing_every_cloud_gives_one_the_largest_first() -> None:
    pile, truth = clouds([300, 200, 100, 50])
    chosen = suggest(pile, np.full(len(truth), -1), 4)
    assert [truth[one.row] for one in chosen] == [0, 1, 2, 3]
    assert [one.group for one in chosen] == [300, 200, 100, 50]
    middle = np.linalg.norm(pile.rows - 4 * np.eye(8)[truth], axis=1)
    assert all(middle[one.row] < np.median(middle) for one in chosen)


def test_a_cloud_with_a_label_waits_for_those_without() -> None:
    pile, truth = clouds([300, 200, 100, 50])
    labels = np.full(len(truth), -1)
    labels[[0, 301]] = 0, 1
    chosen = suggest(pile, labels, 2)
    assert {truth[one.row] for one in chosen} == {2, 3}


def test_with_labels_enough_it_asks_where_the_classifier_is_unsure() -> None:
    pile, _ = clouds([100, 100])
    labels = np.full(200, -1)
    labels[:10], labels[100:110] = 0, 1
    sure = np.tile([0.99, 0.01], (200, 1))
    sure[50:60] = 0.5
    chosen = suggest(pile, labels, 5, probabilities=sure)
    assert {one.row for one in chosen} <= set(range(50, 60)) | set(range(200))
    assert sum(50 <= one.row < 60 for one in chosen) >= 1
    assert "apart" in chosen[0].reason


@pytest.mark.parametrize("n", [1, 7, 30])
def test_as_many_as_asked_all_different_none_labelled(n: int) -> None:
    pile, _ = clouds([20, 15, 5])
    labels = np.full(40, -1)
    labels[[0, 25, 36]] = 0, 1, 2
    chosen = [one.row for one in suggest(pile, labels, n)]
    assert len(chosen) == len(set(chosen)) == n
    assert (labels[chosen] < 0).all()
    assert chosen == [one.row for one in suggest(pile, labels, n)]


def test_more_than_there_are_is_refused() -> None:
    pile, _ = clouds([5, 5])
    with pytest.raises(DataError, match="11 pictures were asked for, and 10 have no label"):
        suggest(pile, np.full(10, -1), 11)


def test_the_verb_writes_a_table_to_fill_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = tmp_path / "run", tmp_path / "next.csv"
    assert main(["fit", "digits", "--model", "pca", "--latent", "8", "--out", str(run), "--quiet"]) == 0
    assert main(["label-next", str(run), "-n", "6"]) == 1
    assert "0 have no label" in capsys.readouterr().err
    table = tmp_path / "labels.csv"
    table.write_text("id,label\n" + "".join(f"{i},{i % 10}\n" for i in range(10)))
    assert main(["label-next", str(run), "--labels", str(table), "-n", "6", "-o", str(out)]) == 0
    head, *rows = out.read_text().splitlines()
    assert head == "id,label,reason"
    assert rows[:10] == [f"{i},{i % 10}," for i in range(10)]  # what was labelled stays
    assert len(rows) == 16
    assert all("typical of a group" in row or "unlike" in row for row in rows[10:])
    assert "fill in the labels" in capsys.readouterr().err
    splits = dict(line.split(",") for line in (run / "splits.csv").read_text().splitlines())
    assert {splits[row.split(",")[0]] for row in rows[10:]} <= {"train", "validation"}
    assert main(["label-next", str(run), "--labels", str(table), "-n", "6", "-o", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["label-next", str(run), "--labels", str(out), "-n", "6", "-o", str(out)]) == 0
