"""What the verbs about maps share: the rows that maps are made of, their scores as records, and other pictures."""

import argparse
import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli._pictures import of_run
from isthmus.cli._records import record_of
from isthmus.cli._talk import image_out, print_json, say, stages, table
from isthmus.errors import IsthmusError, UsageError
from isthmus.look.maps import Map, load_map
from isthmus.look.projections._projection import Told, stage

__all__ = ["default_name", "map_records", "map_table_of", "own_pictures", "place_on", "rows_for"]

_MOST, _BATCH = 100_000, 64


def default_name(by: str, of: str) -> str:
    return by if of == "codes" else f"{by}-{of}"


def own_pictures(folder: Any, arguments: argparse.Namespace) -> tuple[Any, str]:
    """The run's own, all of them up to 100,000, with the labels given; and the fingerprint of all."""
    from isthmus.contract import evenly
    from isthmus.images.labels import attach, read_table
    from isthmus.models._saving import fingerprint

    pictures = of_run(folder, arguments)
    stamp = fingerprint(pictures, labels=False)
    if arguments.labels:
        attach(pictures, read_table(Path(arguments.labels), need_label=True), arguments.labels)
    if len(pictures) > _MOST:
        say(f"note: {_MOST:,} of {len(pictures):,} pictures are mapped, spread evenly over all")
        return pictures.take(evenly(len(pictures), _MOST)), stamp
    return pictures, stamp


def _stamp_now(folder: Any) -> str:
    """Of the run's own pictures as they are now; "" where they are not here, and others can be placed all the same."""
    from isthmus.models._saving import fingerprint

    with contextlib.suppress(IsthmusError):
        return fingerprint(of_run(folder, argparse.Namespace(path=None)), labels=False)
    return ""


def rows_for(
    model: Any, pictures: Any, of: str, told: Told | None = None, kept: dict[str, np.ndarray] | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The rows of a map, and the arrays that rows of other pictures need: those `kept` with the map, if any."""
    from isthmus.look.codes import codes_of, pixels_of

    if of == "codes":
        return codes_of(model, pictures, stage(told, "encoding")), {}
    if of == "pixels":
        return pixels_of(model, pictures, stage(told, "reading pixels")), {}
    from isthmus.classify.features import Features

    features = Features.learn(model, pictures) if kept is None else Features.restore(model, kept)
    return _filled(features, pictures, told), features.arrays()


def _filled(features: Any, pictures: Any, told: Told | None) -> np.ndarray:
    """In batches of one size, filled up, so that a picture alone and among others has the same row."""
    parts = []
    for start in range(0, len(pictures), _BATCH):
        n = min(_BATCH, len(pictures) - start)
        filled = np.concatenate([np.arange(start, start + n), np.full(_BATCH - n, start)])
        parts.append(features.of(pictures.take(filled))[:n])
        if told:
            told(start + n, len(pictures), "looking at the pictures")
    return np.concatenate(parts)


def map_records(made: Map, folder: Any, command: str) -> list[Any]:
    """The map's scores, and those of the places where new pictures land."""
    own = folder.read_json("run.json").get("data") or {}
    data = own.get("name") if own.get("kind") == "set" else "the run's own"
    split = "test" if made.held.any() else "all"
    common = {"split": split, "data": data, "seed": made.seed, "command": f"{command} --of {made.of}"}
    records = []
    for who, scores in (("", made.scores), (", new pictures", made.distilled)):
        if scores is None:
            continue
        for name, value in scores.rows().items():
            records.append(record_of(f"map {made.name}{who}, {name}", value, scores.n, **common))
    return records


def map_table_of(made: Map, records: list[Any]) -> str:
    """The map beside where new pictures land: a line a score."""
    landed = {record.name: record for record in records}
    lines = []
    for name in made.scores.rows():
        one = landed[f"map {made.name}, {name}"]
        other = landed.get(f"map {made.name}, new pictures, {name}")
        lines.append([name, *_shown(one), *(_shown(other) if other else ["", ""]), f"{one.n:,}"])
    head = [f"{made.words} of {made.of}", "map", "95 % interval", "new pictures", "95 % interval", "n"]
    return table(head, lines)


def _shown(record: Any) -> list[str]:
    interval = record.interval
    return [f"{record.value:.3f}", "" if interval is None else f"{interval[0]:.3f} .. {interval[1]:.3f}"]


def place_on(model: Any, folder: Any, pictures: Any, arguments: argparse.Namespace) -> int:
    """Other pictures where they land on a map that is there, as a table and a picture."""
    from isthmus.files import write_atomically
    from isthmus.look.maps import map_names, map_table
    from isthmus.report.scatter import scatter

    if not arguments.out:
        raise UsageError("other pictures are placed, and nothing says where the answer goes", "Add: -o placed.png.")
    beside = Path(arguments.out).with_suffix(".csv")
    for written in (beside, Path(arguments.out)):
        _check_spares(written, arguments.path, arguments.labels)
    name = arguments.name or _named(arguments, map_names(folder), folder)
    made = load_map(folder, name, _stamp_now(folder))
    with stages() as told:
        rows, _ = rows_for(model, pictures, made.of, told, made.extra)
        places = made.guidance.places_of(rows, told)
    labels, classes = np.asarray(pictures.labels), tuple(pictures.classes)
    write_atomically(beside, map_table(pictures.ids, places, labels, classes, ["placed"] * len(places)))
    say(f"wrote {beside}")
    if not (labels >= 0).any():
        labels, classes = np.zeros(len(labels), int), ("placed",)
    under = np.full(len(made.places), -1)
    both, known = np.concatenate([made.places, places]), np.concatenate([under, labels])
    subtitle = f"{len(places):,} pictures placed among {len(made.places):,} of the run, in grey"
    image_out(scatter(both, known, classes, title=f"{made.words}: {name}", subtitle=subtitle), arguments.out)
    if arguments.json:
        print_json(
            *({"id": str(i), "x": float(x), "y": float(y)} for i, (x, y) in zip(pictures.ids, places, strict=True))
        )
    return 0


def _check_spares(written: Path, *given: str | None) -> None:
    """What was read is never written over."""
    for one in given:
        if one and written.exists() and Path(one).exists() and written.samefile(one):
            raise UsageError(f"the places would be written over {one}, which is read here", "Give -o another name.")


def _named(arguments: argparse.Namespace, names: list[str], folder: Any) -> str:
    """The map that the flags mean; without any, the best known of those that are there."""
    if arguments.by or arguments.of:
        return default_name(arguments.by or "umap", arguments.of or "codes")
    first = [name for name in ("latent", "umap", "tsne") if name in names] or names
    if not first:
        raise UsageError(f"{folder.path} has no map yet", f"First: isthmus map {folder.path}")
    return first[0]
