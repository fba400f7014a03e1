"""MATLAB files: numbers and cells of text, from version 5 to 7.3; structs and objects are refused."""

from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import DataError
from isthmus.images.guard import believable, reading
from isthmus.images.matlab import REMEDY, load_matlab
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.roles import assemble

__all__ = ["MatReader", "Reader", "load_mat"]


class MatReader:
    """Arrays called as in a .npz file; pictures may lie along the last axis."""

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() == ".mat"

    def read(self, path: Path, options: ReadOptions) -> Pictures:
        return assemble(load_mat(path), str(path), options, {"kind": "mat", "name": path.name})


def load_mat(path: Path) -> dict[str, np.ndarray]:
    """Every array of numbers or text in the file."""
    shown = str(path)
    with reading(shown):
        with path.open("rb") as file:
            start = file.read(520)
        if b"MATLAB 7.3" in start[:128] or b"\x89HDF\r\n\x1a\n" in (start[:8], start[512:520]):
            return _hdf(path, shown)
        return load_matlab(path, shown)


def _hdf(path: Path, shown: str) -> dict[str, np.ndarray]:
    try:
        import h5py
    except ImportError as error:
        remedy = "pip install h5py, or save it in MATLAB with '-v7'."
        raise DataError(f"{shown} is a MATLAB 7.3 file, which needs h5py", remedy) from error
    stored = path.stat().st_size
    with h5py.File(path, "r") as file:
        arrays = {name: _dataset(item, f"{name} in {shown}", stored) for name, item in file.items() if _plain(item)}
    if not arrays:
        raise DataError(f"{shown} holds no plain arrays", REMEDY)
    return arrays


def _plain(item: Any) -> bool:
    """A dataset of numbers inside this very file: neither a reference nor a link to another file."""
    numbers = hasattr(item, "dtype") and item.dtype.kind in "biuf" and not item.is_virtual and not item.external
    return bool(numbers and item.attrs.get("MATLAB_empty", 0) == 0)


def _dataset(item: Any, name: str, stored: int) -> np.ndarray:
    believable(name, item.size * item.dtype.itemsize, stored)
    array = item[()].T  # MATLAB writes its columns first
    if item.attrs.get("MATLAB_class", b"") == b"char":
        return np.array(["".join(map(chr, array.reshape(-1)))])
    return array.astype(bool) if item.attrs.get("MATLAB_class", b"") == b"logical" else array


Reader = MatReader
