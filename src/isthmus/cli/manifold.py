"""Decode a regular grid over two numbers of the latent space: what lies where, with axes."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._pictures import add_pictures
from isthmus.cli._seen import Seen, check_draws_pictures, seen
from isthmus.cli._talk import image_out
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_MOST = 10_000


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    parser.add_argument("--rows", type=int, default=20, metavar="N", help="pictures from top to bottom (default: 20)")
    parser.add_argument("--columns", type=int, default=20, metavar="N", help="pictures from side to side (default: 20)")
    parser.add_argument(
        "--dimensions",
        type=_pair,
        metavar="I,J",
        help="these latent dimensions, the others at their means (default: both of two; of more the two principal"
        " directions of the codes)",
    )
    parser.add_argument("--class", dest="told", metavar="NAME", help="what a decoder is told that is told a class")
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="a .png")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.contract import decoded
    from isthmus.look.walks import ends_of, grid_of
    from isthmus.report.plane import plane

    if min(arguments.rows, arguments.columns) < 2 or arguments.rows * arguments.columns > _MOST:
        what = f"{arguments.rows} x {arguments.columns} pictures make no plane"
        raise UsageError(what, f"Give --rows and --columns of 2 or more, at most {_MOST:,} pictures in all.")
    looked = seen(arguments)
    check_draws_pictures(looked.model)
    middle, axes, names = _axes(looked, arguments.dimensions)
    places = (looked.codes - middle) @ axes.T
    lows, highs = ends_of(places)
    grid = grid_of(lows, highs, arguments.rows, arguments.columns)
    codes = (middle + grid @ axes).astype("float32")
    across, up = ((float(lows[i]), float(highs[i])) for i in (0, 1))
    image = plane(
        decoded(looked.model, codes, _class(looked.model, arguments.told, len(codes))),
        arguments.columns,
        across,
        up,
        title="What lies where in the latent space",
        subtitle=_words(looked, codes),
        x_label=names[0],
        y_label=names[1],
    )
    image_out(image, arguments.out)
    return 0


def _class(model: Any, name: str | None, n: int) -> Any:
    from isthmus.models._classes import class_numbers

    if name is not None and hasattr(model, "drawn_classes"):
        raise UsageError("the class of this model is in its code, which the plane shows", "Leave out --class.")
    return class_numbers(model, name, n)


def _axes(looked: Seen, dimensions: tuple[int, int] | None) -> tuple[Any, Any, tuple[str, str]]:
    """A code on the plane, two rows that span it, and what they are called; dimensions keep their own zero."""
    import numpy as np

    from isthmus.stats.spectrum import principal_components

    size = looked.codes.shape[1]
    if size < 2:
        raise UsageError("the code is one number, and a plane has two", "Use isthmus traverse.")
    if dimensions is None and size > 2:
        found = principal_components(looked.codes, 2)
        shares = [f"{share:.0%} of how codes vary" for share in found.explained]
        return found.mean.numpy(), found.axes.numpy(), (
            f"first principal direction ({shares[0]})",
            f"second principal direction ({shares[1]})",
        )  # fmt: skip
    chosen = dimensions or (0, 1)
    for one in chosen:
        if not 0 <= one < size:
            raise UsageError(f"there is no latent dimension {one}", f"They are counted from 0 to {size - 1}.")
    middle = looked.codes.mean(axis=0)
    middle[list(chosen)] = 0
    return middle, np.eye(size, dtype=np.float32)[list(chosen)], (f"z{chosen[0]}", f"z{chosen[1]}")


def _words(looked: Seen, codes: Any) -> str:
    """How far what is shown lies from codes of pictures: a plane through many dimensions is far from most."""
    import numpy as np

    from isthmus.contract import evenly
    from isthmus.stats.knn import neighbours

    rows = evenly(len(looked.codes), 1000)
    usual = np.median(neighbours(looked.codes[rows], looked.codes, 2)[0][:, 1]) if len(looked.codes) > 1 else 0.0
    far = np.median(neighbours(codes, looked.codes, 1)[0])
    said = f"A grid over {len(looked.codes):,} codes, one in two hundred lying beyond each end."
    if usual <= 0:
        return said
    return f"{said} A picture's code is {far / usual:.1f} times as far away as codes have their nearest one."


def _pair(text: str) -> tuple[int, int]:
    first, second = (int(part) for part in text.split(","))
    if first == second:
        raise ValueError
    return first, second


_pair.__name__ = "pair of different whole numbers"
