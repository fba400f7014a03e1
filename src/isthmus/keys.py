"""What random numbers are keyed by: 64 bits a picture, a seed for every purpose; the same on every machine."""

import hashlib
from collections.abc import Iterable

import numpy as np

__all__ = ["keys_of", "stream"]


def keys_of(ids: Iterable[object]) -> np.ndarray:
    """A 64-bit key for each picture id, the same on every machine."""
    digests = b"".join(hashlib.blake2b(str(i).encode(), digest_size=8).digest() for i in ids)
    return np.frombuffer(digests, "<i8").copy()


def stream(*parts: object) -> int:
    """A 63-bit seed made of anything printable: `stream(seed, "shuffle", epoch)`."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
