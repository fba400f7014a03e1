"""Models out of run folders, and unfinished ones continued; nothing that is read is executed."""

import csv
import os
from typing import Any

import numpy as np
import torch

from isthmus import discover
from isthmus.errors import DataError, RunError
from isthmus.images.opening import open_pictures
from isthmus.images.pictures import Pictures
from isthmus.images.scaling import Scaling
from isthmus.keys import stream
from isthmus.models._base import Model
from isthmus.models._saving import LEARNED, fingerprint, paths_of
from isthmus.ranks import current
from isthmus.run import Run
from isthmus.train.checkpoint import load_tensors
from isthmus.train.devices import choose_device

__all__ = ["from_json", "load", "pictures_of", "reading_of", "resume", "splits_of", "untrained"]


def load(path: str | os.PathLike[str], device: str = "auto") -> Model:
    """The fitted model of a run folder, ready to encode, decode and sample."""
    run = Run.open(path)
    described = run.read_json("run.json")
    if described.get("status") != "done" and not run.has("weights.safetensors"):
        raise RunError(f"{path} has not finished training", f"Continue it: isthmus fit --resume {path}")
    model = _described(run, described)
    model.device = device
    _restore(model, described["fitted"])
    model._settle(model._build().to(model.device_))
    tensors, _ = load_tensors(run, "weights.safetensors")
    try:
        model.net_.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise RunError(f"the weights in {path} do not fit its model ({reason})", "Restore the folder.") from None
    model.net_.eval()
    vars(model)["precision_"] = described.get("precision")  # what heads that are networks compute in too
    return model


def untrained(path: str | os.PathLike[str], device: str = "auto") -> Model:
    """The network of a run as it was before training: what its architecture alone is worth."""
    run = Run.open(path)
    described = run.read_json("run.json")
    model = _described(run, described)
    model.device = device
    _restore(model, described["fitted"])
    with torch.random.fork_rng():
        torch.manual_seed(stream(model.seed, "weights"))
        model._settle(model._build().to(model.device_))
    model.net_.eval()
    vars(model)["precision_"] = described.get("precision")  # what heads that are networks compute in too
    return model


def resume(path: str | os.PathLike[str], data: Any = None, y: Any = None, **how: Any) -> Model:
    """Continue an interrupted fit exactly, on the pictures it was started on (found again, or given)."""
    run = Run.open(path)
    described = run.read_json("run.json")
    if described["status"] == "done":
        return load(path)
    model = _described(run, described)
    found = data is None or isinstance(data, str | os.PathLike)
    pictures = pictures_of(run, data) if found else model._opened(data, y, reset=True)
    if fingerprint(pictures) != described["data"]["fingerprint"]:
        raise DataError(
            f"the pictures (or their labels) are not those that {path} was started on",
            "Give the same ones, or start a new run.",
        )
    pictures.split = splits_of(run, pictures) if run.has("splits.csv") else None
    if current() is None:  # many processes share the cores of a machine, whoever began
        torch.set_num_threads(int(described["threads"]))
    return model.fit(pictures, run=run, resume=True, **how)


def pictures_of(run: Run, source: Any = None, **how: Any) -> Pictures:
    """The pictures a run was made from, read as they were then, with the run's splits."""
    recorded = run.read_json("run.json").get("data") or {}
    options = dict(recorded.get("options") or {})
    if "labels" in options:
        options["labels"] = run.path / options["labels"]
    if isinstance(options.get("size"), list):
        options["size"] = tuple(options["size"])
    pictures = open_pictures(source if source is not None else _source(run, recorded), **options, **how)
    if run.has("splits.csv"):
        pictures.split = splits_of(run, pictures)
    return pictures


def reading_of(run: Run) -> dict[str, Any]:
    """How other pictures are opened, so that they are seen as the run's own were."""
    recorded = run.read_json("run.json")
    options = dict((recorded.get("data") or {}).get("options") or {})
    for name in ("labels", "group"):
        options.pop(name, None)
    shape = recorded["fitted"]["shape"]
    if len(shape) == 3:
        options |= {"channels": shape[0]} | ({} if "tile" in options else {"size": tuple(shape[1:])})
    return options


def from_json(described: dict[str, Any]) -> Any:
    """The estimator that `to_json` described; only what the registries hold can be named."""
    folder, kind = described["folder"], {"models": "Model", "nets": "Net"}
    if folder not in kind:
        raise RunError(f"run.json names an estimator of the unknown kind {folder!r}", "Upgrade isthmus.")
    params = {
        name: from_json(value) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value
        for name, value in described["params"].items()
    }
    try:
        return discover.find(folder, described["name"], kind[folder])(**params)
    except TypeError as error:
        raise RunError(f"run.json describes a {described['name']} that this version does not know ({error})") from None


def _described(run: Run, described: dict[str, Any]) -> Model:
    """The model of a run; places in its fields are as seen from the run's folder."""
    model: Model = from_json(described["model"])
    for name in paths_of(model):
        setattr(model, name, os.path.normpath(run.path / getattr(model, name)))
    return model


def _restore(model: Model, fitted: dict[str, Any]) -> None:
    for name in LEARNED:
        value = fitted[name[:-1]]
        setattr(model, name, tuple(value) if isinstance(value, list) else value)
    model.scaling_ = Scaling(**fitted["scaling"])
    model.device_ = choose_device(model.device)


def _source(run: Run, recorded: dict[str, Any]) -> Any:
    if recorded.get("kind") == "set":
        return recorded["name"]
    if recorded.get("url"):
        return recorded["url"]
    if recorded.get("relative_path"):
        return run.path / recorded["relative_path"]
    raise RunError(f"{run.path} does not say where its pictures are", "Give them: isthmus fit PATH --resume RUN.")


def splits_of(run: Run, pictures: Pictures) -> np.ndarray:
    """The split of each picture as the run recorded it, by id."""
    with open(run.path / "splits.csv", encoding="utf-8", newline="") as file:
        split = {row["id"]: row["split"] for row in csv.DictReader(file)}
    if set(split) != set(map(str, pictures.ids)):
        raise DataError(
            f"the pictures are not those in {run.path / 'splits.csv'}", "Give the pictures that the run was made from."
        )
    return np.array([split[str(i)] for i in pictures.ids], dtype=object)
