"""Walk from one picture along what its code is made of: a row for each dimension, class or amount."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._pictures import add_pictures
from isthmus.cli._seen import asked_of, check_draws_pictures, seen
from isthmus.cli._talk import image_out, table
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_ROWS = 12


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    parser.add_argument(
        "--dimensions", type=_numbers, metavar="N,...", help="these latent dimensions (default: the 12 that vary most)"
    )
    parser.add_argument(
        "--along",
        action="append",
        metavar="NAME",
        help="towards a class or along an amount, as --list names them; may be given several times",
    )
    parser.add_argument("--steps", type=int, default=9, metavar="N", help="pictures a row, an odd number (default: 9)")
    parser.add_argument(
        "--of",
        metavar="ID|FILE",
        help="the picture to start from (default: that nearest to the middle of all codes)",
    )
    parser.add_argument("--list", action="store_true", help="print all directions, and what goes with them")
    parser.add_argument("-o", "--out", metavar="FILE", help="a .png")


def run(arguments: argparse.Namespace) -> int:
    if not arguments.list and arguments.out is None:
        raise UsageError("say where the sheet goes", "Give -o FILE, or --list to see the directions.")
    if arguments.steps < 3 or arguments.steps % 2 == 0:
        remedy = "Give --steps 3, 5, 7 and so on."
        raise UsageError("a row has the picture itself in the middle, with as many on each side", remedy)
    looked = seen(arguments)
    found = _directions(looked)
    chosen = _chosen(found, looked.codes.shape[1], arguments)
    if arguments.list:
        print(_listed(looked, found))
        if arguments.out is None:
            return 0
    check_draws_pictures(looked.model)
    base = looked.some.take([looked.nearest_the_middle])
    if arguments.of:
        base = asked_of(looked.run, looked.pictures, arguments.of)
    image_out(_sheet(looked, base, chosen, arguments.steps), arguments.out)
    return 0


def _directions(looked: Any) -> list[Any]:
    """Of each kind the strongest first: those that codes go farthest along."""
    from isthmus.look.directions import directions_of

    codes, some = looked.codes, looked.some
    found = directions_of(codes, some.labels, some.classes, looked.numbers, most=codes.shape[1])
    if not found:
        raise UsageError("all codes are the same: there is nothing to walk along", "Fit a model whose codes differ.")
    order = {"dimension": 0, "class": 1, "amount": 2}
    return sorted(found, key=lambda one: (order[one.kind], -one.spread))


def _chosen(found: list[Any], dimensions: int, arguments: argparse.Namespace) -> list[Any]:
    vary = {one.name: one for one in found if one.kind == "dimension"}
    for d in arguments.dimensions or ():
        if not 0 <= d < dimensions:
            raise UsageError(f"there is no latent dimension {d}", f"They are counted from 0 to {dimensions - 1}.")
        if f"z{d}" not in vary:
            raise UsageError(f"the codes do not vary along latent dimension {d}", "--list tells along which they do.")
    wanted = [vary[f"z{d}"] for d in arguments.dimensions or ()]
    # classes and amounts first: a class may be called z0
    by_name = {name: one for one in found for name in (one.name, one.title)}
    for name in arguments.along or ():
        one = by_name.get(name.replace("class=", "class ", 1) if name.startswith("class=") else name)
        if one is None:
            few = ", ".join(one.name for one in found if one.kind != "dimension") or "none but latent dimensions"
            raise UsageError(f"there is no direction called {name!r}", f"There are: {few[:200]}.")
        wanted.append(one)
    return wanted or [one for one in found if one.kind == "dimension"][:_ROWS]


def _sheet(looked: Any, base: Any, chosen: list[Any], steps: int) -> Any:
    """Each row from one end of the codes to the other, the picture in the middle; a step at least on either side."""
    import numpy as np

    from isthmus.contract import decoded
    from isthmus.look.walks import along
    from isthmus.report.walks import Walk, walk_sheet

    code, half = looked.model.transform(base)[0], steps // 2
    goes = _goes_with(looked, chosen)
    walks = []
    for one, with_it in zip(chosen, goes, strict=True):
        here = float(one.place(code))
        low, high = min(one.low, here - one.spread), max(one.high, here + one.spread)
        values = np.concatenate([np.linspace(low, here, half + 1), np.linspace(here, high, half + 1)[1:]])
        pictures = decoded(looked.model, along(code, one.vector, values), looked.told(base, steps))
        under = {0: f"{low:.2g}", half: f"{here:.2g}", steps - 1: f"{high:.2g}"}
        beside = [f"deviation {one.spread:.2g}", *([f"goes with {with_it.short}"] if with_it else [])]
        walks.append(Walk(one.title, beside, pictures, under))
    return walk_sheet(walks, half, **_words(looked, base))


def _goes_with(looked: Any, directions: list[Any]) -> list[Any]:
    """What correlates most with places on each direction, itself left aside; "" where nothing is known."""
    import numpy as np

    from isthmus.look.correlations import correlations

    places = np.stack([one.place(looked.codes) for one in directions], axis=1)
    found = correlations(places, looked.some.labels, looked.some.classes, looked.numbers)
    itself = {(place, one.kind, one.name) for place, one in enumerate(directions)}
    if len({int(label) for label in looked.some.labels if label >= 0}) == 2:  # one question: each tells the other
        of_a_class = {place for place, one in enumerate(directions) if one.kind == "class"}
        found = [one for one in found if one.kind != "class" or one.dimension not in of_a_class]
    others = [one for one in found if (one.dimension, one.kind, one.name) not in itself]
    return [next((c for c in others if c.dimension == place), "") for place in range(len(directions))]


def _words(looked: Any, base: Any) -> dict[str, str]:
    name = looked.some.classes[base.labels[0]] if base.labels[0] >= 0 else ""
    said = (
        f"In the middle the picture {base.ids[0]}{f' ({name})' if name else ''} as the model redraws it; to both sides"
    )
    ends = f"as far as codes go, one in a hundred of {len(looked.codes):,} lying beyond each end."
    return {"title": "What a code is made of: one direction a row", "subtitle": f"{said} {ends}"}


def _listed(looked: Any, found: list[Any]) -> str:
    rows = []
    for one, with_it in zip(found, _goes_with(looked, found), strict=True):
        chance = "" if not with_it else f"{with_it.p:.2g}" if with_it.p >= 1e-4 else "<1e-4"
        rows.append([one.title, one.kind, f"{one.low:.3g}", f"{one.high:.3g}", f"{one.spread:.3g}",
                     with_it and with_it.words(), chance])  # fmt: skip
    return table(["direction", "kind", "from", "to", "deviation", "goes most with (r, 95 %)", "by chance"], rows)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part.strip())


_numbers.__name__ = "list of whole numbers"
