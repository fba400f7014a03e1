"""CIFAR-10: 50,000 pictures of 10 kinds of things, 32 x 32 RGB, and the first 1,000 of the test (Krizhevsky)."""

import numpy as np

from isthmus.errors import DataError
from isthmus.images.decode import decode
from isthmus.images.guard import reading
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import pile
from isthmus.images.readers.npz import load_npz
from isthmus.images.sets._assets import Asset, find_files

__all__ = ["Cifar10", "Set"]

_LABELS = Asset("labels.npz", "fd324f07ff65403392bbfedb0c4fbb10a5f9bdf3f434dad30fe34d4b65bd7c81")
_COLUMNS = [
    Asset("data_batch_1.png", "2cdf20e2f3e673c8dd572e901666b67113a2a4fdb533c5f7d4939a652d11ed6c"),
    Asset("data_batch_2.png", "b093f836ffd9f138141ec4b40e2c3e63b057ea9d96a6f58698476faf019e0bc7"),
    Asset("data_batch_3.png", "50e7724125dcf8b612762f98fea5ab11c76eb2d195255167da11aa89de50681c"),
    Asset("data_batch_4.png", "b7534bd062b4d63ee6a445167d789c2119210203669c54141e5d0b8841f6da46"),
    Asset("data_batch_5.png", "95b75f6740ac87ab4be6b5088b0970f64b90fe7a330e06ee1640f9aa4a02346d"),
    Asset("test_batch_first1000.png", "ccdff8cf5dbfc2a4c6eeac0bbecc3f557a930b9b2a032e1f8dc4291975b075dd"),
]


class Cifar10:
    """Each PNG is a column of pictures, one under the other."""

    def read(self, options: ReadOptions) -> Pictures:
        folder = find_files("cifar10", [_LABELS, *_COLUMNS], options)
        arrays = load_npz(folder / _LABELS.name)
        blocks = []
        for done, asset in enumerate(_COLUMNS, 1):
            with reading(asset.name):
                column = decode(folder / asset.name)[0]
                blocks.append(column.reshape(3, -1, 32, 32).transpose(1, 0, 2, 3))
            options.tell(done, len(_COLUMNS), "decoding cifar10")
        labels = np.concatenate([arrays["train"], arrays["test_first1000"]])
        pixels = np.concatenate(blocks)
        if len(pixels) != len(labels):
            raise DataError(f"cifar10 has {len(pixels):,} pictures and {len(labels):,} labels", "Get its files again.")
        parts = [len(arrays["train"]), len(arrays["test_first1000"])]
        split = np.repeat(["train", "test"], parts).astype(object)
        classes = tuple(map(str, arrays["names"]))
        return pile(pixels, "cifar10", options, labels=labels, classes=classes, split=split, axes="NCHW")


Set = Cifar10
