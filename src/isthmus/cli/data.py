"""What is in a pile of pictures, and how a large one is packed into shards."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from isthmus.cli._pictures import Bar, add_pictures, opened, reading_options
from isthmus.cli._talk import print_json, say

__all__ = ["arguments", "check", "pack", "run"]

_INFO = "Count, size, type, range, labels, duplicates, trouble."
_PACK = """Turn any source into a folder of shards, raw arrays with an index: folders, tables, arrays, tar files
('shards-{0000..0999}.tar'), Parquet with pictures, Zarr. Stopped, the same command goes on from there."""
_CHECK = "Read every shard of a folder and compare it with its checksum."


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    inner = parser.add_subparsers(metavar="WHAT", required=True)
    info = inner.add_parser("info", help="tell what was found", description=_INFO)
    add_pictures(info)
    info.add_argument("--json", action="store_true", help="as one JSON object")
    info.set_defaults(run=run)
    packs = inner.add_parser("pack", help="turn any source into shards", description=_PACK)
    add_pictures(packs, labelled=False)
    packs.add_argument("-o", "--out", required=True, metavar="FOLDER", help="where the shards go")
    packs.add_argument("--workers", type=int, default=1, metavar="N", help="processes that decode (default: 1)")
    packs.add_argument("--rows", type=int, metavar="N", help="pictures of a shard (default: 64 MB of them)")
    packs.set_defaults(run=pack)
    checks = inner.add_parser("check", help="compare shards with their checksums", description=_CHECK)
    checks.add_argument("path", help="a folder of shards")
    checks.set_defaults(run=check)


def run(arguments: argparse.Namespace) -> int:
    from isthmus.images.describe import describe, describe_text

    found = describe(opened(arguments))
    if arguments.json:
        print_json(found)
    else:
        print(describe_text(found))
    return 0


def pack(arguments: argparse.Namespace) -> int:
    """Into shards; what is there already is kept."""
    from isthmus.images import packing

    bar, how = Bar(), reading_options(arguments)
    try:
        made = packing.pack(
            arguments.path, arguments.out, workers=arguments.workers, rows=arguments.rows, progress=bar, **how
        )
    finally:
        bar.close()
    for trouble in made.trouble:
        say(f"note: {trouble}")
    kept = f", {made.kept:,} of which were there before" if made.kept else ""
    say(f"{made.pictures:,} pictures are in {made.folder}: {made.shards:,} shards{kept}")
    say(f"next: isthmus fit {made.folder} --out runs/mine")
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Name every shard that is not what was written; 1 where there is one."""
    from isthmus.images.checking import broken

    bar = Bar()
    try:
        found = broken(Path(arguments.path), bar)
    finally:
        bar.close()
    for name, why in found.items():
        print(f"{name}: {why}")
    say(f"{len(found):,} shards are broken: pack the pictures again" if found else "every shard is as it was written")
    return 1 if found else 0
