"""What points are coloured by: the columns there are, those that could be made, and their values."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Response

from isthmus.errors import UsageError
from isthmus.studio.columns import MAKERS, Column, columns_of, made_column
from isthmus.studio.jobs import Job
from isthmus.studio.room import Room
from isthmus.studio.routes._asking import InRoom, InStudio, binary

__all__ = ["router"]

router = APIRouter()

_CUT = 0.005
"""Share of the numbers at each end that the scale of colours leaves out: one outlier must not grey all others."""


@router.get("/columns")
def columns(room: InRoom) -> dict[str, Any]:
    there = columns_of(room)
    found = [{"name": name, "kind": one.kind, "words": one.words, "ready": True} for name, one in there.items()]
    pictures = len(room.model.shape_) == 3
    could = {name: words for name, (words, _) in MAKERS.items() if pictures and name not in there}
    found += [{"name": name, "kind": "", "words": words, "ready": False} for name, words in could.items()]
    return {"columns": found}


@router.get("/column")
def column(room: InRoom, name: str) -> Response:
    there = columns_of(room)
    if name not in there:
        raise UsageError(f"there is no column {name!r}", "It may have to be made first.")
    return _sent(name, there[name])


@router.post("/column")
def make(studio: InStudio, room: InRoom, name: str) -> dict[str, Any]:
    """A job that makes it; its result is the name of the column that is there when it is done."""
    if name not in MAKERS:
        raise UsageError(f"there is no column {name!r}", f"Those that can be made: {', '.join(MAKERS)}.")
    return {"job": studio.jobs.start(f"column {name}", room.name, lambda job: _made(room, name, job)).described()}


def _made(room: Room, name: str, job: Job) -> dict[str, str]:
    made_column(room, name, job.told)
    return {"name": name}


def _sent(name: str, found: Column) -> Response:
    about: dict[str, Any] = {"name": name, "kind": found.kind, "words": found.words}
    if found.names is not None:
        return binary(about | {"names": list(found.names)}, values=found.values.astype(np.int32))
    with np.errstate(over="ignore"):
        values = found.values.astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, [_CUT, 1 - _CUT]) if len(finite) else (0.0, 1.0)
    return binary(about | {"low": float(low), "high": float(high)}, values=values)
