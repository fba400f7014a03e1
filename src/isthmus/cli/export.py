"""Take a run out of Python: ONNX or torch.export files, checked against it, or the layout of model hubs."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._talk import print_json, say, stages, table
from isthmus.errors import IsthmusError, UsageError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    parser.add_argument("--to", choices=("onnx", "torch", "hub"), default="onnx", help="the form (default: onnx)")
    parser.add_argument("-o", "--out", required=True, metavar="FOLDER", help="a new folder for the files")
    parser.add_argument(
        "--head", action="append", metavar="NAME", help="only this head; may be given several times (default: all)"
    )
    parser.add_argument("--opset", type=int, metavar="N", help="version of ONNX's operators (default: 18)")
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="X",
        help="largest difference from the run that is let through, as a share of the largest number (default: 1e-4)",
    )
    parser.add_argument("--license", metavar="NAME", help="of the model, for the card of --to hub")
    parser.add_argument("--json", action="store_true", help="one JSON object for each output that was compared")
    add_pictures(parser, flag="--pictures")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.export import export, export_hub
    from isthmus.run import Run

    _check(arguments)
    folder, out = Run.open(arguments.run_folder), Path(arguments.out)
    if arguments.to == "hub":
        for name in export_hub(folder, out, arguments.head, arguments.license):
            say(f"wrote {out / name}")
        say(f'next: isthmus.load("{out}"), or upload the folder to a hub')
        return 0
    given = {name: getattr(arguments, name) for name in ("opset", "tolerance") if getattr(arguments, name) is not None}
    with stages() as told:
        made = export(
            folder, out, arguments.to, partial(_pictures, folder, arguments), arguments.head, told=told, **given
        )
    if arguments.json:
        print_json(*(vars(one) for one in made.parity))
    else:
        rows = [[f"{one.graph}: {one.output}", *_difference(one), f"{one.n:,}"] for one in made.parity]
        print(table(["exported and compared", "largest difference", "of the largest", "n"], rows))
    for name, reason in made.left_out.items():
        say(f"note: no {name}: {reason}")
    say(f"wrote {out}: {', '.join(sorted(path.name for path in made.files.values()))}, parity.json")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.opset is not None and arguments.to != "onnx":
        raise UsageError(f"--opset is ONNX's, and --to is {arguments.to}", "Leave it out.")
    if arguments.license is not None and arguments.to != "hub":
        raise UsageError(f"--license goes on a card, and --to {arguments.to} writes none", "Leave it out.")
    if arguments.tolerance is not None and not 0 <= arguments.tolerance < 1:
        raise UsageError(f"--tolerance is {arguments.tolerance}", "Give a share from 0 up to 1, such as 1e-4.")


def _pictures(folder: Any, arguments: argparse.Namespace, model: Any) -> Any:
    """Those given, or the run's own where they are still there; else none, and chance draws some."""
    from isthmus.export.exporting import pictures_to_compare

    try:
        found = of_run(folder, arguments)
    except IsthmusError as reason:
        if arguments.path:
            raise
        say(f"note: the run's own pictures cannot be read ({reason.what}); compared on pictures drawn by chance")
        return None
    return pictures_to_compare(model, found)


def _difference(one: Any) -> tuple[str, str]:
    if one.rounded:
        return f"{one.absolute:g} in {one.unlike:,} values", "rounding"
    return f"{one.absolute:.1e}", f"{one.relative:.1e}"
