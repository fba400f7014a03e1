"""A run as one web page that can be sent to anybody: data, curves, measures, maps, designs."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from isthmus.cli._talk import say
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    parser.add_argument("-o", "--out", metavar="FILE", help="where to, as .html (default: RUN/report.html)")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.files import write_atomically
    from isthmus.report.page import report_page
    from isthmus.run import Run

    found = Run.open(arguments.run_folder)
    place = Path(arguments.out) if arguments.out else found.path / "report.html"
    if place.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{place} has no ending for a web page", "Name it .html.")
    page = report_page(found).encode()
    write_atomically(place, page)
    say(f"wrote {place} ({len(page) / 1e6:.1f} MB): one file, no network, no script")
    return 0
