"""Labels that are numbers: a column of a label table, or the labels themselves, NaN where nobody knows."""

import math
from typing import Any

import numpy as np

from isthmus.errors import DataError, UsageError
from isthmus.images.labels import LABEL_NAMES, encode
from isthmus.images.pictures import Pictures

__all__ = ["as_numbers", "label_by", "look_like_numbers", "numbers_of"]

_MOST_CLASSES = 20
_LABELS_A_CLASS = 5


def numbers_of(pictures: Pictures) -> np.ndarray:
    """The labels as numbers; one that is none is refused by the picture's id."""
    values = np.array([_number(name) for name in pictures.classes] + [math.nan])
    wrong = np.flatnonzero(~_fine(values[:-1], pictures.classes))
    rows = np.flatnonzero(np.isin(pictures.labels, wrong))
    if len(rows):
        first, more = rows[0], f", and {len(rows) - 1:,} more like it" if len(rows) > 1 else ""
        raise DataError(
            f"the label of picture {str(pictures.ids[first])!r} is {pictures.classes[pictures.labels[first]]!r}, "
            f"which is not a number{more}",
            "Correct it, or leave it blank if nobody knows.",
        )
    return np.asarray(values[pictures.labels])  # the last one is the unknown, -1


def as_numbers(y: Any, rows: int) -> np.ndarray:
    """One number a picture; NaN and None are unknown, and every other number is one, -1 too."""
    try:
        values = np.asarray(y, np.float64).reshape(-1)  # None becomes NaN
    except (TypeError, ValueError):
        raise DataError("the labels are not all numbers", "Give floats, with NaN for what is unknown.") from None
    if len(values) != rows:
        raise DataError(f"there are {len(values)} labels for {rows} pictures", "Give one label a picture.")
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise DataError(f"the label of row {row} is infinite", "Give finite numbers, with NaN for what is unknown.")
    return values


def label_by(pictures: Pictures, column: str) -> None:
    """Make a column of the label table the label of the pictures; `label` is what it is already."""
    if column in pictures.columns:
        values = pictures.columns[column]
        # as text: a number -1 is known, where it would be unknown as a class
        words = [repr(float(value)) if isinstance(value, float) else str(value).strip() for value in values]
        pictures.labels, pictures.classes = encode("" if word == "nan" else word for word in words)
    elif column.strip().casefold() not in LABEL_NAMES:
        known = ", ".join(["label", *pictures.columns])
        raise UsageError(f"there is no column {column!r} to take numbers from", f"The columns are: {known}.")


def look_like_numbers(pictures: Pictures) -> bool:
    """Whether labels are more likely amounts than names: all numbers, with fractions or with few labels of each."""
    values = np.array([_number(name) for name in pictures.classes])
    if len(values) < 2 or not np.isfinite(values).all():
        return False
    labels = int((pictures.labels >= 0).sum())
    return bool((values % 1 != 0).any() or len(values) > max(_MOST_CLASSES, labels / _LABELS_A_CLASS))


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.inf


def _fine(values: np.ndarray, words: tuple[str, ...]) -> np.ndarray:
    """Finite, or said to be unknown in so many letters."""
    return np.isfinite(values) | np.array([word.casefold() == "nan" for word in words], dtype=bool)
