"""Omniglot: 32,460 drawings of 1,623 characters from 50 alphabets, here 28 x 28 with white ink (Lake, MIT licence)."""

import numpy as np

from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import pile
from isthmus.images.readers.npz import load_npz
from isthmus.images.sets._assets import Asset, find_files

__all__ = ["Omniglot", "Set"]

_FILE = Asset("omniglot_28x28.npz", "7960f53dff09c7eb7bae1b09cfdc84aaba749670e3d16816d75891a2d9d4c75a")


class Omniglot:
    """A class is a character; train are the background alphabets and test those of the evaluation."""

    def read(self, options: ReadOptions) -> Pictures:
        arrays = load_npz(find_files("omniglot", [_FILE], options) / _FILE.name)
        columns = {
            "alphabet": arrays["alphabet_names"].astype(object)[arrays["alphabet"]],
            "drawer": arrays["drawer"].astype(np.float64),
        }
        return pile(
            arrays["images"],
            "omniglot",
            options,
            labels=arrays["character"],
            classes=tuple(map(str, arrays["character_names"])),
            columns=columns,
            split=np.where(arrays["background"], "train", "test").astype(object),
            axes="NHW",
        )


Set = Omniglot
