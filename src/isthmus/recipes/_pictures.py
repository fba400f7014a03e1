"""The pictures that recipes learn from, watch and judge by."""

from dataclasses import replace

import numpy as np

from isthmus.images.labels import encode
from isthmus.images.opening import open_pictures
from isthmus.images.pictures import Pictures
from isthmus.images.splits import split

__all__ = ["padded", "parts_of", "some"]


def parts_of(data: str, validation: int, test: int, by: str | None = None) -> tuple[Pictures, Pictures, Pictures]:
    """To train on, to watch and to judge by, of a named set or a path; every class has its share in each.

    The set's own test judges, so far as it is large enough; else pictures of its train do, which nobody trains on.
    `by` names a column whose values are the classes; the set's own test, which is of other ones, then joins the rest.
    """
    pictures = open_pictures(data)
    if by is not None and by in pictures.columns:
        labels, classes = encode(list(map(str, pictures.columns[by])))
        pictures = replace(pictures, labels=labels, classes=classes, split=None)
    own = np.zeros(len(pictures), bool) if pictures.split is None else pictures.split == "test"
    enough = own.sum() >= test
    rest = pictures.take(~own)
    rest.split = None
    cut = split(rest, validation / len(rest), 0.0 if enough else test / len(rest))
    judges = pictures.take(own) if enough else rest.take(cut == "test")
    judges.split = None
    return rest.take(cut == "train"), rest.take(cut == "validation"), some(judges, test)


def some(pictures: Pictures, most: int) -> Pictures:
    """At most about so many, every class with its share."""
    if len(pictures) <= most:
        return pictures
    return pictures.take(split(pictures, 0.0, most / len(pictures)) == "test")


def padded(pictures: Pictures, side: int) -> Pictures:
    """Zeros around the pictures until they have this side; larger ones are left as they are."""
    short = [max(0, side - length) for length in pictures.pixels.shape[2:]]
    widths = [(0, 0), (0, 0), *((lack // 2, lack - lack // 2) for lack in short)]
    return replace(pictures, pixels=np.pad(pictures.pixels, widths))
