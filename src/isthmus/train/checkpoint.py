"""Everything needed to continue exactly, in one file that is replaced whole: weights, optimisers, averages, place."""

import json
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch.optim import Optimizer

from isthmus.errors import RunError
from isthmus.run import Run

__all__ = ["State", "Store", "Tensors", "load_tensors", "pack_optimiser", "save_tensors", "unpack_optimiser"]

Tensors = dict[str, torch.Tensor]


@dataclass
class State:
    """Where training is. `lines` counts the history written; `lowered` is what a plateau has made of the rate.

    `looks` is what a guard saw while all was well, `told` the setbacks that no line of the history has told of yet, and
    `ended` that there were too many.
    """

    phase: int = 0
    step: int = 0
    lines: int = 0
    best: float | None = None
    stale: int = 0
    lowered: float = 1.0
    seconds: float = 0.0
    setbacks: int = 0
    ended: bool = False
    looks: list[dict[str, float]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Store:
    """The training files of a run folder. Without a run it remembers nothing, and training is the same."""

    def __init__(self, run: Run | None, every_seconds: float = 30.0) -> None:
        self.run, self.every = run, every_seconds
        self._last = time.monotonic()

    def load(self) -> tuple[State, Tensors]:
        """The last checkpoint, the history cut back to it; a fresh start where there is none."""
        if self.run is None or not self.run.has("checkpoint.safetensors"):
            if self.run is not None:
                self.run.rewrite_lines("history.jsonl", [])
            return State(), {}
        tensors, state = load_tensors(self.run, "checkpoint.safetensors")
        place = State(**state)
        self.run.rewrite_lines("history.jsonl", self.run.read_lines("history.jsonl")[: place.lines])
        return place, tensors

    def due(self) -> bool:
        return self.run is not None and time.monotonic() - self._last > self.every

    def save(self, state: State, tensors: Tensors) -> None:
        if self.run is not None:
            save_tensors(self.run, "checkpoint.safetensors", tensors, asdict(state))
            self._last = time.monotonic()

    def log(self, line: dict[str, Any]) -> None:
        if self.run is not None:
            self.run.append("history.jsonl", line)


def save_tensors(run: Run, name: str, tensors: Tensors, state: dict[str, Any]) -> None:
    from safetensors.torch import save

    flat = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    run.write(name, save(flat, {"state": json.dumps(state)}))


def load_tensors(run: Run, name: str) -> tuple[Tensors, dict[str, Any]]:
    """Tensors and the JSON beside them; a file that is cut short or not ours is said to be."""
    from safetensors import safe_open

    try:
        with safe_open(run.file(name), framework="pt") as file:
            state = json.loads((file.metadata() or {})["state"])
            return {key: file.get_tensor(key) for key in file.keys()}, state  # noqa: SIM118
    except FileNotFoundError:
        raise RunError(f"{run.path} has no {name}", "The fit did not finish: isthmus fit --resume it.") from None
    except Exception as error:  # safetensors raises its own kinds for each kind of damage
        raise RunError(
            f"{run.file(name)} is damaged ({error})", "Restore it from a copy, or fit the run again."
        ) from None


def pack_optimiser(optimiser: Optimizer, prefix: str) -> Tensors:
    """The optimiser's memory as flat tensors, by the number of the parameter."""
    packed = {}
    for index, parameter in enumerate(_parameters(optimiser)):
        for key, value in optimiser.state.get(parameter, {}).items():
            packed[f"{prefix}/{index}/{key}"] = value if isinstance(value, torch.Tensor) else torch.tensor(value)
    return packed


def unpack_optimiser(optimiser: Optimizer, tensors: Tensors, prefix: str) -> None:
    """Put it back, laid out in memory as its parameter is: fused kernels read both as one long row."""
    parameters, on_device = _parameters(optimiser), getattr(optimiser, "on_device", False)
    for name, value in tensors.items():
        if not name.startswith(f"{prefix}/"):
            continue
        index, key = name[len(prefix) + 1 :].split("/")
        parameter = parameters[int(index)]
        other = torch.empty_like(value, device=parameter.device if on_device else None)
        like = torch.empty_like(parameter) if value.shape == parameter.shape else other
        with torch.no_grad():
            optimiser.state[parameter][key] = like.to(value.dtype).copy_(value)


def _parameters(optimiser: Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
