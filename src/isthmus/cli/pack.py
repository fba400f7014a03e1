"""Put a run into one file, for another machine or, without pictures and places, for somebody else."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from isthmus.cli._talk import say

__all__ = ["arguments", "run"]

_SHOWN = 12


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    parser.add_argument("-o", "--out", required=True, metavar="ZIP", help="the file to make")
    parser.add_argument("--share", action="store_true", help="what can be sent: no pictures, ids or places")
    text = "with --share, leave classifiers out: they hold features of the pictures that they compare with"
    parser.add_argument("--no-heads", action="store_true", help=text)


def run(arguments: argparse.Namespace) -> int:
    from isthmus.errors import UsageError
    from isthmus.report.packing import pack
    from isthmus.run import Run

    if arguments.no_heads and not arguments.share:
        raise UsageError("--no-heads is of what is sent", "Add --share, or leave it out.")
    packed = pack(
        Run.open(arguments.run_folder), Path(arguments.out), share=arguments.share, heads=not arguments.no_heads
    )
    if packed.left_out:
        few = ", ".join(packed.left_out[:_SHOWN])
        more = f" and {len(packed.left_out) - _SHOWN} more" if len(packed.left_out) > _SHOWN else ""
        say(f"left out: {few}{more}")
    say(f"{len(packed.files)} files, {packed.size / 1e6:.1f} MB; unpacked it is a run folder as any other")
    print(packed.path)
    return 0
