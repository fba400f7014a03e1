"""What all routes share: the studio behind a request, the room that a run's name stands for, rows that exist."""

from typing import Annotated, Any, TypeAlias

import numpy as np
from fastapi import Depends, Query, Response
from starlette.requests import HTTPConnection

from isthmus.errors import UsageError
from isthmus.studio.app import Studio
from isthmus.studio.packing import packed
from isthmus.studio.room import Room

__all__ = ["InRoom", "InStudio", "binary", "rows_of"]

_MOST_ROWS = 5_000_000


def _studio(connection: HTTPConnection) -> Studio:
    studio: Studio = connection.app.state.studio
    return studio


InStudio: TypeAlias = Annotated[Studio, Depends(_studio)]


def _room(studio: InStudio, run: Annotated[str, Query()]) -> Room:
    return studio.room(run)


InRoom: TypeAlias = Annotated[Room, Depends(_room)]


def binary(header: dict[str, Any], **arrays: np.ndarray) -> Response:
    return Response(packed(header, **arrays), media_type="application/octet-stream")


def rows_of(room: Room, content: bytes, most: int = _MOST_ROWS) -> np.ndarray:
    """Rows as the page sends them: unsigned, four bytes each, all of them pictures of this run."""
    if len(content) % 4 or len(content) > 4 * most:
        raise UsageError(f"{len(content)} bytes are no list of at most {most:,} rows")
    rows = np.frombuffer(content, "<u4").astype(np.int64)
    if len(rows) and rows.max() >= len(room.pictures):
        raise UsageError(f"row {rows.max()} was asked for, and there are {len(room.pictures)} pictures")
    return rows
