"""Open the studio in the browser: map, decode any point, label, design, watch training."""

import argparse
from collections.abc import Sequence

from isthmus.cli._talk import say
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_LARGEST_PORT = 65_535


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("folder", nargs="?", default="runs", metavar="RUNS", help="a run, or a folder of runs (runs)")
    parser.add_argument("--port", type=int, default=8700, metavar="N", help="the first to try (default: 8700)")
    parser.add_argument("--host", default="127.0.0.1", help="who may connect (default: this machine only)")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open nothing")


def run(arguments: argparse.Namespace) -> int:
    if not 0 <= arguments.port <= _LARGEST_PORT:
        raise UsageError(f"--port is {arguments.port}", f"Give 1 to {_LARGEST_PORT}, or 0 for any that is free.")
    from isthmus.studio.app import Studio
    from isthmus.studio.serving import serve
    from isthmus.studio.shelf import Shelf

    studio = Studio(Shelf(arguments.folder))
    found = len(studio.shelf.runs())
    say(f"{found} run{'' if found == 1 else 's'} in {arguments.folder}. Ctrl-C ends the studio; labels are kept.")
    serve(studio, arguments.host, arguments.port, not arguments.no_browser, lambda address: print(address, flush=True))
    return 0
