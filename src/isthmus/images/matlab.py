"""MATLAB files of version 5 to 7: arrays of numbers and of text, nothing else.

A reader of our own, because the usual one takes the whole process down on some damaged files.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from isthmus.errors import DataError
from isthmus.images.guard import believable, some

__all__ = ["REMEDY", "load_matlab"]

REMEDY = "In MATLAB, save plain arrays: save('x.mat', 'images', 'labels')."

_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXT = {2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MATRIX, _PACKED = 14, 15
_CELL, _CHAR = 1, 4
_PLAIN = range(6, 16)
_KINDS = {1: "cell", 2: "struct", 3: "object", 5: "sparse", 16: "function", 17: "object"}
_COMPLEX, _LOGICAL = 0x800, 0x200


def load_matlab(path: Path, shown: str) -> dict[str, np.ndarray]:
    """Every array of numbers or names in the file, by its name."""
    data = memoryview(path.read_bytes())
    if len(data) < 128 or bytes(data[126:128]) not in (b"IM", b"MI"):
        raise DataError(f"{shown} is not a MATLAB file of version 5 or later", "In MATLAB, save it with '-v7'.")
    order = "<" if bytes(data[126:128]) == b"IM" else ">"
    arrays, others = {}, []
    for kind, body in _elements(data[128:], order):
        if kind == _PACKED:
            kind, body = _unpack(body, order, shown)
        if kind != _MATRIX:
            continue
        name, array = _matrix(body, order)
        if isinstance(array, str):
            others.append(f"{name or 'unnamed'} ({array})")
        else:
            arrays[name] = array
    if not arrays:
        raise DataError(f"{shown} holds no plain arrays{': ' if others else ''}{some(others)}", REMEDY)
    return arrays


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and bytes of each element; those of up to four bytes have their size in the type's upper half."""
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        start = place + 8
        if kind >> 16:
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
        if start + size > len(data) or (start == place + 4 and size > 4):
            raise ValueError("it is cut short, or says a wrong length")
        yield kind, data[start : start + size]
        place = place + 8 if start == place + 4 else start + size + (-size % 8 if kind != _PACKED else 0)


def _unpack(body: memoryview, order: str, shown: str) -> tuple[int, memoryview]:
    unpacker = zlib.decompressobj()
    kind, size = struct.unpack(f"{order}II", unpacker.decompress(body, 8))
    believable(shown, size, len(body))
    data = unpacker.decompress(unpacker.unconsumed_tail, size) if size else b""
    if len(data) != size:
        raise ValueError("it is cut short, or says a wrong length")
    return kind, memoryview(data)


def _matrix(body: memoryview, order: str, inside: bool = False) -> tuple[str, np.ndarray | str]:
    """The name and the array, or in its place what kind of thing it is."""
    parts = _elements(body, order)
    (_, flags), (_, sizes), (_, name) = next(parts), next(parts), next(parts)
    flag = struct.unpack_from(f"{order}I", flags)[0]
    shape = tuple(np.frombuffer(sizes, f"{order}i4").tolist())
    kind, title = flag & 0xFF, bytes(name).decode("latin-1")
    if min(shape, default=0) < 0:
        raise ValueError("it says a negative size")
    if kind == _CELL and not inside:
        return title, _names(parts, math.prod(shape), order)
    if kind == _CHAR:
        return title, _characters(next(parts), shape, order)
    if kind not in _PLAIN or flag & _COMPLEX:
        return title, "complex" if flag & _COMPLEX else _KINDS.get(kind, "unknown")
    stored, values = next(parts)
    array = np.frombuffer(values, order + _NUMBERS[stored]).reshape(shape, order="F")
    return title, array.astype(bool) if flag & _LOGICAL else array


def _names(parts: Iterator[tuple[int, memoryview]], count: int, order: str) -> np.ndarray | str:
    """A cell array whose every cell is one line of text; any other is only called a cell."""
    names = []
    for kind, body in parts:
        cell = _matrix(body, order, inside=True)[1] if kind == _MATRIX else ""
        if isinstance(cell, str) or cell.dtype.kind != "U" or cell.size > 1:
            return "cell"
        names.append(str(cell[0]) if cell.size else "")
    if len(names) != count:
        raise ValueError("it is cut short, or says a wrong length")
    return np.array(names, dtype=str)


def _characters(part: tuple[int, memoryview], shape: tuple[int, ...], order: str) -> np.ndarray:
    """A matrix of characters, one text for each of its rows."""
    kind, data = part
    coding = _TEXT[kind] + ({"<": "-le", ">": "-be"}[order] if "-16" in _TEXT[kind] or "-32" in _TEXT[kind] else "")
    letters = list(bytes(data).decode(coding, "replace"))
    if math.prod(shape) != len(letters) or len(shape) != 2:
        letters, shape = ["".join(letters)], (1, 1)
    rows = np.array(letters, dtype=str).reshape(shape, order="F")
    return np.array(["".join(row).rstrip() for row in rows], dtype=str)
