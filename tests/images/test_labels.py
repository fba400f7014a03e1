"""Labels: names to numbers, tables read and written, and the log of what people said."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import DataError
from isthmus.images.label_log import LabelLog
from isthmus.images.labels import encode, read_table, write_table
from isthmus.images.opening import open_pictures
from isthmus.images.pictures import UNKNOWN, Pictures


def test_unknown_is_unknown_and_numbers_sort_as_numbers() -> None:
    labels, classes = encode(["10", "9", "", None, " 9 "])
    assert classes == ("9", "10")
    assert list(labels) == [1, 0, UNKNOWN, UNKNOWN, 0]
    labels, classes = encode(np.array([3.0, np.nan, -1.0, 20.0]))
    assert classes == ("3", "20")
    assert list(labels) == [0, UNKNOWN, UNKNOWN, 1]
    assert encode(["b", "a", "10"])[1] == ("10", "a", "b")
    assert encode(np.array([], np.int64))[1] == ()


def test_a_table_replaces_the_labels_and_brings_columns(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text('id;label;note\ncat/00.png;Tabby;"a; b"\ndog/01.png;;\n./dog/02.png; tabby ;x\n')
    pictures = open_pictures(folder, labels=tmp_path / "l.csv")
    assert pictures.classes == ("Tabby", "tabby")
    assert (pictures.labels == UNKNOWN).sum() == 58
    assert pictures.columns["note"][0] == "a; b"
    assert any("'Tabby' and 'tabby'" in sentence for sentence in pictures.trouble)


def test_a_label_of_a_picture_holds_for_its_tiles(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("id,label\ncat/00.png,x\n")
    tiles = open_pictures(folder, labels=tmp_path / "l.csv", tile=5)
    assert (tiles.labels == 0).sum() == 6


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool), unique=True
    ),
    st.randoms(),
)
@settings(max_examples=40, deadline=None, database=None)
def test_tables_survive_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], chance: random.Random
) -> None:
    path = tmp_path_factory.mktemp("t") / "l.csv"
    names = [name for name in names if not name.startswith("./") and "\\" not in name]
    labels = np.array([chance.choice([-1, 0, 1]) for _ in names], np.int64)
    ids = np.array([*names, None], dtype=object)[:-1]
    numbers = np.arange(len(names)) / 3
    write_table(path, Pictures(np.zeros((len(names), 1)), ids, labels, ("yes, sir", 'no "way"'), {"n": numbers}))
    table = read_table(path)
    assert table.ids == names
    assert table.labels == [("yes, sir", 'no "way"', "")[label] for label in labels]
    assert [float(value) for value in table.columns["n"]] == list(numbers)


def test_a_table_is_never_half_written(tmp_path: Path) -> None:
    pictures = Pictures.from_array(np.zeros((2, 1, 2, 2), np.uint8))
    with pytest.raises(DataError, match="cannot be written"):
        write_table(tmp_path / "missing" / "l.csv", pictures)
    write_table(tmp_path / "l.csv", pictures)
    assert [f.name for f in tmp_path.iterdir()] == ["l.csv"]
    assert (tmp_path / "l.csv").read_text().splitlines() == ["id,label", "0,", "1,"]


def test_the_log_remembers_and_takes_back(tmp_path: Path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    assert log.labels() == {}
    assert log.undo() == {}
    log.add({"a": "cat", "b": "dog"}, by="me")
    log.add({"a": "dog"})
    assert log.labels() == {"a": "dog", "b": "dog"}
    assert log.undo() == {"a": "cat"}
    assert log.undo(2) == {"b": None, "a": None}
    log.add({"c": "ünïcode", "d": ""})
    assert LabelLog(log.path).labels() == {"c": "ünïcode", "d": None}
    assert len(log.path.read_text("utf-8").splitlines()) == 7


def test_every_torn_end_of_the_log_is_survived(tmp_path: Path) -> None:
    whole = LabelLog(tmp_path / "whole.jsonl")
    whole.add({"a": "cat"})
    first = whole.path.stat().st_size
    whole.add({"b": "dög"})
    data = whole.path.read_bytes()
    for end in range(first, len(data)):
        torn = LabelLog(tmp_path / "torn.jsonl")
        torn.path.write_bytes(data[:end])
        expected = {"a": "cat"} | ({"b": "dög"} if end == len(data) - 1 else {})
        assert torn.labels() == expected
        torn.add({"c": "cow"})
        assert torn.labels() == expected | {"c": "cow"}


def test_a_foreign_line_in_the_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "l.jsonl").write_text('{"id": "a", "label": "x"}\nid,label\n')
    with pytest.raises(DataError, match="line 2"):
        LabelLog(tmp_path / "l.jsonl").labels()
