"""Designing: what can be wished, wishes read, designs looked for, their paths on a map, and the good ones kept."""

from typing import Any

import numpy as np
import torch
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from isthmus.design.answer import Answer
from isthmus.design.spec import Spec
from isthmus.design.wishes import Class, Mixture, Range, Wish
from isthmus.errors import DataError, UsageError
from isthmus.measure.attributes import ATTRIBUTES
from isthmus.stats import Interval
from isthmus.studio.drafting import Drafting, Wanted
from isthmus.studio.jobs import Job
from isthmus.studio.room import Room, as_bytes
from isthmus.studio.routes._asking import InRoom, InStudio, binary

__all__ = ["router"]

router = APIRouter()

_BINS, _MOST, _LONGEST = 36, 200, 2000
_CUT = 0.002


class Order(BaseModel):
    """What is to be looked for, and how."""

    want: str = Field(min_length=1, max_length=_LONGEST)
    n: int = Field(16, ge=1, le=_MOST)
    near: int | None = Field(None, ge=0)
    seed: int = Field(0, ge=0, lt=2**31)
    density: float = Field(0.0, ge=0, le=1000, allow_inf_nan=False)
    trust: float = Field(0.0, ge=0, le=1000, allow_inf_nan=False)
    apart: float = Field(0.0, ge=0, le=1000, allow_inf_nan=False)


class Text(BaseModel):
    want: str = Field(max_length=_LONGEST)


class Chosen(BaseModel):
    designs: list[int] = Field(min_length=1, max_length=_MOST)


@router.post("/design/open")
def open_board(studio: InStudio, room: InRoom) -> dict[str, Any]:
    """What can be wished; or the job that finds out, at first and whenever labels were given since."""
    board = _board(room)
    if board.current():
        return {"ready": True, "design": _wishable(board)}
    job = studio.jobs.start("design", room.name, lambda job: board.open(job.told))
    return {"ready": False, "job": job.described()}


@router.get("/design")
def wishable(room: InRoom) -> dict[str, Any]:
    return _wishable(_board(room))


@router.post("/design/read")
def read(room: InRoom, text: Text) -> dict[str, Any]:
    """The wishes of a text in parts, for sliders and boxes; or why it cannot be: while one types, no failure."""
    board = _board(room)
    try:
        wishes, notes = board.read(text.want)
    except (UsageError, DataError) as error:
        return {"refused": {"what": error.what, "remedy": error.remedy}}
    return {"wishes": _in_parts(wishes, board.shop.words.classes), "notes": notes}


@router.post("/design")
def order(studio: InStudio, room: InRoom, asked: Order) -> dict[str, Any]:
    """A job; what is refused is refused before it begins."""
    board = _board(room)
    board.read(asked.want)
    if asked.near is not None and asked.near >= len(room.pictures):
        raise UsageError(f"there is no row {asked.near}", "Choose a picture on the map.")
    if any(job.state == "running" and (job.title, job.run) == ("designs", room.name) for job in studio.jobs.all()):
        raise UsageError("designs of this run are being looked for already", "Stop that first, or wait.")
    wanted = Wanted(**asked.model_dump())
    job = studio.jobs.start("designs", room.name, lambda job: _answered(board, wanted, job))
    return {"job": job.described()}


@router.get("/design/answer")
def answer(room: InRoom, id: str) -> Response:
    """Verdict and designs, with the pixels of each and of the frames of those that were filmed."""
    found = _board(room).get(id)
    made, films = found.made, _films(found)
    about: dict[str, Any] = {
        "id": id,
        "want": found.want,
        "verdict": made.verdict(),
        "guides": _interval(made.by_guides()),
        "judge": _interval(made.by_judge()),
        "closest": made.closest(),
        "notes": list(made.notes),
        "designs": [_placed(room, row) for row in made.rows()],
        "wishes": _in_parts(tuple(made.wishes), made.classes),
        "trust": {name: _interval(one) for name, one in found.judge.trust.items()},
        "beside": [vars(one) | {"right": _interval(one.right)} for one in found.beside],
        "films": [[row, len(frames)] for row, frames in films.items()],
        "near": made.change is not None,
        "command": found.command,
    }
    shown = _bytes(made.pictures)
    frames = _bytes(torch.cat(list(films.values()))) if films else shown[:0]
    return binary(about, pixels=shown, frames=frames)


@router.get("/design/paths")
def paths(room: InRoom, id: str, map: str) -> Response:
    """Where the frames of the films lie on a map, each film's one after another."""
    found, guidance = _board(room).get(id), room.map(map).guidance
    films = _films(found)
    places = np.empty((0, 2), np.float32)
    if films:
        codes = _codes_of(room, torch.cat(list(films.values())))
        places = np.asarray(guidance.places_of(codes), np.float32)
    return binary({"films": [[row, len(frames)] for row, frames in films.items()]}, places=places)


@router.post("/design/keep")
def keep(room: InRoom, id: str, chosen: Chosen) -> dict[str, Any]:
    """Written into the run as the verb writes them."""
    folder = _board(room).keep(id, chosen.designs)
    return {"folder": f"designs/{folder.name}", "count": len(set(chosen.designs))}


def _codes_of(room: Room, pictures: torch.Tensor) -> np.ndarray:
    """What the model makes of pictures that are no pictures of the run."""
    with torch.inference_mode():
        parts = [room.model.encode(x.to(room.model.device_)).mean.flatten(1).float().cpu() for x in pictures.split(256)]
    return torch.cat(parts).numpy()


def _answered(board: Drafting, wanted: Wanted, job: Job) -> dict[str, Any]:
    return {"id": board.answer(wanted, job.told)}


def _board(room: Room) -> Drafting:
    return room.keep("drafting", lambda: Drafting(room))


def _wishable(board: Drafting) -> dict[str, Any]:
    shop = board.shop
    labels = shop.training.labels
    counts = np.bincount(labels[labels >= 0], minlength=len(shop.words.classes)).tolist() if shop.words.classes else []
    classes = [{"name": name, "count": counts[c]} for c, name in enumerate(shop.words.classes)]
    attributes = []
    for name, (low, high, spread) in (shop.words.attributes or {}).items():
        table = name in shop.columns
        words = "a column of the label table" if table or name not in ATTRIBUTES else ATTRIBUTES[name].words
        about = {"name": name, "low": low, "high": high, "spread": spread, "words": words, "formula": not table}
        attributes.append(about | _histogram(shop.glimpsed[name]))
    kept = {"judge": (shop.folder / "judge.safetensors").exists()} if shop.folder else {}
    return {"classes": classes, "attributes": attributes, "kept": kept, "pictures": len(shop.training)}


def _histogram(values: np.ndarray) -> dict[str, Any]:
    """Between the ends without the last outliers, lest all others stand in one bar."""
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [_CUT, 1 - _CUT])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    counts, _ = np.histogram(values.clip(low, high), _BINS, (low, high))
    return {"from": float(low), "to": float(high), "bars": counts.tolist(), "known": len(values)}


def _in_parts(wishes: Spec, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"said": wish.said, "weight": wish.weight} | _part(wish, classes) for wish in wishes]


def _part(wish: Wish, classes: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(wish, Class):
        return {"kind": "class", "classes": [classes[c] for c in wish.classes]}
    if isinstance(wish, Mixture):
        return {"kind": "mixture", "shares": [[classes[c], share] for c, share in wish.shares]}
    assert isinstance(wish, Range)
    ends = [float(end) if np.isfinite(end) else None for end in (wish.low, wish.high)]
    return {"kind": "range", "name": wish.name, "low": ends[0], "high": ends[1]}


def _placed(room: Room, row: dict[str, Any]) -> dict[str, Any]:
    """With the row of the nearest training picture, so that it can be shown and found on the map."""
    return row | {"near": room.rows.get(str(row["like"]))} if "like" in row else row


def _films(found: Answer) -> dict[int, torch.Tensor]:
    return dict(list(found.made.films.items())[:8])


def _bytes(x: torch.Tensor) -> np.ndarray:
    return as_bytes(x if x.ndim == 4 else x[:, None, None])


def _interval(found: Interval | None) -> dict[str, float] | None:
    return None if found is None else {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
