"""What of a run goes into the file: which pictures, what is known of them, and what is told of the run."""

from typing import Any

import numpy as np

from isthmus.classify.saving import load_classifier
from isthmus.contract import evenly
from isthmus.errors import IsthmusError
from isthmus.images.label_log import LabelLog
from isthmus.report.without_paths import without_paths
from isthmus.studio.columns import Column, columns_of
from isthmus.studio.room import LOG, Room, Told

__all__ = ["about_run", "chosen_rows", "columns_sent", "records_told"]

_BLOCK = 1024
_HEAD = "labels"
_MOST_RECORDS = 100
_MOST_NAMES = 256
"""Names of a column that are kept whole, so that each keeps its colour; of longer lists those that are there."""


def chosen_rows(room: Room, most: int) -> np.ndarray:
    """At most so many rows, ascending: those that people labelled first, then others, evenly spread."""
    count = len(room.pictures)
    if count <= most:
        return np.arange(count)
    log = LabelLog(room.run.path / LOG)
    given = np.asarray(sorted(room.rows[one] for one, name in log.labels().items() if name and one in room.rows), int)
    first = given[evenly(len(given), most)] if len(given) else given
    rest = np.setdiff1d(np.arange(count), given)
    return np.sort(np.concatenate([first, rest[evenly(len(rest), most - len(first))]]))


def columns_sent(room: Room, rows: np.ndarray, told: Told) -> dict[str, Column]:
    """Those that are there without being asked for, and what the run's saved classifier tells; of these rows."""
    found = columns_of(room)
    found["label"] = Column(found["label"].words, *room.called_now())
    found = {name: Column(one.words, one.values[rows], one.names) for name, one in found.items()}
    if "prediction" not in found and room.run.has(f"heads/{_HEAD}.json"):
        found |= _predicted(room, rows, told)
    return {name: _compact(one) for name, one in found.items()}


def about_run(room: Room, columns: dict[str, Column], maps: dict[str, str], rows: np.ndarray) -> dict[str, Any]:
    """What the page asks of a room, as the studio tells it."""
    pictures, model, label = room.pictures, room.model, columns["label"]
    left = len(pictures) - len(rows)
    return {
        "name": room.name,
        "model": room.described["model"]["name"],
        "data": without_paths((room.described.get("data") or {}).get("name") or ""),
        "remarks": [without_paths(one) for one in room.described.get("remarks") or []],
        "shape": list(model.shape_),
        "latent": list(model.latent_shape_),
        "numbers": int(room.codes.shape[1]),
        "pictures": len(rows),
        "classes": list(label.names or ()),
        "labelled": int((label.values >= 0).sum()),
        "maps": list(maps),
        "projections": {name: {"words": words, "fields": []} for name, words in maps.items()},
        "alone": True,
        "notes": [],
        "sent": f"{len(rows):,} of {len(pictures):,} pictures are in this page" if left else "",
    }


def records_told(room: Room) -> list[list[str]]:
    """What was measured of the run, the last of each: name, value, interval, how many, on what.

    Maps tell their own scores, and a design's say little without the design.
    """
    last: dict[tuple[str, ...], list[str]] = {}
    for one in room.run.read_lines("metrics.jsonl"):
        name, value, interval = one.get("name"), one.get("value"), one.get("interval")
        if not isinstance(name, str) or name.startswith(("map ", "design")) or not isinstance(value, int | float):
            continue
        on = " of ".join(str(one[key]) for key in ("split", "data") if one.get(key))
        ends = " to ".join(f"{end:.4g}" for end in interval) if interval else ""
        count = f"{one['n']:,}" if isinstance(one.get("n"), int) else ""
        last[name, on] = [without_paths(text) for text in (name, f"{value:.4g}", ends, count, on)]
    return list(last.values())[-_MOST_RECORDS:]


def _predicted(room: Room, rows: np.ndarray, told: Told) -> dict[str, Column]:
    try:
        classifier = load_classifier(room.run, room.model, _HEAD)
        parts = []
        for start in range(0, len(rows), _BLOCK):
            parts.append(classifier.predict_proba(room.pictures.take(rows[start : start + _BLOCK])))
            told(min(start + _BLOCK, len(rows)), len(rows), "telling classes")
    except IsthmusError:
        return {}  # one that tells numbers, or of another version: the page does without
    probabilities = np.concatenate(parts)
    best = probabilities.argmax(axis=1)
    sure = probabilities[np.arange(len(best)), best].astype(np.float32)
    names = tuple(map(str, classifier.classes_))
    told_words = f"what the classifier {_HEAD} tells"
    return {"prediction": Column(told_words, best, names), "certainty": Column("how sure it is", sure)}


def _compact(column: Column) -> Column:
    if column.names is None or len(column.names) <= _MOST_NAMES:
        return column
    present, codes = np.unique(column.values, return_inverse=True)
    places = np.cumsum(present >= 0) - 1
    places[present < 0] = -1
    return Column(column.words, places[codes], tuple(column.names[code] for code in present if code >= 0))
