"""Decode anything: a place on a map, a picture's own code, either moved along directions; many times a second."""

import asyncio
import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from isthmus.errors import IsthmusError, UsageError
from isthmus.look.directions import Direction, directions_of
from isthmus.studio.labelled import by_labels_now
from isthmus.studio.packing import packed
from isthmus.studio.room import Room
from isthmus.studio.routes._asking import InRoom, InStudio

__all__ = ["router"]

router = APIRouter()

_MOST_MOVED = 1000.0


@router.get("/directions")
def directions(room: InRoom) -> dict[str, Any]:
    """The ways a code can be moved: its numbers, the strongest first; classes; amounts of the label table."""
    found = _directions(room)
    plain = [{"name": d.name, "kind": d.kind, "low": d.low, "high": d.high, "spread": d.spread} for d in found.values()]
    return {"directions": plain}


@router.websocket("/decode")
async def decode(socket: WebSocket, studio: InStudio, run: str) -> None:
    """One question in flight: `{seq, map, at | row | code, moves}`; the answer is an envelope with the pixels.

    Answers are computed in a thread of this socket's own, so that a job that computes holds nobody up.
    """
    await socket.accept()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:
        try:
            room = studio.room(run)
            while True:
                asked = await socket.receive()
                if asked["type"] == "websocket.disconnect":
                    return
                answer = await loop.run_in_executor(thread, _answer, room, asked.get("text"))
                with contextlib.suppress(RuntimeError):  # it left while it was answered
                    await socket.send_bytes(answer)
        except WebSocketDisconnect:
            return
        except IsthmusError as error:
            await socket.close(4400, _short(str(error)))


def _short(text: str) -> str:
    """What fits where the reason for a socket's end is told, of which there may be 123 bytes."""
    return text.encode()[:120].decode(errors="ignore")


def _answer(room: Room, text: str | None) -> bytes:
    seq = 0
    try:
        asked = json.loads(text or "")
        seq = asked["seq"] if isinstance(asked.get("seq"), int) else 0
        code = _moved(room, _base(room, asked), asked.get("moves") or {})
        drawn, read = room.drawn_and_read(code)
        pixels = drawn[0]
        told = {"seq": seq, "share": float(room.strangeness.share(code, read)[0])}
        if asked.get("place") and asked.get("map"):
            on = room.map(str(asked["map"]))
            if on.of == "codes":  # of pixels or features a code alone has no place
                told["place"] = on.guidance.places_of(code)[0].tolist()
        return packed(told, pixels=pixels, code=code[0])
    except IsthmusError as error:
        return packed({"seq": seq, "what": error.what, "remedy": error.remedy})
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        return packed({"seq": seq, "what": f"this is no question ({type(error).__name__})", "remedy": ""})


def _base(room: Room, asked: dict[str, Any]) -> np.ndarray:
    """The code that is asked for, before it is moved; `(1, d)`."""
    if "row" in asked:
        row = int(asked["row"])
        if not 0 <= row < len(room.pictures):
            raise UsageError(f"there is no row {row}")
        return room.codes[[row]]
    if "code" in asked:
        with np.errstate(over="ignore"):
            code = np.asarray(asked["code"], np.float64).reshape(1, -1).astype(np.float32)
        if code.shape[1] != room.codes.shape[1] or not np.isfinite(code).all():
            raise UsageError(f"a code has {room.codes.shape[1]} numbers")
        return code
    return np.asarray(room.codes_at(str(asked["map"]), np.asarray(asked["at"], np.float64).reshape(1, 2)), np.float32)


def _moved(room: Room, code: np.ndarray, moves: dict[str, float]) -> np.ndarray:
    """So many deviations along each direction."""
    known = _directions(room) if moves else {}
    for name, amount in moves.items():
        if name not in known:
            raise UsageError(f"there is no direction {name!r}")
        if not abs(float(amount)) <= _MOST_MOVED:  # NaN neither
            raise UsageError(f"{name} cannot be moved by {amount}", f"Move it by {_MOST_MOVED:g} deviations at most.")
        along = known[name]
        code = code + np.float32(float(amount) * along.spread) * along.vector.astype(np.float32)
    return np.asarray(code, np.float32)


def _directions(room: Room) -> dict[str, Direction]:
    def made(labels: np.ndarray, classes: tuple[str, ...]) -> dict[str, Direction]:
        columns = room.pictures.columns
        numbers = {name: v.astype(float) for name, v in columns.items() if v.dtype.kind in "fiu"}
        found = directions_of(room.codes, labels, classes, numbers)
        return {f"{one.kind} {one.name}" if one.kind != "dimension" else one.name: one for one in found}

    return dict(by_labels_now(room, "directions", made))
