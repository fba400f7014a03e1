"""Codes of more pictures than memory: a folder of parts, encoded in several processes, kept when one is killed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli._codes import write_codes
from isthmus.cli._talk import tick
from isthmus.errors import DataError, RunError, UsageError
from isthmus.files import UNFINISHED, held, write_atomically
from isthmus.images.pictures import Pictures
from isthmus.workers import spread

__all__ = ["Parts", "parts_of", "write_parts"]

_FORMAT = 1
_INDEX = "index.json"
_ROWS = 1 << 14


@dataclass(frozen=True)
class Parts(Sequence[Any]):
    """Blocks of rows of a pile, made when they are asked for; `numbers` are those that are to be encoded."""

    pictures: Pictures
    numbers: list[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: Any) -> tuple[int, Pictures]:
        number = self.numbers[place]
        rows = np.arange(number * _ROWS, min((number + 1) * _ROWS, len(self.pictures)))
        return number, self.pictures.take(rows)


def write_parts(run_folder: str, pictures: Pictures, out: Path, workers: int) -> tuple[int, int]:
    """Encode into `out` what is not there yet; how many parts there are, and how many were."""
    from isthmus.look._kept import weights_of
    from isthmus.models._saving import fingerprint
    from isthmus.run import Run

    if len(pictures) == 0:
        raise DataError("there are 0 pictures", "Give at least one.")
    parts = -(-len(pictures) // _ROWS)
    about: dict[str, Any] = {
        "format": _FORMAT,
        "weights": weights_of(Run.open(run_folder)),
        "data": fingerprint(pictures, labels=False),
        "pictures": len(pictures),
        "rows": _ROWS,
        "parts": parts,
    }
    # a part takes with it what it needs and no more
    light = replace(pictures, columns={}, split=None, source={}, trouble=[])
    with held(out):
        ending = _begin(out, about)
        there = [number for number in range(parts) if _part(out, number, ending).is_file()]
        todo = sorted(set(range(parts)) - set(there))
        given = (run_folder, out, ending, workers)
        with tick("encoding parts") as told:
            for done, _ in enumerate(spread(_start, given, Parts(light, todo), workers), 1):
                if told:
                    told(len(there) + done, parts)
        _write(out, about | {"ending": ending, "status": "done"})
    return parts, len(there)


def parts_of(folder: Path) -> list[Path]:
    """The parts of a folder of codes, in order."""
    about = _read(folder)
    if about.get("status") != "done":
        raise DataError(f"{folder} is not encoded to the end", "Give the same isthmus encode again: it goes on.")
    return [_part(folder, number, about["ending"]) for number in range(int(about["parts"]))]


def _begin(out: Path, about: dict[str, Any]) -> str:
    """Write down what is being encoded; what is there must be of the same. The ending of the parts."""
    if not (out / _INDEX).is_file():
        others = [path.name for path in out.iterdir() if not path.name.startswith(".")]
        if others:
            raise UsageError(f"{out} is not empty: it holds {others[0]}", "Choose another -o.")
        ending = _ending()
        _write(out, about | {"ending": ending, "status": "encoding"})
        return ending
    found = _read(out)
    for name, what in (("weights", "of another run"), ("data", "of other pictures")):
        if found.get(name) != about[name]:
            raise UsageError(f"{out} holds codes {what}", "Choose another -o.")
    if found != about | {"ending": found["ending"], "status": found["status"]}:
        raise UsageError(f"{out} holds codes in other parts than this version makes", "Choose another -o.")
    for left in out.glob(f".*{UNFINISHED}"):
        left.unlink(missing_ok=True)
    return str(found["ending"])


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = dict(json.loads((folder / _INDEX).read_text("utf-8")))
        if found["format"] != _FORMAT or found["ending"] not in (".npz", ".parquet") or "status" not in found:
            raise ValueError("it is of another format")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{folder / _INDEX} cannot be read ({error})", "Encode into another folder.") from None
    return found


def _write(folder: Path, about: dict[str, Any]) -> None:
    write_atomically(folder / _INDEX, json.dumps(about, indent=1).encode() + b"\n")


def _part(folder: Path, number: int, ending: str) -> Path:
    return folder / f"part-{number:06d}{ending}"


def _ending() -> str:
    """Parquet where it can be written."""
    import importlib.util

    return ".parquet" if importlib.util.find_spec("pyarrow") else ".npz"


def _start(run_folder: str, out: Path, ending: str, workers: int) -> Callable[[Any], int]:
    import os

    import torch

    from isthmus.models._loading import load

    if workers > 1:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    model = load(run_folder)

    def work(job: tuple[int, Pictures]) -> int:
        """A part, whole or not there."""
        number, pictures = job
        write_codes(_part(out, number, ending), model.transform(pictures), pictures)
        return number

    return work
