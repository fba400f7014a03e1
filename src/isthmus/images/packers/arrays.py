"""Whatever else can be opened: arrays, archives of them, named sets, single files, pictures that are open already."""

import hashlib
import os
from dataclasses import replace
from functools import partial

from isthmus import discover
from isthmus.images.guard import quiet
from isthmus.images.labels import plain
from isthmus.images.opening import open_pictures
from isthmus.images.options import ReadOptions
from isthmus.images.packers._piece import Listing
from isthmus.images.packers._rows import cut_rows
from isthmus.images.pictures import Pictures
from isthmus.images.plan import Look
from isthmus.images.shards import Facts

__all__ = ["ArraysPacker", "Packer", "listing_of"]


class ArraysPacker:
    """Opened as ever, and written row by row; an array in a `.npy` file is never in memory as a whole."""

    last = 2
    """This one takes what no other knows."""

    def accepts(self, source: str) -> bool:
        return source in discover.names("images.sets") or os.path.exists(source)

    def listing(self, source: str, options: ReadOptions) -> Listing:
        plain_ = replace(options, size=None, channels=None, tile=None, stride=None)
        with quiet():
            pictures = open_pictures(source, **{n: v for n, v in vars(plain_).items() if v is not None})
        mark = "" if pictures.source["kind"] == "set" else f"{os.path.getsize(source)}-{os.stat(source).st_mtime_ns}"
        return listing_of(pictures, mark)


def listing_of(pictures: Pictures, mark: str) -> Listing:
    """What open pictures hold; `mark` says which they are."""
    shape, count = pictures.pixels.shape, len(pictures)
    table = len(shape) == 2
    look = Look(1, shape[1], 1, str(pictures.pixels.dtype), count) if table else None
    names, columns = (*pictures.classes, ""), [[plain(v) for v in values] for values in pictures.columns.values()]
    split = [""] * count if pictures.split is None else pictures.split

    def known(start: int, stop: int) -> list[Facts]:
        """Ids, labels, splits and columns, as text."""
        rows = range(start, stop)
        return [
            (str(pictures.ids[row]), names[pictures.labels[row]], split[row], *(values[row] for values in columns))
            for row in rows
        ]

    known_ = hashlib.blake2b(pictures.keys.tobytes() + pictures.labels.tobytes(), digest_size=8).hexdigest()
    return Listing(
        kind=str(pictures.source.get("kind", "array")),
        name=str(pictures.source.get("name", "")),
        looks=[look or Look(shape[2], shape[3], shape[1], str(pictures.pixels.dtype), count)],
        names=["the array"],
        cut=partial(cut_rows, pictures.pixels, "NF" if table else "NCHW", known, f"{mark}-{known_}-{shape}"),
        columns=list(pictures.columns),
        classes=list(pictures.classes),
        source={k: v for k, v in pictures.source.items() if k in ("layout", "range", "rule", "tiles")},
        trouble=list(pictures.trouble),
        features=shape[1] if table else None,
        elsewhere=False,
    )


Packer = ArraysPacker
