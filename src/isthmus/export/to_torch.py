"""Graphs as files of `torch.export`, to be run by torch without Isthmus, or compiled ahead of time."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import RunError
from isthmus.export.graph import Graph, Inputs
from isthmus.export.quiet import quiet

__all__ = ["ABOUT", "ENDING", "opened", "versions", "write"]

ENDING = ".pt2"
ABOUT = "isthmus.json"
"""The file inside, under which `torch.export.load(..., extra_files=...)` gives what the graph is."""


def write(graph: Graph, path: Path, about: dict[str, Any]) -> None:
    import torch

    free = {0: torch.export.Dim.AUTO}
    with quiet(), torch.no_grad():
        try:
            made = torch.export.export(
                graph.module.eval(), graph.example(), dynamic_shapes=tuple(free for _ in graph.inputs)
            )
        except Exception as error:  # whatever its many stages raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise RunError(f"torch cannot export the {graph.name} ({reason})", "Try --to onnx.") from None
        torch.export.save(made, path, extra_files={ABOUT: json.dumps(about, ensure_ascii=False)})


def opened(path: Path) -> Callable[[Inputs], Sequence[np.ndarray]]:
    """A file that was just written, as something to ask. One of strangers may execute what it likes: never open it."""
    import torch

    with quiet():
        program = torch.export.load(path).module()

    def asks(given: Inputs) -> Sequence[np.ndarray]:
        with torch.no_grad():
            found = program(*(torch.from_numpy(np.ascontiguousarray(one)) for one in given))
        return [one.numpy() for one in (found if isinstance(found, tuple | list) else (found,))]

    return asks


def versions() -> dict[str, str]:
    import torch

    return {"torch": torch.__version__}
