"""Pictures: many small ones at once, one in full, what is known of it, its neighbours, and words to find it by."""

import io
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from PIL import Image
from starlette.concurrency import run_in_threadpool

from isthmus.errors import UsageError
from isthmus.stats.knn import neighbours
from isthmus.studio.columns import columns_of, value_in_words
from isthmus.studio.labelled import by_labels_now
from isthmus.studio.room import Room
from isthmus.studio.routes._asking import InRoom, binary, rows_of

__all__ = ["router"]

router = APIRouter()

_MOST_THUMBS, _MOST_FOUND, _MOST_NEAR = 512, 500, 64
_SMALLEST = 96


@router.post("/thumbs")
async def thumbs(room: InRoom, request: Request) -> Response:
    """Bytes of pixels for these rows, in their order."""
    rows = rows_of(room, await request.body(), _MOST_THUMBS)
    if not len(rows):
        raise UsageError("no rows were asked for")
    return binary({}, pixels=await run_in_threadpool(room.thumbs, rows))


@router.get("/picture")
def picture(room: InRoom, row: int, redrawn: bool = False) -> Response:
    """One picture as PNG, in its own size; with `redrawn`, what the model makes of it."""
    rows = _row(room, row)
    pixels = (room.drawn(room.codes[rows], rows=rows) if redrawn else room.seen(rows))[0]
    held = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(held, "PNG")
    return Response(held.getvalue(), media_type="image/png")


@router.get("/about")
def about(room: InRoom, row: int) -> dict[str, Any]:
    """What is known of a picture: its id, and the value of every column that is there."""
    rows = _row(room, row)
    values = {name: value_in_words(column, row) for name, column in columns_of(room).items()}
    share = float(room.strangeness.share(room.codes[rows])[0])
    return {"row": row, "id": str(room.pictures.ids[row]), "values": values, "share": share}


@router.get("/neighbours")
def near(room: InRoom, row: int, k: int = 12) -> dict[str, Any]:
    """The nearest pictures by their codes."""
    rows = _row(room, row)
    k = min(max(k, 1), _MOST_NEAR, len(room.pictures) - 1)
    distances, found = neighbours(room.codes[rows], room.codes, k + 1)
    others = found[0] != row
    return {"rows": found[0][others][:k].tolist(), "distances": distances[0][others][:k].tolist()}


@router.get("/search")
def search(room: InRoom, words: str) -> dict[str, Any]:
    """Rows whose id, label or text holds these words, whatever their case; all that are found are counted."""
    wanted = words.strip().lower()
    if not wanted:
        return {"rows": [], "count": 0}
    found = [row for row, text in enumerate(_texts(room)) if wanted in text]
    exact = room.rows.get(words.strip())
    rows = ([exact] if exact is not None else []) + [row for row in found if row != exact]
    return {"rows": rows[:_MOST_FOUND], "count": len(rows)}


def _texts(room: Room) -> list[str]:
    """One text a picture, in small letters."""

    def made(labels: np.ndarray, classes: tuple[str, ...]) -> list[str]:
        pictures = room.pictures
        names = ["", *map(str, classes)]
        parts = [map(str, pictures.ids), (names[label + 1] for label in labels)]
        parts += [map(str, values) for values in pictures.columns.values() if values.dtype.kind in "OUS"]
        return ["\n".join(texts).lower() for texts in zip(*parts, strict=True)]

    return list(by_labels_now(room, "texts", made))


def _row(room: Room, row: int) -> np.ndarray:
    if not 0 <= row < len(room.pictures):
        raise UsageError(f"row {row} was asked for, and there are {len(room.pictures)} pictures")
    return np.array([row])
