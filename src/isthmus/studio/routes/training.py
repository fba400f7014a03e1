"""How training goes and went: histories of several runs, now or while they are trained, and the looks on the way."""

import time
from typing import Any

import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from isthmus.errors import IsthmusError, UsageError
from isthmus.run import Run
from isthmus.studio.app import Studio
from isthmus.studio.following import Following, known_of, looks_of
from isthmus.studio.room import as_bytes
from isthmus.studio.routes._asking import InStudio, binary
from isthmus.train.checkpoint import load_tensors

__all__ = ["router"]

router = APIRouter()

_MOST_RUNS = 12
_FOLDER = "watch"


class Watched(BaseModel):
    """Runs that a page shows, with the lines that it has of each."""

    runs: dict[str, int] = Field(max_length=_MOST_RUNS)


@router.get("/training")
def history(studio: InStudio, run: str) -> dict[str, Any]:
    """The whole history of a run, what it says of itself, and after which lines the model was looked at."""
    found = studio.shelf.get(run)
    described = found.read_json("run.json")
    lines = found.read_lines("history.jsonl")
    status = str(described.get("status"))
    about = {"run": run, "status": status, "model": str((described.get("model") or {}).get("name")), "lines": lines}
    quiet = _quiet_for(found) if status == "training" else None
    return about | {"looks": looks_of(found), "quiet": quiet} | known_of(found)


@router.post("/training/follow")
def follow(studio: InStudio, watched: Watched) -> dict[str, Any]:
    """Tell of these what is new, as events, for the next while; a page that still shows them asks again."""
    following = _following(studio)
    for name, lines in watched.runs.items():
        following.follow(name, lines)
    return {}


@router.get("/training/look")
def look(studio: InStudio, run: str, line: int) -> Response:
    """The pictures redrawn after this line of the history."""
    found = studio.shelf.get(run)
    tensors, about = _tensors(found, line)
    redrawn = _shown(tensors["redrawn"].numpy())
    same, told = load_tensors(found, f"{_FOLDER}/pictures.safetensors")
    about |= {"learnt": told.get("learnt")}
    return binary(about, redrawn=redrawn, pictures=_shown(same["pictures"].numpy()))


@router.get("/training/code")
def code(studio: InStudio, run: str) -> Response:
    """What each number of the code carried at each look: its KL, or its variance where codes are points."""
    found = studio.shelf.get(run)
    lines, rows, kind = list[int](), list[np.ndarray](), "kl"
    for line in looks_of(found):
        try:
            tensors, _ = _tensors(found, line)
        except IsthmusError:
            continue  # thinned out in the meantime
        kind = "kl" if "kl" in tensors else "spread"
        lines.append(line)
        rows.append(tensors[kind].numpy().astype(np.float32))
    table = np.nan_to_num(np.stack(rows)) if rows else np.empty((0, 0), np.float32)
    return binary({"kind": kind, "lines": lines}, table=table)


def _following(studio: Studio) -> Following:
    if not hasattr(studio, "following"):
        vars(studio)["following"] = Following(studio.shelf, studio.hub)
    return vars(studio)["following"]


def _tensors(run: Run, line: int) -> tuple[dict[str, Any], dict[str, Any]]:
    name = f"{_FOLDER}/{line:06d}.safetensors"
    if line < 0 or not run.has(name):
        raise UsageError(f"the model was not looked at after line {line}", "Choose another epoch.")
    return load_tensors(run, name)


def _shown(pixels: np.ndarray) -> np.ndarray:
    return as_bytes(pixels.astype(np.float32) / 255)


def _quiet_for(run: Run) -> float | None:
    """Seconds since the history grew; a training that was killed stays in training on paper."""
    try:
        return max(0.0, time.time() - (run.path / "history.jsonl").stat().st_mtime)
    except OSError:
        return None
