"""Graphs as ONNX files: what reads them needs neither Python nor torch."""

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import RunError, UsageError
from isthmus.export.graph import Graph, Inputs
from isthmus.export.quiet import quiet

__all__ = ["ENDING", "OPSET", "check_ready", "opened", "versions", "write"]

ENDING = ".onnx"
OPSET = 18
"""What torch writes without converting, and every runtime of the last years reads."""
_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_OLDEST = 7
_BATCH = "batch"


def check_ready(opset: int) -> None:
    """Before anything takes long: the packages are there, and there is such an opset."""
    for name in _NEEDED:
        try:
            importlib.import_module(name)
        except ImportError:
            remedy = "Run: pip install 'isthmus[onnx]', or use --to torch."
            raise UsageError(f"exporting to ONNX needs {', '.join(_NEEDED)}, and {name} is not here", remedy) from None
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if not _OLDEST <= opset <= newest:
        what = f"there is no opset {opset} for onnx {onnx.__version__}, which knows {_OLDEST} to {newest}"
        raise UsageError(what, f"Leave --opset out for {OPSET}.")


def write(graph: Graph, path: Path, opset: int, about: dict[str, Any]) -> None:
    """One file, with what it is in its metadata; the number of pictures is free."""
    import torch

    free = {0: torch.export.Dim.AUTO}
    with quiet():
        try:
            program = torch.onnx.export(
                graph.module.eval(),
                graph.example(),
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
                opset_version=opset,
                dynamo=True,
                dynamic_shapes=tuple(free for _ in graph.inputs),
                verbose=False,
            )
        except Exception as error:  # whatever its many stages raise
            raise _not_written(graph, opset, error) from None
        assert program is not None
        if program.model.opset_imports[""] != opset:
            raise _not_written(graph, opset, "its operators do not convert to that")
        _name_the_batch(program.model, graph)
        program.model.metadata_props.update({key: _text(value) for key, value in about.items()})
        program.save(str(path))


def opened(path: Path, threads: int = 0) -> Callable[[Inputs], Sequence[np.ndarray]]:
    """The file as something to ask."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, threads
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own kinds
        what = f"onnxruntime {onnxruntime.__version__} cannot run the exported {path.stem} ({_first(error)})"
        raise RunError(what, f"Nothing was written; leave --opset out for {OPSET}.") from None
    names = [one.name for one in session.get_inputs()]
    return lambda given: session.run(None, dict(zip(names, given, strict=True)))


def versions() -> dict[str, str]:
    return {name: str(importlib.import_module(name).__version__) for name in ("torch", *_NEEDED)}


def _name_the_batch(model: Any, graph: Graph) -> None:
    """The exporter calls it s32 or so."""
    import onnx_ir

    values = [*model.graph.inputs, *model.graph.outputs]
    first = {str(value.shape[0]) for value in values}
    if any(isinstance(value.shape[0], int) for value in values):
        raise RunError(
            f"the exported {graph.name} takes only as many pictures as it was tried on", "Please report this."
        )
    for value in [*values, *(output for node in model.graph for output in node.outputs)]:
        for axis, length in enumerate(value.shape or ()):
            if str(length) in first:
                value.shape[axis] = onnx_ir.SymbolicDim(_BATCH)


def _not_written(graph: Graph, opset: int, reason: object) -> UsageError:
    what = f"the {graph.name} cannot be written in opset {opset} ({_first(reason)})"
    return UsageError(what, f"Nothing was written; leave --opset out for {OPSET}, or use --to torch.")


def _first(reason: object) -> str:
    reason = getattr(reason, "__cause__", None) or reason
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0][:160]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
