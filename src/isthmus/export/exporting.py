"""A run out of Python: every graph written, opened again and compared with the run, or nothing at all."""

import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import UsageError
from isthmus.export import to_onnx, to_torch
from isthmus.export.graph import Graph, Inputs
from isthmus.export.heads import check_heads, head_graphs
from isthmus.export.model import model_graphs, sentence_why_not
from isthmus.export.parity import BATCHES, Parity, check_near, compared
from isthmus.export.plain import type_of
from isthmus.files import whole_folder
from isthmus.run import Run

__all__ = ["FORMS", "TOLERANCE", "Exported", "export", "pictures_like", "pictures_to_compare"]

FORMS = ("onnx", "torch")
TOLERANCE = 1e-4

Told = Callable[[int, int, str], None]
Pictures = Callable[[Any], np.ndarray | None]
"""Given the model, what is to be compared: asked for once all else is known to be right."""


@dataclass
class Exported:
    """What was written and how near it is; what was left out, and why."""

    parity: list[Parity] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def export(
    run: Run,
    out: Path,
    to: str = "onnx",
    pictures: np.ndarray | Pictures | None = None,
    heads: list[str] | None = None,
    opset: int = to_onnx.OPSET,
    tolerance: float = TOLERANCE,
    told: Told | None = None,
) -> Exported:
    """Everything that the run can do, or these heads of it, into a new folder with `parity.json`.

    `pictures` are those that are compared, as `transform` takes them, or say which when they are asked with the model;
    without any they are drawn by chance.
    """
    from isthmus.models._loading import load

    if to not in FORMS:
        raise UsageError(f"there is no form {to!r}", f"Choose one of: {', '.join(FORMS)}.")
    if to == "onnx":
        to_onnx.check_ready(opset)
    check_heads(run, heads)
    model, made = load(run.path, "cpu"), Exported()
    with whole_folder(out) as folder:
        given = pictures(model) if callable(pictures) else pictures
        some = pictures_like(model) if given is None else given
        graphs = list(_graphs(run, model, some, heads, made))
        about = _about(run, model)
        for number, graph in enumerate(graphs):
            if told:
                told(number, len(graphs), f"exporting the {graph.name}")
            made.parity += _written(graph, folder, to, opset, about | graph.about, tolerance, made)
        report = _report(to, opset, tolerance, given is None, about, graphs, made)
        (folder / "parity.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    made.files = {name: out / path.name for name, path in made.files.items()}
    return made


def pictures_like(model: Any, n: int = sum(BATCHES)) -> np.ndarray:
    """Pictures drawn by chance in the range of those that the model was fitted on, in its layout."""
    from isthmus.images.arrays import in_layout

    low, high, kind = model.scaling_.low, model.scaling_.high, type_of(model.scaling_)[0]
    drawn = np.random.default_rng(0).uniform(low, high, (n, *model.shape_))
    return in_layout((drawn.round() if kind.kind in "iu" else drawn).astype(kind), model.layout_)


def pictures_to_compare(model: Any, pictures: Any) -> np.ndarray:
    """Some of these, spread over all, in the layout and type of those that the model was fitted on."""
    from isthmus.contract import some_of
    from isthmus.images.arrays import in_layout

    some = some_of(pictures, sum(BATCHES))
    pixels = np.ascontiguousarray(model.scaling_.accept(some.pixels)).astype(type_of(model.scaling_)[0])
    return in_layout(pixels.reshape(len(pixels), *model.shape_), model.layout_)


def _graphs(run: Run, model: Any, pictures: np.ndarray, heads: list[str] | None, made: Exported) -> Iterator[Graph]:
    if reason := sentence_why_not(model):
        made.left_out["encoder"] = reason
    yield from model_graphs(model, pictures)
    for found in head_graphs(run, model, pictures, heads) if model.encodes else ():
        if isinstance(found, Graph):
            yield found
        else:
            made.left_out[f"head-{found[0]}"] = found[1]


def _written(
    graph: Graph, folder: Path, to: str, opset: int, about: dict[str, Any], tolerance: float, made: Exported
) -> list[Parity]:
    """Opened again from the disk: what is compared is what others will read."""
    about = {"graph": graph.name} | about | {"inputs": list(graph.inputs), "outputs": list(graph.outputs)}
    asks: Callable[[Inputs], Sequence[np.ndarray]]
    if to == "onnx":
        path = folder / f"{graph.name}{to_onnx.ENDING}"
        to_onnx.write(graph, path, opset, about)
        asks = to_onnx.opened(path)
    else:
        path = folder / f"{graph.name}{to_torch.ENDING}"
        to_torch.write(graph, path, about)
        asks = to_torch.opened(path)
    found = compared(graph, asks)
    check_near(found, tolerance)
    made.files[graph.name] = path
    return found


def _about(run: Run, model: Any) -> dict[str, Any]:
    """What a reader must know who has the file alone."""
    from isthmus import __version__
    from isthmus.look._kept import weights_of

    described = run.read_json("run.json")
    return {
        "isthmus": __version__,
        "model": described["model"]["name"],
        "weights": weights_of(run),
        "layout": model.layout_,
        "shape": list(model.shape_),
        "latent_shape": list(model.latent_shape_),
        "scaling": model.scaling_.to_json(),
    }


def _report(
    to: str,
    opset: int,
    tolerance: float,
    generated: bool,
    about: dict[str, Any],
    graphs: list[Graph],
    made: Exported,
) -> dict[str, Any]:
    outputs: dict[str, dict[str, Any]] = {graph.name: {} for graph in graphs}
    for one in made.parity:
        outputs[one.graph][one.output] = one.to_json()
    return {
        "to": to,
        **({"opset": opset} if to == "onnx" else {}),
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "run": about,
        "tolerance": tolerance,
        "pictures": "drawn by chance" if generated else "given",
        "batches": list(BATCHES),
        "versions": (to_onnx if to == "onnx" else to_torch).versions(),
        "graphs": {
            graph.name: graph.about
            | {"file": made.files[graph.name].name, "inputs": list(graph.inputs), "outputs": outputs[graph.name]}
            for graph in graphs
        },
        "left_out": made.left_out,
    }
