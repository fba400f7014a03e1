"""The shard folder: raw arrays with a table each, and the index that says what they are.

index.json    format, shape and type of every picture, classes, columns, source; file, rows and checksum of every shard
000000.npy    the pixels, a plain NumPy array that anything can map
000000.csv    id, label, split and columns of its rows; blank is unknown
packing.json  in place of the index while the folder is being made
"""

import csv
import io
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import DataError
from isthmus.files import UNFINISHED, clear_errors, write_atomically
from isthmus.images.guard import reading

__all__ = [
    "FORMAT",
    "INDEX",
    "PACKING",
    "Facts",
    "Index",
    "Shard",
    "checksum",
    "header",
    "is_index",
    "read_facts",
    "write_facts",
    "write_shard",
]

FORMAT = 1
INDEX, PACKING = "index.json", "packing.json"
_WHAT = "shards of pictures"

Facts = tuple[str, ...]
"""What is known of a row, as text: its id, label, split and columns."""

_HEAD = ("id", "label", "split")


@dataclass
class Shard:
    """One array of the folder; `rows` may be none, where what it was made from held no picture."""

    file: str
    rows: int
    crc32: str
    classes: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    tiles: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class Index:
    """What the folder holds. `stamp` says what it was made from: whoever makes it again knows that it is there."""

    shape: list[int]
    dtype: str
    columns: list[str]
    source: dict[str, Any]
    stamp: str
    classes: list[str] | None = None
    shards: dict[str, Shard] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    def write(self, folder: Path, name: str) -> None:
        text = json.dumps(
            {"what": _WHAT, "format": FORMAT} | asdict(self), ensure_ascii=False, allow_nan=False, indent=1
        )
        write_atomically(folder / name, text.encode() + b"\n")

    @classmethod
    def read(cls, folder: Path, name: str = INDEX) -> "Index":
        """The index, or a sentence that says what is wrong with it."""
        path = folder / name
        with reading(str(path), "Restore it, or pack the pictures again."):
            found = json.loads(path.read_text("utf-8"))
            version = found.pop("format")
            found.pop("what")
            if version != FORMAT:
                newer = isinstance(version, int) and version > FORMAT
                remedy = "Upgrade isthmus." if newer else "Pack the pictures again with this version."
                raise DataError(f"{path} has format {version!r}; this version reads format {FORMAT}", remedy)
            index = cls(**found)
            index.shards = {str(number): Shard(**shard) for number, shard in found["shards"].items()}
            if any(Path(shard.file).name != shard.file for shard in index.shards.values()):
                raise DataError(f"{path} names a file outside its folder", "Restore it, or pack the pictures again.")
            np.dtype(index.dtype)
            index.shape = [int(side) for side in index.shape]
        return index

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    def in_order(self) -> list[Shard]:
        """By number; those without a row are left out."""
        return [self.shards[number] for number in sorted(self.shards, key=int) if self.shards[number].rows]


def is_index(path: Path) -> bool:
    """Whether a file begins as an index does: others are called so too."""
    try:
        with path.open("rb") as file:
            return json.dumps({"what": _WHAT})[1:-1].encode() in file.read(80)
    except OSError:
        return False


def write_shard(path: Path, blocks: Iterable[np.ndarray], shape: Sequence[int], dtype: str) -> tuple[int, str]:
    """Blocks of pictures as one `.npy` file, whole or not there; its rows and checksum. No rows leave no file."""
    rows, sum_ = 0, 0
    with clear_errors(path):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=UNFINISHED)
        try:
            with os.fdopen(handle, "w+b") as file:
                begins = file.write(_npy_header((0, *shape), dtype))
                for block in blocks:
                    raw = np.ascontiguousarray(block, dtype).data
                    rows, sum_ = rows + len(block), zlib.crc32(raw, sum_)
                    file.write(raw)
                file.seek(0)
                if file.write(_npy_header((rows, *shape), dtype)) != begins:
                    raise OSError("the header of the array has grown")
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            if rows:
                os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    return rows, f"{sum_:08x}"


def write_facts(path: Path, facts: Iterable[Facts], columns: Sequence[str]) -> None:
    """The table of a shard, whole or not there."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_HEAD, *columns])
    writer.writerows(facts)
    write_atomically(path, text.getvalue().encode())


def read_facts(path: Path, rows: int, columns: Sequence[str]) -> list[Facts]:
    """The table of a shard; ValueError where it is not that of `rows` rows."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file, strict=True)
        if next(lines, None) != [*_HEAD, *columns]:
            raise ValueError("its table has other columns")
        # a million rows hold few different labels: each is kept once
        found = [(line[0], *map(sys.intern, line[1:])) for line in lines if line]
    if len(found) != rows or any(len(line) != len(_HEAD) + len(columns) for line in found):
        raise ValueError(f"its table has {len(found):,} rows for {rows:,} pictures")
    return found


def header(path: Path) -> tuple[tuple[int, ...], str, int]:
    """Shape, type and the byte where the rows begin; ValueError where the file cannot hold what its header says."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_column, dtype = read(file)
        begins = file.tell()
    if by_column or dtype.hasobject or version > (2, 0):
        raise ValueError("it is no plain array of rows")
    need = begins + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if path.stat().st_size != need:
        raise ValueError(f"it has {path.stat().st_size:,} bytes and should have {need:,}")
    return shape, str(dtype), begins


def checksum(path: Path, begins: int) -> str:
    """Of the rows, read a piece at a time."""
    sum_ = 0
    with path.open("rb") as file:
        file.seek(begins)
        while piece := file.read(1 << 20):
            sum_ = zlib.crc32(piece, sum_)
    return f"{sum_:08x}"


def _npy_header(shape: tuple[int, ...], dtype: str) -> bytes:
    """As NumPy writes it, with room for the number of rows to grow."""
    held = io.BytesIO()
    described = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(held, described)
    return held.getvalue()
