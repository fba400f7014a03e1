"""What points can be coloured by: columns with one value a picture, there at once or made when they are asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isthmus.contract import decoded, shown
from isthmus.errors import UsageError
from isthmus.look.clusters import clusters
from isthmus.measure.attributes import ATTRIBUTES, measured

if TYPE_CHECKING:
    from isthmus.studio.room import Room, Told

__all__ = ["MAKERS", "Column", "columns_of", "made_column", "value_in_words"]

_BLOCK = 1024
_EXACT = 2**53


@dataclass(frozen=True)
class Column:
    """Classes by number with their names, -1 unknown; or numbers, NaN unknown."""

    words: str
    values: np.ndarray
    names: tuple[str, ...] | None = None

    @property
    def kind(self) -> str:
        return "numbers" if self.names is None else "classes"


def columns_of(room: "Room") -> dict[str, Column]:
    """Those that are there now; what was made in this room takes the place of what came with the pictures."""
    pictures = room.pictures
    found = {"label": Column("labels that are given now", *room.called_now())}
    if pictures.split is not None:
        found["split"] = _by_name("the part of the data", pictures.split)
    for name, values in pictures.columns.items():
        found[name] = column_from(f"column {name} of the label table", values)
    return found | {
        name.removeprefix("column "): v for name, v in list(room.kept.items()) if name.startswith("column ")
    }


def column_from(words: str, values: np.ndarray) -> Column:
    """Numbers where all that is there reads as one, else names."""
    try:
        numbers = np.asarray([np.nan if value in (None, "") else value for value in values.tolist()], np.float64)
    except (TypeError, ValueError):
        return _by_name(words, values)
    return Column(words, numbers)


def value_in_words(column: Column, row: int) -> str | int | float | None:
    """A whole number, such as somebody's own number of a part, in all its digits."""
    value = column.values[row]
    if column.names is not None:
        return column.names[int(value)] if value >= 0 else None
    if not np.isfinite(value):
        return None
    return int(value) if value == int(value) and abs(value) < _EXACT else float(f"{value:.6g}")


# -- made when asked for ----------------------------------------------------------------------------------------------


def made_column(room: "Room", name: str, told: "Told") -> Column:
    """Made now, and kept in the room."""
    if name not in MAKERS:
        raise UsageError(f"there is no column {name!r}", f"Those that can be made: {', '.join(MAKERS)}.")
    found = MAKERS[name][1](room, told)
    room.kept[f"column {name}"] = found
    return found


def _error(room: "Room", told: "Told") -> Column:
    found = []
    for start in range(0, len(room.codes), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(room.codes)))
        drawn = decoded(room.model, room.codes[rows], room.called(rows))
        difference = shown(room.model, room.pictures.take(rows)) - drawn
        found.append(np.square(difference).mean(axis=(1, 2, 3)))
        told(int(rows[-1]) + 1, len(room.codes), "redrawing every picture")
    return Column("squared error of a pixel", np.concatenate(found).astype(np.float32))


def _strange(room: "Room", told: "Told") -> Column:
    parts = []
    for start in range(0, len(room.codes), _BLOCK):
        parts.append(room.strangeness.share(room.codes[start : start + _BLOCK]))
        told(start + len(parts[-1]), len(room.codes), "comparing codes")
    return Column("share of pictures as far out as this one", np.concatenate(parts).astype(np.float32))


def _cluster(room: "Room", told: "Told") -> Column:
    found = clusters(room.codes, 0, told=told)
    return Column("groups of codes", found.labels, tuple(f"group {i + 1}" for i in range(found.count)))


def _attribute(name: str) -> Callable[["Room", "Told"], Column]:
    def made(room: "Room", told: "Told") -> Column:
        found = []
        for start in range(0, len(room.codes), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(room.codes)))
            found.append(measured(name, shown(room.model, room.pictures.take(rows))))
            told(int(rows[-1]) + 1, len(room.codes), f"measuring {name}")
        return Column(ATTRIBUTES[name].words, np.concatenate(found))

    return made


MAKERS: dict[str, tuple[str, Callable[["Room", "Told"], Column]]] = {
    "error": ("how badly each picture is redrawn", _error),
    "strangeness": ("how far out each code lies", _strange),
    "cluster": ("groups of codes, found without labels", _cluster),
    **{name: (one.words, _attribute(name)) for name, one in ATTRIBUTES.items()},
}


def _by_name(words: str, values: np.ndarray) -> Column:
    texts = np.asarray(["" if value is None else str(value) for value in values])
    names, codes = np.unique(texts, return_inverse=True)
    blank = names == ""
    places = np.cumsum(~blank) - 1
    places[blank] = -1
    return Column(words, places[codes].astype(np.int64), tuple(str(name) for name in names[~blank]))
