"""What is done with chosen pictures: taken away as a table, and new ones drawn from where they lie."""

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from PIL import Image
from starlette.concurrency import run_in_threadpool

from isthmus.design.saving import free_folder
from isthmus.errors import UsageError
from isthmus.files import UNFINISHED, clear_errors
from isthmus.look.drawing import draw_codes
from isthmus.studio.columns import columns_of, value_in_words
from isthmus.studio.jobs import Job
from isthmus.studio.room import Room
from isthmus.studio.routes._asking import InRoom, InStudio, binary, rows_of

__all__ = ["router"]

router = APIRouter()

_MOST_DRAWN, _FEWEST = 1024, 2
_SHOWN = 2
"""Samples that are kept to be shown: the last ones. All are in the run."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@router.post("/selection.csv")
async def table(room: InRoom, request: Request, map: str = "") -> Response:
    """A row a picture: its id, its place on the map, and the value of every column that is there."""
    rows = rows_of(room, await request.body())
    return Response(await run_in_threadpool(_table, room, rows, map), media_type="text/csv")


@router.get("/link")
def link(studio: InStudio, room: InRoom, other: str) -> Response:
    """For every picture the row of the same id in another run, -1 where it is not there."""
    theirs = studio.room(other).rows
    rows = np.fromiter((theirs.get(str(one), -1) for one in room.pictures.ids), np.int32, len(room.pictures))
    return binary({"shared": int((rows >= 0).sum())}, rows=rows)


@router.post("/sample")
async def sample(studio: InStudio, room: InRoom, request: Request, n: int = 64, seed: int = 0) -> dict[str, Any]:
    """A job: new pictures from the density of the chosen ones' codes, written to `samples/` in the run."""
    rows = rows_of(room, await request.body())
    if not 1 <= n <= _MOST_DRAWN:
        raise UsageError(f"{n} pictures were asked for", f"Ask for 1 to {_MOST_DRAWN:,}.")
    if len(rows) < _FEWEST:
        raise UsageError(f"{len(rows)} pictures are chosen", "Choose two or more to draw between.")
    of = (n, seed, rows.tobytes())
    job = studio.jobs.start("sample", room.name, lambda job: _sampled(room, rows, n, seed, job), of)
    return {"job": job.described()}


@router.get("/sample")
def sampled(room: InRoom, folder: str) -> Response:
    """The pictures that a job drew, with the places of their codes on a map."""
    drawn = room.kept.get(f"sample {folder}")
    if drawn is None:
        raise UsageError(
            f"nothing was drawn into {folder!r} of late", f"The last {_SHOWN} are shown; all are in the run."
        )
    codes = drawn["codes"]
    share = room.strangeness.share(codes).astype(np.float32)
    return binary({"folder": folder}, frames=drawn["frames"], codes=codes, share=share)


def _sampled(room: Room, rows: np.ndarray, n: int, seed: int, job: Job) -> dict[str, Any]:
    codes = draw_codes(room.codes, n, seed, rows, job.told).codes
    job.told(0, n, "decoding")
    frames = room.drawn(codes)
    with room.writing():
        samples = room.run.path / "samples"
        place = free_folder(samples)
        unfinished = place.with_name(f".{place.name}{UNFINISHED}")
        with clear_errors(samples):
            _write(unfinished, codes, frames, job)
            unfinished.rename(place)
    folder = f"samples/{place.name}"
    room.kept[f"sample {folder}"] = {"codes": codes, "frames": frames}
    for old in [name for name in list(room.kept) if name.startswith("sample ")][:-_SHOWN]:
        room.kept.pop(old, None)
    return {"folder": folder, "count": n}


def _write(place: Path, codes: np.ndarray, frames: np.ndarray, job: Job) -> None:
    """All of them, or no folder."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        for number, frame in enumerate(frames):
            job.told(number, len(frames), "writing")
            Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame).save(place / f"{number:04d}.png")
        np.save(place / "codes.npy", codes)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _table(room: Room, rows: np.ndarray, map: str) -> str:
    places = room.map(map).places if map else None
    columns = columns_of(room)
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["id", *(["x", "y"] if places is not None else []), *_all_plain(list(columns))])
    for row in rows:
        place = [] if places is None else [f"{v:.6g}" if np.isfinite(v) else "" for v in places[row]]
        values = [value_in_words(column, row) for column in columns.values()]
        lines.writerow([_plain(str(room.pictures.ids[row])), *place, *_all_plain(values)])
    return text.getvalue()


def _all_plain(values: list[Any]) -> list[Any]:
    return ["" if value is None else _plain(value) if isinstance(value, str) else value for value in values]


def _plain(text: str) -> str:
    """A spreadsheet takes what begins like a formula for one: such text is quoted."""
    return f"'{text}" if text.startswith(_FORMULA) else text
