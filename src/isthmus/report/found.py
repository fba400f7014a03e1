"""What a report finds in a run folder; what is damaged is named, and the rest is shown all the same."""

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import IsthmusError
from isthmus.run import Run

__all__ = ["Found", "found_in"]

_MOST_MAPS, _MOST_DESIGNS, _MOST_HEADS = 12, 12, 12


@dataclass
class Found:
    """Plain JSON as it was read; `trouble` is what could not be.

    `learnt`: whether the model learnt from the pictures of `looked`, None where nobody wrote that down.
    """

    name: str
    folder: Path
    described: dict[str, Any]
    history: list[dict[str, Any]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)
    maps: dict[str, dict[str, Any]] = field(default_factory=dict)
    designs: dict[str, dict[str, Any]] = field(default_factory=dict)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    looked: tuple[int, np.ndarray, np.ndarray] | None = None
    learnt: bool | None = None
    trouble: list[str] = field(default_factory=list)

    def part(self, name: str) -> dict[str, Any]:
        """A part of `run.json` that is an object, empty where it is none."""
        value = self.described.get(name)
        return value if isinstance(value, dict) else {}

    def watched(self) -> str:
        """The pictures that the model was watched by in training."""
        return {None: "pictures", True: "pictures that it learnt from", False: "pictures that it did not learn from"}[
            self.learnt
        ]

    def words(self) -> list[str]:
        """What there is to tell, a line a kind."""
        told = [f"{len(self.history):,} epochs of training"] if self.history else []
        if self.looked is not None:
            told.append(f"{self.watched()}, redrawn")
        told += (
            [f"{len(self.metrics):,} measurements"] if self.metrics else ["no measurement yet: isthmus evaluate RUN"]
        )
        told += [f"the classifier {name}" for name in self.heads]
        told += [f"the map {name}" for name in self.maps]
        told += [
            f"designs for {about.get('want') or about.get('score') or name}" for name, about in self.designs.items()
        ]
        return told + self.trouble


def found_in(run: Run, name: str | None = None) -> Found:
    described = Run.open(run.path).read_json("run.json")
    found = Found(name or run.path.resolve().name, run.path, described)
    found.history = _lines(found, run, "history.jsonl")
    found.metrics = [one for one in _lines(found, run, "metrics.jsonl") if "name" in one and _number(one.get("value"))]
    found.splits = _splits(found)
    found.maps = _objects(found, sorted((run.path / "maps").glob("*.json"))[:_MOST_MAPS], lambda path: path.stem)
    found.heads = _objects(found, sorted((run.path / "heads").glob("*.json"))[:_MOST_HEADS], lambda path: path.stem)
    placed = sorted((run.path / "designs").glob("*/design.json"), key=lambda path: _order(path.parent.name))
    found.designs = _objects(found, placed[-_MOST_DESIGNS:], lambda path: path.parent.name)
    found.looked = _last_look(found)
    return found


def _lines(found: Found, run: Run, name: str) -> list[dict[str, Any]]:
    try:
        return [one for one in run.read_lines(name) if isinstance(one, dict)]
    except IsthmusError:
        found.trouble.append(f"{name} is damaged and was left out")
        return []


def _objects(found: Found, paths: list[Path], named: Any) -> dict[str, dict[str, Any]]:
    held = {}
    for path in paths:
        try:
            content = json.loads(path.read_text("utf-8"))
            if not isinstance(content, dict):
                raise ValueError("it is no object")
            held[named(path)] = content
        except (OSError, ValueError):
            found.trouble.append(f"{path.relative_to(found.folder).as_posix()} is damaged and was left out")
    return held


def _splits(found: Found) -> dict[str, int]:
    path = found.folder / "splits.csv"
    if not path.is_file():
        return {}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return dict(Counter(str(row.get("split")) for row in csv.DictReader(file)))
    except (OSError, ValueError, csv.Error):
        found.trouble.append("splits.csv is damaged and was left out")
        return {}


def _last_look(found: Found) -> tuple[int, np.ndarray, np.ndarray] | None:
    """Some pictures, held out where any were, and what the model made of them when it was last looked at."""
    folder = found.folder / "watch"
    looks = sorted(path for path in folder.glob("*.safetensors") if path.stem.isdecimal())
    if not looks or not (folder / "pictures.safetensors").is_file():
        return None
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import load

    try:
        with safe_open(folder / "pictures.safetensors", "numpy") as file:
            pictures = file.get_tensor("pictures")
            learnt = json.loads((file.metadata() or {}).get("state", "{}")).get("learnt")
        redrawn = load(looks[-1].read_bytes())["redrawn"]
    except (OSError, SafetensorError, KeyError, ValueError, AttributeError):
        found.trouble.append("watch/ is damaged and was left out")
        return None
    found.learnt = learnt if isinstance(learnt, bool) else None
    return (int(looks[-1].stem), pictures, redrawn) if pictures.shape == redrawn.shape else None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _order(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdecimal() else (1, 0, name)
