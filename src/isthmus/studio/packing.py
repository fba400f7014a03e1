"""The one envelope that numbers travel in: the length of some JSON, the JSON, then arrays as they lie in memory."""

import json
import math
import struct
from typing import Any

import numpy as np

__all__ = ["as_json", "packed", "unpacked"]

_ALIGNED = 4
_KINDS = {"f4", "i4", "u4", "u1"}


def as_json(content: Any) -> str:
    """In ASCII, so that half a character in somebody's file is no hindrance; what is not finite is null."""
    try:
        return json.dumps(content, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(content), allow_nan=False)


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    return [_finite(value) for value in content] if isinstance(content, list | tuple) else content


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
