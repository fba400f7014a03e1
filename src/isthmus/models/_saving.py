"""Models in run folders: what is written, and how it is read back without executing anything."""

import datetime
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus import discover
from isthmus.errors import DataError, RunError
from isthmus.estimator import Estimator
from isthmus.images.pictures import Pictures
from isthmus.images.scaling import Scaling
from isthmus.models._base import Model
from isthmus.run import FORMAT, Run, machine
from isthmus.train.checkpoint import load_tensors, save_tensors
from isthmus.train.devices import choose_device

__all__ = ["begin", "from_json", "load", "pictures_of", "resume", "save", "splits_of", "to_json"]

_HASHED_BYTES = 64 << 20
_LEARNED = ("shape_", "layout_", "latent_shape_", "classes_", "n_features_in_")


def begin(model: Model, run: Run, pictures: Pictures, resuming: bool) -> None:
    """Write down what is about to be trained on what, before the first step."""
    if resuming and run.has("run.json"):
        run.write_json("run.json", run.read_json("run.json") | {"status": "training"})
        return
    # A run exists from the moment its run.json does: that goes first and comes last.
    run.remove("run.json", "checkpoint.safetensors", "history.jsonl", "splits.csv")
    if pictures.split is not None:
        rows = zip(pictures.ids, pictures.split, strict=True)
        run.write("splits.csv", ("id,split\n" + "".join(f"{_quoted(i)},{s}\n" for i, s in rows)).encode())
    run.write_json("run.json", _description(model) | {"status": "training", "data": _data(run, pictures)})


def save(model: Model, run: Run) -> None:
    """Weights first, then the description that says they are there."""
    save_tensors(run, "weights.safetensors", dict(model.net_.state_dict()), {})
    before = run.read_json("run.json") if run.has("run.json") else {"data": None}
    run.write_json("run.json", before | _description(model) | {"status": "done"})
    run.remove("checkpoint.safetensors")


def load(path: str | os.PathLike[str], device: str = "auto") -> Model:
    """The fitted model of a run folder, ready to encode, decode and sample."""
    run = Run.open(path)
    described = run.read_json("run.json")
    if described.get("status") != "done" and not run.has("weights.safetensors"):
        raise RunError(f"{path} has not finished training", f"Continue it: isthmus fit --resume {path}")
    model = from_json(described["model"])
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
    return model


def resume(path: str | os.PathLike[str], data: Any = None, y: Any = None, **how: Any) -> Model:
    """Continue an interrupted fit exactly, on the pictures it was started on (found again, or given)."""
    run = Run.open(path)
    described = run.read_json("run.json")
    if described["status"] == "done":
        return load(path)
    model: Model = from_json(described["model"])
    found = data is None or isinstance(data, str | os.PathLike)
    pictures = pictures_of(run, data) if found else model._opened(data, y, reset=True)
    if fingerprint(pictures) != described["data"]["fingerprint"]:
        raise DataError(
            f"the pictures (or their labels) are not those that {path} was started on",
            "Give the same ones, or start a new run.",
        )
    pictures.split = splits_of(run, pictures) if run.has("splits.csv") else None
    torch.set_num_threads(int(described["threads"]))
    return model.fit(pictures, run=run, resume=True, **how)


def pictures_of(run: Run, source: Any = None, **how: Any) -> Pictures:
    """The pictures a run was made from, read as they were then, with the run's splits."""
    from isthmus.images.opening import open_pictures

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


def to_json(estimator: Estimator) -> dict[str, Any]:
    """An estimator as plain JSON: its name and its fields, estimators inside it likewise."""
    params = {name: _plain(value) for name, value in estimator.get_params(deep=False).items()}
    folder = "models" if isinstance(estimator, Model) else "nets"
    return {"folder": folder, "name": discover.name_of(folder, type(estimator)), "params": params}


def _plain(value: Any) -> Any:
    """A field's value without NumPy's types, which searches put there, and with estimators spelt out."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return to_json(value) if isinstance(value, Estimator) else value


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


def _description(model: Model) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "isthmus": _version(),
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "model": to_json(model),
        "fitted": {name[:-1]: getattr(model, name) for name in _LEARNED} | {"scaling": model.scaling_.to_json()},
        "remarks": getattr(model, "remarks_", []),
        "threads": torch.get_num_threads(),
        "machine": machine(),
    }


def _restore(model: Model, fitted: dict[str, Any]) -> None:
    for name in _LEARNED:
        value = fitted[name[:-1]]
        setattr(model, name, tuple(value) if isinstance(value, list) else value)
    model.scaling_ = Scaling(**fitted["scaling"])
    model.device_ = choose_device(model.device)


def _data(run: Run, pictures: Pictures) -> dict[str, Any]:
    """Where the pictures were, as seen from the run folder: no absolute path leaves this machine."""
    source = dict(pictures.source)
    path = source.pop("path", None)
    if path is not None:
        try:
            source["relative_path"] = Path(os.path.relpath(path, run.path)).as_posix()
        except ValueError:  # another drive on Windows
            source["relative_path"] = None
    return source | {
        "pictures": len(pictures),
        "labelled": int((pictures.labels >= 0).sum()),
        "classes": list(pictures.classes),
        "fingerprint": fingerprint(pictures),
    }


def _source(run: Run, recorded: dict[str, Any]) -> Any:
    if recorded.get("kind") == "set":
        return recorded["name"]
    if recorded.get("relative_path"):
        return run.path / recorded["relative_path"]
    raise RunError(f"{run.path} does not say where its pictures are", "Give them: isthmus fit PATH --resume RUN.")


def fingerprint(pictures: Pictures) -> str:
    """Changes with ids, order, labels and pixels; of a large pile only every so many pictures are looked at."""
    pixels = pictures.pixels
    digest = hashlib.blake2b(pictures.keys.tobytes() + pictures.labels.tobytes(), digest_size=8)
    digest.update(np.ascontiguousarray(pixels[:: 1 + pixels.nbytes // _HASHED_BYTES]).data)
    return f"{'x'.join(map(str, pixels.shape))}-{digest.hexdigest()}"


def splits_of(run: Run, pictures: Pictures) -> np.ndarray:
    """The split of each picture as the run recorded it, by id."""
    import csv

    with open(run.path / "splits.csv", encoding="utf-8", newline="") as file:
        split = {row["id"]: row["split"] for row in csv.DictReader(file)}
    if set(split) != set(map(str, pictures.ids)):
        raise DataError(
            f"the pictures are not those in {run.path / 'splits.csv'}", "Give the pictures that the run was made from."
        )
    return np.array([split[str(i)] for i in pictures.ids], dtype=object)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def _version() -> str:
    from isthmus import __version__

    return __version__
