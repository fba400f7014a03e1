"""The one envelope that numbers travel in: the length of some JSON, the JSON, then arrays as they lie in memory."""

import json
import struct
from typing import Any

import numpy as np

from isthmus.web.answers import as_json

__all__ = ["packed", "unpacked"]

_ALIGNED = 4
_KINDS = {"f4", "i4", "u4", "u1"}


def packed(header: dict[str, Any], **arrays: np.ndarray) -> bytes:
    """Little-endian; the header says under `arrays` what follows: `{name, dtype, shape}` in order, each aligned."""
    parts, told = [], []
    for name, array in arrays.items():
        kind = array.dtype.newbyteorder("<").str[1:]
        if kind not in _KINDS:
            raise TypeError(f"{name} is {array.dtype}; a browser reads {sorted(_KINDS)}")
        told.append({"name": name, "dtype": kind, "shape": list(array.shape)})
        parts.append(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    text = as_json(header | {"arrays": told}).encode()
    whole = [struct.pack("<I", len(text)), text]
    reached = 4 + len(text)
    for part in parts:
        gap = -reached % _ALIGNED
        whole += [b"\0" * gap, part]
        reached += gap + len(part)
    return b"".join(whole)


def unpacked(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of an envelope."""
    length = struct.unpack_from("<I", content)[0]
    header = json.loads(content[4 : 4 + length])
    reached, arrays = 4 + length, {}
    for told in header.pop("arrays"):
        reached += -reached % _ALIGNED
        count = int(np.prod(told["shape"], dtype=np.int64))
        arrays[told["name"]] = np.frombuffer(content, f"<{told['dtype']}", count, reached).reshape(told["shape"])
        reached += arrays[told["name"]].nbytes
    return header, arrays
