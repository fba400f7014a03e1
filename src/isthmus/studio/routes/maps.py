"""Maps: where every picture lies, drawn anew when asked for; walks over them, and what lies along the way."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, Field

from isthmus import discover
from isthmus.errors import UsageError
from isthmus.look.maps import Map, check_name, draw, map_table
from isthmus.look.walks import spherical, straight, through
from isthmus.studio.jobs import Job
from isthmus.studio.room import Room
from isthmus.studio.routes._asking import InRoom, InStudio, binary

__all__ = ["router"]

router = APIRouter()

_MOST_STEPS = 64
Point = Annotated[list[float], Field(min_length=2, max_length=2)]


class Wanted(BaseModel):
    """A map to draw: by which projection, with which of its fields changed."""

    by: str
    fields: dict[str, float | int | str | bool] = {}
    name: str | None = None
    seed: int = Field(0, ge=0, lt=2**31)


class Walk(BaseModel):
    """Along points of a map, or between two pictures."""

    map: str | None = None
    points: list[Point] = Field([], max_length=1000)
    rows: list[int] = Field([], max_length=2)
    how: str = "straight"
    steps: int = Field(12, ge=2, le=_MOST_STEPS)


@router.get("/map")
def places(room: InRoom, name: str) -> Response:
    """Two numbers a picture, in the order of the pictures, with the scores that belong under the map."""
    found = room.map(name)
    return binary(_told(found), places=found.places.astype(np.float32))


@router.post("/map")
def draw_map(studio: InStudio, room: InRoom, wanted: Wanted) -> dict[str, Any]:
    """A job; while it works, the places so far are there under `/map/forming`."""
    kind = discover.find("look.projections", wanted.by, "Projection")
    known = set(kind().get_params(deep=False))
    strange = sorted(set(wanted.fields) - known)
    if strange:
        raise UsageError(f"{wanted.by} has no field {strange[0]!r}", f"It has: {', '.join(sorted(known))}.")
    projection = kind(**{"seed": wanted.seed} | wanted.fields)
    projection.check_params()
    name = wanted.name or wanted.by
    check_name(name)
    of = str(sorted(projection.get_params().items()))
    job = studio.jobs.start(f"map {name}", room.name, lambda job: _drawn(room, projection, name, wanted.seed, job), of)
    return {"job": job.described()}


@router.get("/map/forming")
def forming(room: InRoom, name: str) -> Response:
    """The places of a map that is being drawn, as far as it got; `turn` counts them, and is 0 before the first."""
    turn, places = room.kept.get(f"forming {name}", (0, np.empty((0, 2), np.float32)))
    return binary({"name": name, "turn": turn}, places=places)


@router.post("/walk")
def walk(room: InRoom, asked: Annotated[Walk, Body()]) -> Response:
    """The pictures along a path: frames, and how far each is from the data."""
    codes = _codes_along(room, asked)
    share = room.strangeness.share(codes)
    return binary({"steps": len(codes)}, frames=room.drawn(codes), share=share.astype(np.float32))


@router.get("/map.csv")
def table(room: InRoom, name: str, request: Request) -> Response:
    """The coordinates as a file."""
    found = room.map(name)
    split = np.where(found.held, "held-out", "voter")
    rows = np.flatnonzero(found.placed)
    ids, labels = [found.ids[row] for row in rows], room.pictures.labels[rows]
    content = map_table(ids, found.places[rows], labels, room.pictures.classes, split[rows])
    headers = {"content-disposition": f'attachment; filename="{found.name}.csv"'}
    return Response(content, media_type="text/csv", headers=headers)


def _drawn(room: Room, projection: Any, name: str, seed: int, job: Job) -> dict[str, Any]:
    pictures = room.pictures
    held = np.zeros(len(pictures), bool) if pictures.split is None else np.asarray(pictures.split == "test")

    def shown(places: np.ndarray) -> None:
        turn = room.kept.get(f"forming {name}", (0,))[0] + 1
        room.kept[f"forming {name}"] = (turn, np.array(places, np.float32))
        job.told(job.done, job.total)

    try:
        made = draw(
            room.codes,
            list(map(str, pictures.ids)),
            pictures.labels,
            held,
            projection,
            name=name,
            seed=seed,
            told=job.told,
            shown=shown,
        )
        note = room.take(made)
    finally:
        room.kept.pop(f"forming {name}", None)
    return _told(made) | {"note": note}


def _told(found: Map) -> dict[str, Any]:
    scores = found.scores
    distilled = found.distilled
    return {
        "name": found.name,
        "method": found.method,
        "words": found.words,
        "of": found.of,
        "scores": None if scores is None else scores.words(),
        "distilled": None if distilled is None else distilled.words(),
    }


def _codes_along(room: Room, asked: Walk) -> np.ndarray:
    if asked.how not in ("straight", "spherical"):
        raise UsageError(f"there is no walk called {asked.how!r}", "Walk straight or spherical.")
    if asked.rows:
        if len(asked.rows) != 2 or not all(0 <= row < len(room.pictures) for row in asked.rows):
            raise UsageError("a walk between pictures has two ends", "Choose two pictures.")
        ends = room.codes[asked.rows[0]], room.codes[asked.rows[1]]
        if asked.how == "spherical":
            return np.asarray(spherical(*ends, asked.steps, room.codes.mean(axis=0)), np.float32)
        return np.asarray(straight(*ends, asked.steps), np.float32)
    if not asked.map or len(asked.points) < 2:
        raise UsageError("a path has at least two points", "Draw a longer one.")
    points = np.asarray(asked.points, np.float64)
    room.codes_at(asked.map, points)  # refuses what is no place
    path = through(points, asked.steps)
    return room.codes_at(asked.map, path)
