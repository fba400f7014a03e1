"""Maps in a run folder: a .json says what it is, a .safetensors holds the arrays, a .csv and a .png are for people."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from isthmus import discover
from isthmus.errors import DataError, IsthmusError, RunError, UsageError
from isthmus.look._map import OF, Map
from isthmus.look.guidance import Guidance
from isthmus.look.scores import MapScores
from isthmus.run import Run
from isthmus.stats import Interval
from isthmus.train.checkpoint import load_tensors, save_tensors

__all__ = ["check_name", "load_map", "map_names", "map_table", "save_map", "weights_of"]

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"


def check_name(name: str) -> None:
    """A name is a file's name and nothing else."""
    if not re.fullmatch(_NAME, name):
        raise UsageError(f"{name!r} is no name for a map", "Use letters, digits, dots, dashes and underscores.")


def map_names(run: Run) -> list[str]:
    """The maps of a run, by name."""
    found = (path.stem for path in (run.path / "maps").glob("*.json"))
    return sorted(name for name in found if re.fullmatch(_NAME, name) and run.has(f"maps/{name}.safetensors"))


def save_map(
    map: Map,
    run: Run,
    labels: np.ndarray | None = None,
    classes: Sequence[str] = (),
    weights: str | None = None,
    stamp: str = "",
) -> None:
    """Arrays first, then the description that says they are there; labels are for the table and the picture.

    `weights`, if given, are those whose codes were mapped, by their fingerprint: others in the run are refused.
    `stamp` is that of the run's pictures, whatever their labels, for whoever reads the map; "" where nobody knows it.
    """
    check_name(map.name)
    if weights is not None and weights != weights_of(run):
        raise RunError(f"{run.path} was fitted again while {map.name!r} was drawn", "Open the run again, and draw it.")
    labels = np.full(len(map.ids), -1) if labels is None else np.asarray(labels)
    drawn = _drawn(map, labels, classes)
    arrays = {"places": map.places, "held": map.held, "ids": _as_bytes(map.ids)}
    arrays |= {f"guidance/{key}": value for key, value in map.guidance.arrays().items()}
    arrays |= {f"extra/{key}": value for key, value in map.extra.items()}
    tensors = {key: torch.from_numpy(np.ascontiguousarray(value).reshape(value.shape)) for key, value in arrays.items()}
    run.remove(f"maps/{map.name}.json")  # no description of one map beside the arrays of another, whatever happens
    save_tensors(run, f"maps/{map.name}.safetensors", tensors, {})
    split = np.where(map.held, "held-out", "voter")
    run.write(f"maps/{map.name}.csv", map_table(map.ids, map.places, labels, classes, split))
    run.write(f"maps/{map.name}.png", drawn)
    described = {key: getattr(map, key) for key in ("method", "fields", "of", "seed")}
    scores = {"scores": _described(map.scores), "distilled": _described(map.distilled)}
    of = {"pictures": len(map.ids), "stamp": stamp, "weights": weights_of(run)}
    run.write_json(f"maps/{map.name}.json", described | scores | of)


def load_map(run: Run, name: str, stamp: str = "") -> Map:
    """The map of this name; one that is not of the run's pictures, or not of its model, any more is refused.

    With the `stamp` of the pictures as they are now, one of pictures that have changed is refused too.
    """
    check_name(name)
    if not run.has(f"maps/{name}.json"):
        raise RunError(f"{run.path} has no map {name!r}", f"Make one: isthmus map {run.path} --name {name}")
    described = run.read_json(f"maps/{name}.json")
    tensors, _ = load_tensors(run, f"maps/{name}.safetensors")
    try:
        found = _restored(name, described, {key: value.numpy() for key, value in tensors.items()})
    except (KeyError, TypeError, ValueError, IsthmusError) as error:
        remedy = f"Make the map again: isthmus map RUN --name {name}"
        raise RunError(f"{run.path}/maps/{name}.json is not whole ({error})", remedy) from None
    _check_current(run, found, described, stamp)
    return found


def map_table(
    ids: Sequence[str],
    places: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    split: Sequence[str] | np.ndarray,
) -> bytes:
    """`id,x,y,label,split`; the label of an unknown class is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "x", "y", "label", "split"])
    for i, (x, y), label, part in zip(ids, places.tolist(), np.asarray(labels).tolist(), split, strict=True):
        known = "" if label < 0 else str(classes[label]) if label < len(classes) else str(label)
        writer.writerow([i, f"{x:.7g}", f"{y:.7g}", known, part])
    return text.getvalue().encode()


def _drawn(map: Map, labels: np.ndarray, classes: Sequence[str]) -> bytes:
    from isthmus.report.scatter import scatter

    held = io.BytesIO()
    scatter(map.places, labels, classes, title=map.words, subtitle=map.subtitle()).save(held, "PNG")
    return held.getvalue()


def _described(scores: MapScores | None) -> dict[str, Any] | None:
    return None if scores is None else asdict(scores)


def _scores(described: dict[str, Any]) -> MapScores:
    """Only numbers, and in their places."""
    intervals = {key: described[key] and Interval(**described[key]) for key in ("knn", "silhouette")}
    made = MapScores(trustworthiness=float(described["trustworthiness"]), n=int(described["n"]), **intervals)
    for interval in intervals.values():
        if interval and not all(isinstance(value, int | float) for value in vars(interval).values()):
            raise ValueError("a score is no number")
    return made


def _restored(name: str, described: dict[str, Any], arrays: dict[str, np.ndarray]) -> Map:
    if not isinstance(described["method"], str) or not isinstance(described["fields"], dict):
        raise ValueError("how it was drawn is not known")
    kind = discover.find("look.projections", described["method"], "Projection")
    kind(**described["fields"]).check_params()
    ids, places, held = _from_bytes(arrays["ids"]), arrays["places"], arrays["held"]
    if described["of"] not in OF or not isinstance(described["seed"], int):
        raise ValueError("what it was made of is not known")
    if places.dtype != np.float32 or places.shape != (len(ids), 2) or not np.isfinite(places).all():
        raise ValueError("its places are not two finite numbers a picture")
    if held.dtype != np.bool_ or held.shape != (len(ids),):
        raise ValueError("it does not say of each picture whether it was held out")
    guidance = Guidance.restore(_under("guidance", arrays))
    distilled = described["distilled"] and _scores(described["distilled"])
    kept = (name, described["method"], dict(described["fields"]), described["of"], described["seed"], ids)
    return Map(*kept, places, held, _scores(described["scores"]), distilled, guidance, _under("extra", arrays))


def _under(part: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{part}/"): value for key, value in arrays.items() if key.startswith(f"{part}/")}


def _as_bytes(ids: Sequence[str]) -> np.ndarray:
    return np.frombuffer(json.dumps(list(ids)).encode(), np.uint8).copy()


def _from_bytes(held: np.ndarray) -> tuple[str, ...]:
    if held.dtype != np.uint8:
        raise ValueError("its ids are no text")
    ids = json.loads(held.tobytes())
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise ValueError("its ids are no list of names")
    return tuple(ids)


def _check_current(run: Run, found: Map, described: dict[str, Any], stamp: str) -> None:
    remedy = f"Make it again: isthmus map {run.path} --name {found.name}"
    if run.has("splits.csv"):
        with open(run.path / "splits.csv", encoding="utf-8", newline="") as file:
            here = {row["id"] for row in csv.DictReader(file)}
        gone = sum(one not in here for one in found.ids)
        if gone:
            raise DataError(f"{gone:,} pictures of the map {found.name!r} are not among the run's any more", remedy)
    if stamp and described.get("stamp") and described["stamp"] != stamp:
        raise DataError(f"the run's pictures are not as they were when the map {found.name!r} was drawn", remedy)
    if described.get("weights") != weights_of(run):
        raise DataError(f"the map {found.name!r} is of other weights than those of {run.path}", remedy)


def weights_of(run: Run) -> str | None:
    """The fingerprint of the fitted model."""
    if not run.has("weights.safetensors"):
        return None
    with open(run.file("weights.safetensors"), "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
