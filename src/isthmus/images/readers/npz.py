"""NumPy arrays in a zip: pictures and labels by their names, in parts where it has parts."""

import math
import zipfile
from pathlib import Path

import numpy as np

from isthmus.errors import DataError
from isthmus.images.guard import believable, reading
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.roles import assemble

__all__ = ["NpzReader", "Reader", "load_npz"]


class NpzReader:
    """`images` or `x`, `labels` or `y`, with `_train` and `_test` where there are parts; never a pickle."""

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() == ".npz"

    def read(self, path: Path, options: ReadOptions) -> Pictures:
        return assemble(load_npz(path), str(path), options, {"kind": "npz", "name": path.name})


def load_npz(path: Path) -> dict[str, np.ndarray]:
    """All plain arrays; each header is checked against the zip's own sizes before memory is taken."""
    shown = str(path)
    with reading(shown), zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        believable(shown, sum(info.file_size for info in members), path.stat().st_size)
        return {info.filename.removesuffix(".npy"): _member(archive, info, shown) for info in members}


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, shown: str) -> np.ndarray:
    name = f"{info.filename} in {shown}"
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise DataError(f"{name} is written in an unknown version", "Save it again as a plain array of numbers.")
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_column, dtype = header(file)
        if dtype.hasobject:
            remedy = "Save it again as plain arrays of numbers and text."
            raise DataError(f"{name} holds pickled objects, which are never opened", remedy)
        believable(name, math.prod(shape) * dtype.itemsize, info.file_size, squeezed=False)
        believable(name, math.prod(shape) * dtype.itemsize, info.compress_size)
        count = math.prod(shape)
        array = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return array.reshape(shape, order="F" if by_column else "C")


Reader = NpzReader
