"""A map: every picture's place, how good it is, and where new pictures land; drawn once and kept in the run folder."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus import discover
from isthmus.errors import DataError, UsageError
from isthmus.look._kept import check_name, load_map, map_names, map_table, save_map, weights_of
from isthmus.look._map import OF, Map
from isthmus.look.guidance import Guidance
from isthmus.look.projections._projection import Projection, Shown, Told
from isthmus.look.scores import MapScores, map_scores

__all__ = ["OF", "Map", "check_name", "draw", "load_map", "map_names", "map_table", "save_map", "weights_of"]

_FEWEST = 12
"""Fewer have no five neighbours to be told apart by."""


def draw(
    rows: np.ndarray,
    ids: Sequence[str],
    labels: np.ndarray,
    held: np.ndarray,
    projection: Projection,
    *,
    name: str,
    of: str = "codes",
    seed: int = 0,
    extra: dict[str, np.ndarray] | None = None,
    told: Told | None = None,
    shown: Shown | None = None,
) -> Map:
    """Place all pictures, labels unseen; learn from those not held out where new ones land; score both on the others.

    `seed` is that of the scores' halves, where nothing is held out, and of the projection.
    """
    flat, labels, held = _checked(rows, ids, labels, held, name, of)
    projection = type(projection)(**(projection.get_params() | {"seed": seed}))
    plane = projection.plane(flat[~held])
    if plane is not None:
        guidance = Guidance.of_plane(plane)
        places = guidance.places_of(flat, told)
        if shown:
            shown(places)
    else:
        places = projection.place(flat, told, shown)
        guidance = Guidance.learn(flat[~held], places[~held], seed, told)
    if told:
        told(0, 2, "scoring")
    scores = _scores(flat, places, labels, held, seed)
    if told:
        told(1, 2, "scoring")
    distilled = _distilled(flat, places, labels, held, guidance, seed)
    if told:
        told(2, 2, "scoring")
    method = discover.name_of("look.projections", type(projection))
    fields = {key: value for key, value in projection.get_params().items() if key != "seed"}
    kept = (name, method, fields, of, seed, tuple(map(str, ids)))
    return Map(*kept, places, held, scores, distilled, guidance, extra or {})


def _checked(
    rows: Any, ids: Sequence[str], labels: Any, held: Any, name: str, of: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    check_name(name)
    if of not in OF:
        raise UsageError(f"a map of {of!r} is not known", f"Choose one of: {', '.join(OF)}.")
    flat = np.asarray(rows, np.float32).reshape(len(rows), -1)
    labels, held = np.asarray(labels), np.asarray(held, bool)
    if not len(flat) == len(ids) == len(labels) == len(held):
        raise DataError(f"{len(flat)} rows, {len(ids)} ids, {len(labels)} labels and {len(held)} marks are no map")
    if len(flat) < _FEWEST:
        raise DataError(f"{len(flat)} pictures are too few for a map", f"Give at least {_FEWEST}.")
    few = min(int(held.sum()), int((~held).sum())) < _FEWEST
    return flat, labels, np.zeros_like(held) if few else held


def _scores(rows: np.ndarray, places: np.ndarray, labels: np.ndarray, held: np.ndarray, seed: int) -> MapScores:
    """Of held-out pictures, on which the others vote; without any, one half votes on the other."""
    if not held.any():
        return map_scores(rows, places, labels, seed=seed)
    return map_scores(rows[held], places[held], labels[held], places[~held], labels[~held], seed=seed)


def _distilled(
    rows: np.ndarray, places: np.ndarray, labels: np.ndarray, held: np.ndarray, guidance: Guidance, seed: int
) -> MapScores | None:
    """The same of the places where held-out pictures would land if they came later."""
    if not held.any():
        return None
    landed = places.copy()
    landed[held] = guidance.places_of(rows[held])
    return _scores(rows, landed, labels, held, seed)
