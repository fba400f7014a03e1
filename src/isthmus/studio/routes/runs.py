"""The list of runs, opening one, and the socket over which every browser hears what happens."""

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, WebSocket

from isthmus import __version__, discover
from isthmus.estimator import Estimator
from isthmus.studio.jobs import Job
from isthmus.studio.room import Room
from isthmus.studio.routes._asking import InRoom, InStudio
from isthmus.web.answers import as_json

__all__ = ["router"]

router = APIRouter()


@router.get("/runs")
def runs(studio: InStudio) -> dict[str, Any]:
    return {
        "version": __version__,
        "runs": studio.shelf.listed(),
        "jobs": [job.described() for job in studio.jobs.all()],
    }


@router.post("/open")
def open_run(studio: InStudio, run: str) -> dict[str, Any]:
    """The room as it is when it is ready; else the job that opens it."""
    room = studio.enter(run)
    if room.ready:
        return {"ready": True, "room": _told(room)}
    job = studio.jobs.start("opening", run, lambda job: room.open(job.told))
    return {"ready": False, "job": job.described()}


@router.get("/room")
def room(room: InRoom) -> dict[str, Any]:
    return _told(room)


@router.post("/jobs/{number}/cancel")
def cancel(studio: InStudio, number: str) -> dict[str, Any]:
    job: Job = studio.jobs.get(number)
    job.cancel()
    return job.described()


@router.websocket("/events")
async def events(socket: WebSocket, studio: InStudio) -> None:
    """What happens, as it happens; nothing is read but the browser's leaving."""
    await socket.accept()
    queue = studio.hub.join()

    async def send() -> None:
        try:
            while True:
                await socket.send_text(as_json(await queue.get()))
        except Exception:  # it left; or it is told to come back, rather than be deaf
            with contextlib.suppress(Exception):
                await socket.close(1011)

    sending = asyncio.create_task(send())
    try:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
    finally:
        studio.hub.leave(queue)
        sending.cancel()  # not waited for: whoever cancels this one waits already


def _told(room: Room) -> dict[str, Any]:
    pictures, model, alone = room.pictures, room.model, room.alone
    ways = {}
    for name in discover.names("look.projections"):
        kind = discover.find("look.projections", name, "Projection")
        ways[name] = {"words": kind.words, "fields": _fields(kind)}
    return {
        "name": room.name,
        "model": room.described["model"]["name"],
        "data": (room.described.get("data") or {}).get("name"),
        "remarks": room.described.get("remarks") or [],
        "shape": list(model.shape_),
        "latent": list(model.latent_shape_),
        "numbers": int(room.codes.shape[1]),
        "pictures": len(pictures),
        "classes": list(map(str, pictures.classes)),
        "labelled": int((pictures.labels >= 0).sum()),
        "maps": room.maps(),
        "projections": ways,
        "alone": alone,
        "notes": [*room.notes, *([] if alone else [room.why_not])],
    }


def _fields(kind: type[Estimator]) -> list[dict[str, Any]]:
    """What can be chosen of a projection: its fields, as the command line has them."""
    made = kind()
    found = []
    for name, value in made.get_params(deep=False).items():
        about = type(made).__dataclass_fields__[name].metadata
        if isinstance(value, int | float | str | bool):
            plain = {"name": name, "default": value, "help": about.get("help"), "low": about.get("low")}
            found.append(plain | {"choices": list(about.get("choices") or ())})
    return found
