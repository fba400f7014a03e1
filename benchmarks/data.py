"""The pictures: idx files below ISTHMUS_DATA, or scikit-learn's digits enlarged where those are missing."""

import gzip
import os
from pathlib import Path

import numpy as np

__all__ = ["load", "read_idx"]


def load(name: str = "fashion-mnist") -> tuple[np.ndarray, np.ndarray, str]:
    """Training and test pictures `(n, 28, 28)` in uint8, and the name of what they really are."""
    folder = Path(os.environ.get("ISTHMUS_DATA", "data")) / name
    files = [folder / f"{part}-images-idx3-ubyte.gz" for part in ("train", "t10k")]
    if all(file.is_file() for file in files):
        train, test = (read_idx(file) for file in files)
        return train, test, name
    return (*_digits(), "digits (enlarged to 28x28, repeated to 60,000 and 10,000)")


def read_idx(path: Path) -> np.ndarray:
    """The array in an idx file of unsigned bytes, compressed or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        content = file.read()
    if content[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path.name} is not an idx file of unsigned bytes")
    shape = tuple(int(side) for side in np.frombuffer(content, ">u4", content[3], 4))
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape).copy()


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 digits, 8x8, every pixel repeated threefold and framed: the right size and type, easier pictures."""
    from sklearn.datasets import load_digits

    small = load_digits().images * (255 / 16)
    large = np.pad(small.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2))).round().astype(np.uint8)
    return np.resize(large[:1500], (60_000, 28, 28)), np.resize(large[1500:], (10_000, 28, 28))
