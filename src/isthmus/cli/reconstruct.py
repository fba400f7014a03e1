"""Show pictures above what the model makes of them."""

import argparse
from collections.abc import Sequence

from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._talk import image_out

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    parser.add_argument("-n", type=int, default=24, metavar="N", help="how many (default: 24), spread over all")
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="a .png")


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from isthmus.contract import check_encodes, decoded, shown
    from isthmus.models._loading import load
    from isthmus.report.grid import comparison_grid
    from isthmus.run import Run

    model = load(arguments.run_folder)
    check_encodes(model)
    pictures = of_run(Run.open(arguments.run_folder), arguments)
    some = pictures.take(np.unique(np.linspace(0, len(pictures) - 1, max(1, arguments.n)).round().astype(int)))
    rows = {"picture": shown(model, some), "redrawn": decoded(model, model.transform(some))}
    image_out(comparison_grid(rows), arguments.out)
    return 0
