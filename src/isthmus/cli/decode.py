"""Turn codes back into pictures: a folder of PNG files, or one .npy array."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from isthmus.cli._codes import ENDINGS, read_codes
from isthmus.cli._talk import say

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    parser.add_argument("codes", help=f"a file of codes: {', '.join(ENDINGS)}")
    parser.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="FOLDER|FILE",
        help="a folder for PNG or TIFF files, or a .npy",
    )


def run(arguments: argparse.Namespace) -> int:
    import io

    import numpy as np

    from isthmus.files import write_atomically
    from isthmus.images.arrays import canonical
    from isthmus.images.writing import write_pictures
    from isthmus.models._loading import load

    model, out = load(arguments.run_folder), Path(arguments.out)
    pictures = model.inverse_transform(read_codes(Path(arguments.codes)))
    if out.suffix == ".npy":
        held = io.BytesIO()
        np.save(held, pictures)
        write_atomically(out, held.getvalue())
    else:
        write_pictures(out, canonical(pictures, model.layout_)[0].reshape(-1, *model.shape_), model.scaling_)
    say(f"wrote {out}: {len(pictures):,} pictures")
    return 0
