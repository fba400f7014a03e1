"""Labels as people write them: names to numbers, tables of `id,label[,columns...]`, blank where nobody knows."""

import csv
import io
import math
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import DataError, UsageError
from isthmus.images.guard import reading
from isthmus.images.label_log import LabelLog
from isthmus.images.pictures import UNKNOWN, Pictures

__all__ = [
    "LABEL_NAMES",
    "LabelTable",
    "as_column",
    "attach",
    "encode",
    "look_alikes",
    "plain",
    "read_table",
    "write_table",
]

ID_NAMES = ("id", "path", "file", "filename", "image", "picture", "name")
LABEL_NAMES = ("label", "class", "target", "category", "y")


@dataclass
class LabelTable:
    """Rows of a label table: an id, a label (blank for unknown) and other columns, all as text."""

    ids: list[str]
    labels: list[str]
    columns: dict[str, list[str]] = field(default_factory=dict)


def encode(values: Iterable[Any]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers for labels, and the classes they index: blank, None, NaN and -1 are UNKNOWN.

    Whole numbers are sorted as numbers, names as text.
    """
    array = values if isinstance(values, np.ndarray) else None
    if array is not None and array.dtype.kind in "biu":
        known, position = np.unique(array, return_inverse=True)  # the quick way for the usual case
        names = [_name(value) for value in known.tolist()]
    else:
        every = [_name(value) for value in values]
        names = sorted(set(every))
        where = {name: i for i, name in enumerate(names)}
        position = np.array([where[name] for name in every], np.int64)
    classes = _in_order(name for name in names if name)
    number = {name: i for i, name in enumerate(classes)}
    lookup = np.array([number.get(name, UNKNOWN) for name in names] or [UNKNOWN], np.int64)
    return lookup[position.reshape(-1)], classes


def read_table(path: Path, *, need_label: bool = False) -> LabelTable:
    """A CSV (comma, semicolon or tab) or Parquet file whose first line names its columns, or a log (.jsonl)."""
    shown = str(path)
    if path.suffix.lower() == ".jsonl":
        return _log(path)
    with reading(shown, "Give a CSV or Parquet file with the columns id,label."):
        header, columns = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _csv(path)
    names = [name.strip().casefold() for name in header]
    if len(set(names)) != len(names):
        raise DataError(f"{shown} names a column twice", "Give each column its own name.")
    key = next((names.index(name) for name in ID_NAMES if name in names), None)
    if key is None:
        raise DataError(f"{shown} has no column called id or path", f"It has: {', '.join(header)[:200]}. Rename one.")
    label = next((names.index(name) for name in LABEL_NAMES if name in names), None)
    if label is None and need_label:
        raise DataError(f"{shown} has no column called label", f"It has: {', '.join(header)[:200]}. Rename one.")
    ids = [value.strip().replace("\\", "/").removeprefix("./") for value in columns[key]]
    labels = [value.strip() for value in columns[label]] if label is not None else [""] * len(ids)
    rest = {header[i].strip(): columns[i] for i in range(len(header)) if i not in (key, label)}
    return LabelTable(ids, labels, rest)


def _log(path: Path) -> LabelTable:
    """What a log says now; pictures whose label was taken away are in it without one."""
    if not path.is_file():
        raise DataError(f"there is no log of labels {path}", "The studio makes one, labels.jsonl, in the run.")
    given = LabelLog(path).labels()
    return LabelTable(list(given), [label or "" for label in given.values()], {})


def write_table(path: Path, pictures: Pictures) -> None:
    """`id,label[,columns...]` for these pictures, blank where unknown; the file is whole or not there."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "label", *pictures.columns])
    names = (*pictures.classes, "")  # UNKNOWN is the last one
    cells = [[plain(value) for value in column] for column in pictures.columns.values()]
    for row, (name, label) in enumerate(zip(pictures.ids, pictures.labels, strict=True)):
        writer.writerow([name, names[label], *(column[row] for column in cells)])
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_text(text.getvalue(), "utf-8", newline="")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(
            f"{path} cannot be written: {(error.strerror or 'disk error').lower()}", "Choose another place."
        ) from error


def attach(pictures: Pictures, table: LabelTable, shown: str) -> None:
    """Give the pictures the table's labels and columns; what the table does not name is unknown.

    A row may name a tile or page, or the picture or file that it comes from.
    """
    rows = _rows_of(table, shown)
    found = [_match(str(name), rows) for name in pictures.ids]
    used = {row for row in found if row is not None}
    if len(used) < len(rows):
        lost = [name for name, row in rows.items() if row not in used]
        names = ", ".join(repr(name) for name in lost[:5])
        raise DataError(
            f"{len(lost):,} of {len(rows):,} ids in {shown} are not among the pictures: {names}",
            f"Ids look like {str(pictures.ids[0])!r} here; remove those rows or correct them.",
        )
    pictures.labels, pictures.classes = encode("" if row is None else table.labels[row] for row in found)
    for name, values in table.columns.items():
        pictures.columns[name] = as_column(["" if row is None else values[row] for row in found])


def as_column(values: Sequence[str]) -> np.ndarray:
    """Floats where every value is a number or blank (NaN), else text."""
    words = [value.strip() for value in values]
    try:
        numbers = [float(word) if word else math.nan for word in words]
    except ValueError:
        return np.array([*words, None], dtype=object)[:-1]
    return np.array(numbers if any(words) else [math.nan] * len(words), np.float64)


def look_alikes(classes: Sequence[str]) -> list[str]:
    """A sentence for class names that differ only in case or spaces, and so may be meant to be one.

    Numbers are what they say: -1 is not 1.
    """
    alike: dict[str, list[str]] = {}
    for name in classes:
        if _is_number(name):
            continue
        alike.setdefault("".join(name.split()).casefold().replace("_", "").replace("-", ""), []).append(name)
    return [
        f"the labels {' and '.join(map(repr, names))} differ only in case or spacing; they are kept apart"
        for names in alike.values()
        if len(names) > 1
    ]


def _is_number(name: str) -> bool:
    try:
        return math.isfinite(float(name))
    except ValueError:
        return False


def _rows_of(table: LabelTable, shown: str) -> dict[str, int]:
    rows: dict[str, int] = {}
    for row, name in enumerate(table.ids):
        other = rows.setdefault(name, row)
        if table.labels[other] != table.labels[row]:
            raise DataError(
                f"{shown} labels {name!r} both {table.labels[other]!r} and {table.labels[row]!r}", "Keep one of them."
            )
    if not rows:
        raise DataError(f"{shown} has no rows", "Give a line for each labelled picture: id,label.")
    return rows


def _match(name: str, rows: Mapping[str, int]) -> int | None:
    for candidate in (
        name,
        name.rpartition("@")[0],
        name.rpartition("@")[0].rpartition("#")[0],
        name.rpartition("#")[0],
    ):
        if candidate and candidate in rows:
            return rows[candidate]
    return None


def _name(value: Any) -> str:
    """A label as text; "" stands for unknown."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, str):
        return value.strip()
    number = float(value)
    if math.isnan(number) or number == UNKNOWN:
        return ""
    return str(int(number)) if number.is_integer() else str(value)


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    names = list(names)
    try:
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    except ValueError:
        return tuple(sorted(names))


def plain(value: Any) -> str:
    """A value of a column as tables have it."""
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else repr(int(value) if float(value).is_integer() else float(value))
    return str(value)


def _csv(path: Path) -> tuple[list[str], list[list[str]]]:
    text = path.read_text("utf-8-sig")
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    # a field may hold a line break, so the module splits the lines, not this code
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True) if any(row)]
    if not rows:
        raise UsageError(f"{path} is empty", "Give a line for each picture, below a line that names the columns.")
    header = rows[0]
    for number, row in enumerate(rows, 1):
        if len(row) > len(header):
            raise DataError(
                f"{path} has {len(row)} values in row {number}, {len(header)} columns", "Quote values with commas."
            )
    return header, [[row[i] if i < len(row) else "" for row in rows[1:]] for i in range(len(header))]


def _parquet(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise UsageError(
            f"{path} is Parquet, which needs pyarrow", "pip install pyarrow, or give a CSV file."
        ) from error
    table = parquet.read_table(path)
    columns = [[_cell(value) for value in table.column(i).to_pylist()] for i in range(table.num_columns)]
    return list(table.column_names), columns


def _cell(value: Any) -> str:
    """Parquet keeps types: null and NaN are blank, whole floats are whole numbers."""
    return "" if value is None else plain(value)
