"""What is in a pile of pictures: count, size, type, range, labels, duplicates, trouble."""

import argparse
from collections.abc import Sequence

from isthmus.cli._pictures import add_pictures, opened
from isthmus.cli._talk import print_json

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    inner = parser.add_subparsers(metavar="WHAT", required=True)
    info = inner.add_parser("info", help="tell what was found", description=__doc__)
    add_pictures(info)
    info.add_argument("--json", action="store_true", help="as one JSON object")
    info.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from isthmus.images.describe import describe, describe_text

    found = describe(opened(arguments))
    if arguments.json:
        print_json(found)
    else:
        print(describe_text(found))
    return 0
