"""Rows that lie in many files as one array, which is read where it is asked for and never held whole."""

import contextlib
import math
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import DataError

__all__ = ["Part", "Sharded"]

_MOST_OPEN = 64
_LARGEST_READ = 1 << 30
_BLOCK = 256


@dataclass(frozen=True)
class Part:
    """A file whose rows begin at this byte."""

    path: Path
    rows: int
    begins: int


class Sharded:
    """A read-only array: an index gives plain arrays, as NumPy's do; `at` gives rows that are still not read.

    Rows are read by position and not mapped: a mapped page counts as memory of this process, a file that is cut short
    while it is mapped kills the process without a word, and a batch of scattered rows takes twice as long. The
    system's cache of files serves all processes either way.
    """

    def __init__(self, parts: Sequence[Part], shape: Sequence[int], dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.shape = (sum(part.rows for part in parts), *map(int, shape))
        self._files = _Files(parts, math.prod(self.shape[1:]) * self.dtype.itemsize)
        self._rows: np.ndarray | None = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self), _BLOCK):
            yield from self[start : start + _BLOCK]

    def __getitem__(self, key: Any) -> np.ndarray:
        if isinstance(key, tuple):
            first, rest = key[0], key[1:]
            found = self[first]
            return np.asarray(found[rest if isinstance(first, int | np.integer) else (slice(None), *rest)])
        if isinstance(key, int | np.integer):
            return np.asarray(self._read(self._known(np.array([key])))[0])
        return self._read(self._known(key))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("rows in files are no array yet: they have to be read")
        found = self[:]
        return found if dtype is None else found.astype(dtype, copy=False)

    def at(self, rows: Any) -> "Sharded":
        """These rows, in this order, still in their files."""
        return self._like(self._known(rows), self.shape[1:])

    def reshape(self, *shape: Any) -> "Sharded":
        """Every row in another shape."""
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        if wanted[0] not in (len(self), -1) or math.prod(wanted[1:]) != math.prod(self.shape[1:]):
            raise ValueError(f"rows of {self.shape[1:]} cannot be reshaped to {tuple(wanted)}")
        return self._like(self._rows, tuple(wanted[1:]))

    def _like(self, rows: np.ndarray | None, shape: tuple[int, ...]) -> "Sharded":
        made = object.__new__(Sharded)
        vars(made).update(vars(self))
        made._rows = rows
        made.shape = (len(self) if rows is None else len(rows), *shape)
        return made

    def _known(self, key: Any) -> np.ndarray:
        """The rows that a key means, as rows of the files."""
        if isinstance(key, slice) or key is Ellipsis:
            key = np.arange(len(self))[key]
        rows = np.asarray(key)
        if rows.dtype == bool:
            if rows.shape != (len(self),):
                raise IndexError(f"{len(rows)} marks for {len(self)} rows")
            rows = np.flatnonzero(rows)
        rows = rows.astype(np.int64)
        if len(rows) and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"there are {len(self)} rows, and row {rows.max()} or {rows.min()} is none of them")
        rows = np.where(rows < 0, rows + len(self), rows)
        return rows if self._rows is None else self._rows[rows]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        return self._files.read(rows).view(self.dtype).reshape(len(rows), *self.shape[1:])


class _Files:
    """Rows of one size in many files, a few of which are open; safe to read in several threads."""

    def __init__(self, parts: Sequence[Part], row_bytes: int) -> None:
        self.parts, self.row_bytes = parts, row_bytes
        self.ends = np.cumsum([part.rows for part in parts], dtype=np.int64)
        self._lock = threading.Lock()
        self._open: OrderedDict[int, int] = OrderedDict()
        weakref.finalize(self, _close, self._open)

    def __reduce__(self) -> Any:
        """For another process, which opens them anew."""
        return _Files, (self.parts, self.row_bytes)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Bytes of these rows; the files are read in their own order, and neighbours in one go."""
        out = np.empty(len(rows) * self.row_bytes, np.uint8)
        if not out.size:
            return out
        order = np.argsort(rows, kind="stable")
        there = rows[order]
        part = np.searchsorted(self.ends, there, side="right")
        breaks = (np.diff(there) != 1) | (np.diff(order) != 1) | (np.diff(part) != 0)
        first = np.concatenate([[0], np.flatnonzero(breaks) + 1])
        count = np.diff(np.append(first, len(rows)))
        runs = zip(part[first].tolist(), there[first].tolist(), order[first].tolist(), count.tolist(), strict=True)
        view, size = memoryview(out.data), self.row_bytes
        with self._lock:
            for number, row, here, many in runs:
                begins = self.parts[number].begins + (row - self._start(number)) * size
                self._into(view[here * size : (here + many) * size], number, begins)
        return out

    def _start(self, number: int) -> int:
        return int(self.ends[number - 1]) if number else 0

    def _into(self, view: memoryview, number: int, begins: int) -> None:
        part = self.parts[number]
        try:
            file = self._opened(number, part.path)
            while len(view):
                got = _read_at(file, view[:_LARGEST_READ], begins)
                if not got:
                    raise OSError("it is shorter than it was")
                view, begins = view[got:], begins + got
        except OSError as error:
            raise DataError(
                f"{part.path} cannot be read any more ({(error.strerror or str(error)).lower()})",
                "Put the shard back as it was and go on; what was written so far is whole.",
            ) from None

    def _opened(self, number: int, path: Path) -> int:
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._open[number] = file
        if len(self._open) > _MOST_OPEN:
            os.close(self._open.popitem(last=False)[1])
        return file


def _read_at(file: int, view: memoryview, begins: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(file, [view], begins)
    os.lseek(file, begins, os.SEEK_SET)
    data = os.read(file, len(view))
    view[: len(data)] = data
    return len(data)


def _close(opened: "OrderedDict[int, int]") -> None:
    for file in opened.values():
        with contextlib.suppress(OSError):
            os.close(file)
