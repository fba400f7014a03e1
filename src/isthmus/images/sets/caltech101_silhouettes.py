"""Caltech 101 silhouettes: 8,671 outlines of objects, 28 x 28, turned so that the object is 1 (Marlin and others)."""

import numpy as np

from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import pile
from isthmus.images.readers.mat import load_mat
from isthmus.images.sets._assets import Asset, find_files

__all__ = ["Caltech101Silhouettes", "Set"]

_FILE = Asset(
    "caltech101_silhouettes_28_split1.mat",
    "eb6735e8d84b1850fabc5590124aab1755e90c9fd28123585324398405e1e42a",
    ("https://people.cs.umass.edu/~marlin/data/caltech101_silhouettes_28_split1.mat",),
)
_PARTS = {"train": "train", "val": "train", "test": "test"}


class Caltech101Silhouettes:
    """The original's validation part is joined to train and named in the column `part`."""

    def read(self, options: ReadOptions) -> Pictures:
        arrays = load_mat(find_files("caltech101-silhouettes", [_FILE], options) / _FILE.name)
        flat = np.concatenate([arrays[f"{part}_data"] for part in _PARTS]).astype(np.uint8)
        part = np.repeat(list(_PARTS), [len(arrays[f"{part}_data"]) for part in _PARTS]).astype(object)
        labels = np.concatenate([arrays[f"{part}_labels"].reshape(-1) for part in _PARTS])
        return pile(
            1 - flat.reshape(-1, 28, 28).transpose(0, 2, 1),  # columns come first, and the object is 0 there
            "caltech101-silhouettes",
            options,
            labels=labels.astype(np.int64) - 1,
            classes=tuple(map(str, arrays["classnames"])),
            columns={"part": part},
            split=np.array([_PARTS[name] for name in part], dtype=object),
            axes="NHW",
            source={"range": [0, 1]},
        )


Set = Caltech101Silhouettes
