"""Turn pictures into codes: one row of numbers a picture, the same every time."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from isthmus.cli._codes import ENDINGS, write_codes
from isthmus.cli._parts import write_parts
from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._seen import encoded
from isthmus.cli._talk import say
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    parser.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="FILE",
        help=f"one of: {', '.join(ENDINGS)}; a folder gets parts",
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that encode parts (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.contract import check_encodes
    from isthmus.models._loading import load
    from isthmus.run import Run

    out = Path(arguments.out)
    parts = out.suffix == "" or out.is_dir() or arguments.out.endswith("/")
    if arguments.workers < 1 or (arguments.workers > 1 and not parts):
        raise UsageError(f"{arguments.workers} workers cannot write {out}", "Give 1 or more, and a folder: -o codes/.")
    if out.suffix not in ENDINGS and not parts:
        raise UsageError(f"{out} is no kind of file for codes", f"Use one of: {', '.join(ENDINGS)}.")
    model = load(arguments.run_folder)
    check_encodes(model)
    pictures = of_run(Run.open(arguments.run_folder), arguments)
    if parts:
        made, kept = write_parts(arguments.run_folder, pictures, out, arguments.workers)
        before = f", {kept:,} of which were there before" if kept else ""
        say(f"wrote {out}: {len(pictures):,} codes in {made:,} parts{before}")
        return 0
    codes = encoded(model, pictures)
    write_codes(out, codes, pictures)
    say(f"wrote {out}: {codes.shape[0]:,} codes of {codes.shape[1]}")
    return 0
