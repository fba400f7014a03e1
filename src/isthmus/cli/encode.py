"""Turn pictures into codes: one row of numbers a picture, the same every time."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from isthmus.cli._codes import ENDINGS, write_codes
from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._seen import encoded
from isthmus.cli._talk import say
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help=f"one of: {', '.join(ENDINGS)}")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.contract import check_encodes
    from isthmus.models._loading import load
    from isthmus.run import Run

    out = Path(arguments.out)
    if out.suffix not in ENDINGS:
        raise UsageError(f"{out} is no kind of file for codes", f"Use one of: {', '.join(ENDINGS)}.")
    model = load(arguments.run_folder)
    check_encodes(model)
    pictures = of_run(Run.open(arguments.run_folder), arguments)
    codes = encoded(model, pictures)
    write_codes(out, codes, pictures)
    say(f"wrote {out}: {codes.shape[0]:,} codes of {codes.shape[1]}")
    return 0
