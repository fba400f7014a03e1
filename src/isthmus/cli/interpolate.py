"""Walk from picture to picture through the latent space, as a film strip."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._talk import image_out
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_LOOKED_AT = 2000
"""Pictures whose codes' mean is the middle of a spherical walk."""


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    parser.add_argument("--from", dest="first", metavar="ID", help="id of the first picture (default: drawn)")
    parser.add_argument("--to", dest="last", metavar="ID", help="id of the last picture (default: drawn)")
    parser.add_argument("--pairs", type=int, default=6, metavar="N", help="how many strips where no ids are given")
    parser.add_argument("--steps", type=int, default=10, metavar="N", help="pictures a strip (default: 10)")
    parser.add_argument(
        "--how",
        choices=("straight", "spherical"),
        default="straight",
        help="straight, or by angle and length around the mean of the codes, so that no step lies nearer to it than"
        " the ends do (default: straight)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which pairs are drawn")
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="a .png")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.contract import check_encodes, decoded, some_of
    from isthmus.look.walks import spherical, straight
    from isthmus.models._loading import load
    from isthmus.report.grid import picture_grid
    from isthmus.run import Run

    if arguments.steps < 2 or arguments.pairs < 1:
        raise UsageError("a strip has at least two pictures", "Give --steps 2 or more, and --pairs 1 or more.")
    model = load(arguments.run_folder)
    check_encodes(model)
    pictures = of_run(Run.open(arguments.run_folder), arguments)
    first, last = _ends(pictures, arguments)
    starts, stops = model.transform(pictures.take(first)), model.transform(pictures.take(last))
    if arguments.how == "straight":
        codes = straight(starts, stops, arguments.steps)
    else:
        middle = model.transform(some_of(pictures, _LOOKED_AT)).mean(axis=0)
        codes = spherical(starts, stops, arguments.steps, middle)
    image_out(picture_grid(decoded(model, codes.reshape(-1, starts.shape[1])), columns=arguments.steps), arguments.out)
    return 0


def _ends(pictures: Any, arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Rows of the two ends of every strip."""
    import numpy as np

    from isthmus.rng import permutation

    if arguments.first is None and arguments.last is None:
        drawn = permutation(len(pictures), arguments.seed, "pairs").numpy()
        half = max(1, min(arguments.pairs, len(drawn) // 2))
        return drawn[:half], drawn[-half:]
    rows = []
    for name in (arguments.first, arguments.last):
        found = np.flatnonzero(pictures.ids == name)
        if len(found) == 0:
            some = ", ".join(map(str, pictures.ids[:3]))
            raise UsageError(f"there is no picture with the id {name!r}", f"Ids look like: {some}. Give both ends.")
        rows.append(found[:1])
    return rows[0], rows[1]
