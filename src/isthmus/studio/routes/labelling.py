"""Labelling: a desk is opened for a run, labels are given and taken back, and the table can be taken away."""

import csv
import io
import threading
from typing import Any

import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from isthmus.errors import UsageError
from isthmus.studio.desk import Desk
from isthmus.studio.jobs import Job
from isthmus.studio.room import Room
from isthmus.studio.routes._asking import InRoom, InStudio

__all__ = ["router"]

router = APIRouter()


class Labelled(BaseModel):
    """Pictures that are called this; None takes their labels away."""

    rows: list[int] = Field(min_length=1, max_length=1_000_000)
    label: str | None


@router.post("/desk")
def open_desk(studio: InStudio, room: InRoom, blank: bool = False) -> dict[str, Any]:
    """The desk as it is; or the job that opens it, or opens it anew where it was blank and is not to be."""
    desk: Desk | None = room.kept.get("desk")
    if desk is not None and desk.blank == blank:
        return {"ready": True, "desk": desk.state()}

    def opened(job: Job) -> None:
        with room.keep("opening a desk", threading.Lock):
            old: Desk | None = room.kept.get("desk")
            room.kept["desk"] = Desk(room, studio.hub, blank, job.told)
            if old is not None:
                old.close()

    return {"ready": False, "job": studio.jobs.start("desk", room.name, opened, blank).described()}


@router.get("/desk")
def state(room: InRoom) -> dict[str, Any]:
    return _desk(room).state()


@router.post("/label")
def label(room: InRoom, given: Labelled) -> dict[str, Any]:
    """On the disk when this answers."""
    rows = np.asarray(given.rows)
    if rows.min() < 0 or rows.max() >= len(room.pictures):
        raise UsageError(f"there are {len(room.pictures)} pictures, and rows beyond them were named")
    desk = _desk(room)
    desk.label(rows, given.label)
    return desk.state()


@router.post("/label/undo")
def undo(room: InRoom) -> dict[str, Any]:
    desk = _desk(room)
    return {"rows": desk.undo()} | desk.state()


@router.get("/labels.csv")
def table(room: InRoom) -> Response:
    """All labels that are given now, as a table that `--labels` takes."""
    desk = _desk(room)
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("id", "label"))
    for row in np.flatnonzero(desk.labels >= 0):
        lines.writerow((str(room.pictures.ids[row]), desk.classes[desk.labels[row]]))
    headers = {"content-disposition": 'attachment; filename="labels.csv"'}
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def _desk(room: Room) -> Desk:
    found: Desk | None = room.kept.get("desk")
    if found is None:
        raise UsageError("nobody labels this run", "Open the desk first.")
    return found
