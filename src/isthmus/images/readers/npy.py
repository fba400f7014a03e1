"""A NumPy array in a file; it stays on disk, memory-mapped, where its type can be kept."""

from pathlib import Path

import numpy as np

from isthmus.errors import DataError
from isthmus.images.guard import reading
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import pile

__all__ = ["NpyReader", "Reader"]


class NpyReader:
    """`.npy` of any layout; nothing is read before its header is known to be true."""

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() == ".npy"

    def read(self, path: Path, options: ReadOptions) -> Pictures:
        shown = str(path)
        with reading(shown):
            try:
                array = np.load(path, mmap_mode="r", allow_pickle=False)
            except ValueError as error:
                if "pickle" in str(error) or "Python objects" in str(error):
                    raise DataError(f"{shown} holds pickled objects, which are never opened", _PLAIN) from error
                raise
        if not isinstance(array, np.ndarray):
            raise DataError(f"{shown} is not a .npy file", "If it is a .npz file, name it so.")
        return pile(array, shown, options, source={"kind": "npy", "name": path.name})


_PLAIN = "Save it again as a plain array of numbers."
Reader = NpyReader
