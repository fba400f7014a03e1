"""The 1,797 handwritten digits that come with scikit-learn, 8 x 8, values 0 to 16; no download."""

import numpy as np

from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import pile

__all__ = ["Digits", "Set"]


class Digits:
    """They have no test of their own."""

    def read(self, options: ReadOptions) -> Pictures:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        pixels = bunch.images.astype(np.uint8)
        classes = tuple("0123456789")
        return pile(
            pixels, "digits", options, labels=bunch.target, classes=classes, axes="NHW", source={"range": [0, 16]}
        )


Set = Digits
