"""Models into run folders: what is written, before the first step and after the last."""

import contextlib
import dataclasses
import datetime
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from isthmus import discover
from isthmus.errors import UsageError
from isthmus.estimator import Estimator
from isthmus.images.pictures import Pictures
from isthmus.nets._net import Net
from isthmus.ranks import current
from isthmus.run import FORMAT, Run, machine
from isthmus.train.checkpoint import save_tensors

if TYPE_CHECKING:
    from isthmus.models._base import Model

__all__ = ["LEARNED", "begin", "compare", "description", "fingerprint", "kept", "paths_of", "save", "to_json"]

LEARNED = ("shape_", "layout_", "latent_shape_", "classes_", "n_features_in_")
"""What a fitted model knows beside its weights and its scaling."""

_HASHED_BYTES = 64 << 20


def begin(model: "Model", run: Run, pictures: Pictures, resuming: bool) -> None:
    """Write down what is about to be trained on what, before the first step."""
    if resuming and run.has("run.json"):
        run.write_json("run.json", run.read_json("run.json") | {"status": "training"})
        return
    # A run exists from the moment its run.json does: that goes first and comes last.
    run.remove("run.json", "checkpoint.safetensors", "history.jsonl", "splits.csv")
    if pictures.split is not None:
        rows = zip(pictures.ids, pictures.split, strict=True)
        run.write("splits.csv", ("id,split\n" + "".join(f"{_quoted(i)},{s}\n" for i, s in rows)).encode())
    run.write_json("run.json", description(model, run) | {"status": "training", "data": _data(run, pictures)})


def save(model: "Model", run: Run) -> None:
    """Weights first, then the description that says they are there."""
    save_tensors(run, "weights.safetensors", dict(model.net_.state_dict()), {})
    before = run.read_json("run.json") if run.has("run.json") else {"data": None}
    run.write_json("run.json", before | description(model, run) | {"status": "done"})
    run.remove("checkpoint.safetensors")


@contextlib.contextmanager
def kept(
    model: "Model", place: str | os.PathLike[str] | Run | None, pictures: Pictures, resuming: bool
) -> Iterator[Run | None]:
    """The folder of a fit, if it has one, locked until the model is in it. Of many processes the first alone has it."""
    run = place if isinstance(place, Run) or place is None else Run(place)
    ranks = current()
    with contextlib.ExitStack() as held:
        if ranks is None:
            _open(held, model, run, pictures, resuming)
        else:
            run = run if ranks.rank == 0 else None
            told = ranks.together(lambda: _facts(model, pictures))[1]
            ranks.together(lambda: compare(told))
            ranks.together(lambda: _open(held, model, run, pictures, resuming))
        yield run
        if run is not None:
            model.save(run)


def _open(held: contextlib.ExitStack, model: "Model", run: Run | None, pictures: Pictures, resuming: bool) -> None:
    if run is None:
        return
    held.enter_context(run.writing())
    if run.has("weights.safetensors") and not resuming:
        raise UsageError(f"{run.path} already holds a finished run", "Choose another folder.")
    if run.has("checkpoint.safetensors") and not resuming:
        raise UsageError(f"{run.path} holds an unfinished run", "Resume it, or choose another folder.")
    model._begin(run, pictures, resuming)


def _facts(model: "Model", pictures: Pictures) -> dict[str, Any]:
    """What must be the same in all processes that train one model."""
    split = "" if pictures.split is None else "".join(map(str, pictures.split))
    pile = f"{fingerprint(pictures)}-{hashlib.blake2b(split.encode(), digest_size=8).hexdigest()}"
    fields = {name: value for name, value in to_json(model)["params"].items() if name != "device"}
    return {
        "isthmus": _version(),
        "torch": torch.__version__,
        "pictures": pile,
        "model": type(model).__name__,
        **fields,
    }


def compare(told: list[dict[str, Any]]) -> None:
    """Whoever of these processes has something else than the first is named."""
    first = told[0]
    for rank, other in enumerate(told):
        for name in {**first, **other}:
            if first.get(name) != other.get(name):
                what = f"process {rank} has {name} {other.get(name)}, process 0 has {first.get(name)}"
                raise UsageError(what, "Give all nodes the same versions, the same command and the same pictures.")


def to_json(estimator: Estimator) -> dict[str, Any]:
    """An estimator as plain JSON: its name and its fields, estimators inside it likewise."""
    params = {name: _plain(value) for name, value in estimator.get_params(deep=False).items()}
    folder = "nets" if isinstance(estimator, Net) else "models"
    return {"folder": folder, "name": discover.name_of(folder, type(estimator)), "params": params}


def _plain(value: Any) -> Any:
    """A field's value without NumPy's types, which searches put there, and with estimators spelt out."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return to_json(value) if isinstance(value, Estimator) else value


def paths_of(model: "Model") -> list[str]:
    """The fields that name a place, where one is named."""
    fields = [field.name for field in dataclasses.fields(model) if field.metadata.get("path")]
    return [name for name in fields if getattr(model, name) is not None]


def description(model: "Model", run: Run) -> dict[str, Any]:
    """All that `run.json` says of a fitted model; places as seen from the run."""
    described = to_json(model)
    for name in paths_of(model):
        described["params"][name] = _seen_from(run, getattr(model, name)) or getattr(model, name)
    return {
        "format": FORMAT,
        "isthmus": _version(),
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "model": described,
        "fitted": {name[:-1]: getattr(model, name) for name in LEARNED} | {"scaling": model.scaling_.to_json()},
        "remarks": getattr(model, "remarks_", []),
        "threads": torch.get_num_threads(),
        "machine": machine(),
    }


def _data(run: Run, pictures: Pictures) -> dict[str, Any]:
    """Where the pictures were, as seen from the run folder: no absolute path leaves this machine."""
    source = dict(pictures.source)
    path = source.pop("path", None)
    if path is not None and "://" in path:
        source["url"] = path
    elif path is not None:
        source["relative_path"] = _seen_from(run, path)
    return source | {
        "pictures": len(pictures),
        "labelled": int((pictures.labels >= 0).sum()),
        "classes": list(pictures.classes),
        "fingerprint": fingerprint(pictures),
    }


def _seen_from(run: Run, path: str) -> str | None:
    """From the run folder; None on another drive of Windows."""
    try:
        return Path(os.path.relpath(path, run.path)).as_posix()
    except ValueError:
        return None


def fingerprint(pictures: Pictures, labels: bool = True) -> str:
    """Changes with ids, order, pixels and, unless they do not matter, labels; of a large pile only every so many
    pictures are looked at."""
    pixels = pictures.pixels
    digest = hashlib.blake2b(pictures.keys.tobytes() + (pictures.labels.tobytes() if labels else b""), digest_size=8)
    digest.update(np.ascontiguousarray(pixels[:: 1 + pixels.nbytes // _HASHED_BYTES]).data)
    return f"{'x'.join(map(str, pixels.shape))}-{digest.hexdigest()}"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def _version() -> str:
    from isthmus import __version__

    return __version__
