"""Open the studio in the browser: map, decode any point, label, design, watch training."""

import argparse
import contextlib
from collections.abc import Sequence

from isthmus.cli._talk import say, stages
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_PICTURES = 10_000


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("folder", nargs="?", default="runs", metavar="RUNS", help="a run, or a folder of runs (runs)")
    parser.add_argument("--port", type=int, default=8700, metavar="N", help="the first to try (default: 8700)")
    parser.add_argument("--host", default="127.0.0.1", help="who may connect (default: this machine only)")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open nothing")
    group = parser.add_argument_group("a page to send")
    text = "write the run as one file that opens without a studio, into this folder"
    group.add_argument("--export", metavar="FOLDER", help=text)
    text = f"at most so many pictures, those that people labelled first (default: {_PICTURES:,})"
    group.add_argument("--pictures", type=int, metavar="N", help=text)


def run(arguments: argparse.Namespace) -> int:
    if arguments.export:
        return _export(arguments)
    if arguments.pictures is not None:
        raise UsageError("--pictures is of a page to send", "Say where it goes: --export FOLDER.")
    from isthmus.web.listening import LARGEST_PORT

    if not 0 <= arguments.port <= LARGEST_PORT:
        raise UsageError(f"--port is {arguments.port}", f"Give 1 to {LARGEST_PORT}, or 0 for any that is free.")
    from isthmus.studio.app import Studio
    from isthmus.studio.serving import serve
    from isthmus.studio.shelf import Shelf

    studio = Studio(Shelf(arguments.folder))
    found = len(studio.shelf.runs())
    say(f"{found} run{'' if found == 1 else 's'} in {arguments.folder}. Ctrl-C ends the studio; labels are kept.")
    serve(studio, arguments.host, arguments.port, not arguments.no_browser, lambda address: print(address, flush=True))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from isthmus.studio.room import Room
    from isthmus.studio.sending.site import check_folder, send
    from isthmus.studio.shelf import Shelf

    check_folder(arguments.export)
    runs = Shelf(arguments.folder).runs()
    if len(runs) != 1:
        raise UsageError(f"{arguments.folder} holds {len(runs)} runs", "One is sent at a time: give its own folder.")
    most = _PICTURES if arguments.pictures is None else arguments.pictures
    with stages() as told, contextlib.closing(Room(*next(iter(runs.items())))) as room:
        heard = told or (lambda done, total, what: None)
        room.open(heard)
        sent = send(room, arguments.export, most, heard)
    for line in sent.holds:
        say(line)
    say(f"{sent.size / 1e6:.1f} MB. Open it by a double click, or send it.")
    print(sent.path)
    return 0
