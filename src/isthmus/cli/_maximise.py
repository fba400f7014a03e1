"""Designs that score best where nobody knows why: an attribute by formula, or a user's own file, call by call."""

import argparse
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli._talk import say, tick
from isthmus.errors import UsageError

__all__ = ["add_maximise", "maximised"]


def add_maximise(parser: argparse.ArgumentParser) -> None:
    from isthmus import discover

    best = parser.add_argument_group("the largest or smallest of something")
    best.add_argument("--maximise", metavar="NAME", help="an attribute, or what to call the score of --black-box")
    best.add_argument("--minimise", metavar="NAME", help="the same, as small as can be")
    best.add_argument("--black-box", metavar="FILE", help="a Python file with `def score(pictures)`: run on its own")
    best.add_argument("--where", metavar="SPEC", help="what they must meet besides, as --want has it")
    best.add_argument("--budget", type=int, default=200, metavar="N", help="calls of the score (default: 200)")
    names = discover.names("design.black_box")
    best.add_argument("--optimiser", choices=names, default="trust", help="who chooses what to score (default: trust)")
    best.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="seconds for one call (default: 60)")


def maximised(arguments: argparse.Namespace, shop: Any, folder: Any, place: Path) -> int:
    """Search, keeping every batch as it comes, then show the best `-n` and say how they compare with the pile."""
    from isthmus import discover
    from isthmus.design.asked import Asked
    from isthmus.design.maximise import margin_of, maximise, units_of
    from isthmus.design.spec import read_spec
    from isthmus.design.starts import STARTS

    if arguments.maximise and arguments.minimise:
        raise UsageError("--maximise and --minimise are both given", "Give one of them.")
    name, minimise = arguments.maximise or arguments.minimise, bool(arguments.minimise)
    wishes, notes = read_spec(arguments.where, shop.words) if arguments.where else ((), [])
    for note in notes:
        say(f"note: {note}")
    names = tuple(sorted({wish.number for wish in wishes if wish.number is not None}))
    with _objective(arguments, shop, name) as objective:
        guides = None
        if wishes:
            with folder.writing():
                guides = shop.guides(names)
        many = Asked(wishes, n=max(32, arguments.n), seed=arguments.seed)
        starts = STARTS["moved" if wishes else "pictures"](shop, many).flatten(1)
        optimiser = discover.find("design.black_box", arguments.optimiser, "Optimiser")(seed=arguments.seed)
        lines = place / "scored.jsonl"
        place.mkdir(parents=True, exist_ok=True)
        with tick("scored") as told, open(lines, "a", encoding="utf-8") as file:
            sought = maximise(
                lambda u: shop.decode(u.view(-1, *shop.codes.shape[1:])),
                objective,
                optimiser,
                starts,
                budget=arguments.budget,
                minimise=minimise,
                feasible=margin_of(guides, wishes) if guides is not None else None,
                units=units_of(shop.model),
                within=shop.codes.flatten(1),
                told=told,
                keep=lambda line: _kept(file, line),
            )
    return _tell(sought, arguments, shop, place, name)


@contextlib.contextmanager
def _objective(arguments: argparse.Namespace, shop: Any, name: str) -> Iterator[Any]:
    from isthmus.design.black_box._objective import Objective
    from isthmus.design.maximise import attribute_of
    from isthmus.measure.attributes import ATTRIBUTES

    if arguments.black_box:
        with Objective.from_file(arguments.black_box, arguments.time_limit) as made:
            yield made
        return
    shop.words.extent(name)
    if name not in ATTRIBUTES:
        remedy = "Give a --black-box FILE that measures it, or wish for a range of it: --want."
        raise UsageError(f"{name!r} has no formula: only the label table knows it", remedy)
    yield attribute_of(shop.model, name)


def _kept(file: Any, line: dict[str, Any]) -> None:
    file.write(json.dumps(line) + "\n")
    file.flush()


def _tell(sought: Any, arguments: argparse.Namespace, shop: Any, place: Path, name: str) -> int:
    from isthmus.cli._talk import image_out
    from isthmus.report.film import contact_sheet

    for row, sentence in list(sought.said.items())[:3]:
        say(f"note: picture {row}: {sentence}")
    if sought.stopped not in ("budget", "interrupted"):
        say(f"note: {sought.stopped}")
    best = sought.order[: arguments.n]
    if not best:
        say(f"nothing was scored; {place}/scored.jsonl holds what was tried")
        return 1
    pile = _of_pile(shop, name, sought.minimise) if not arguments.black_box else None
    beside = "" if pile is None else f"; the {'least' if sought.minimise else 'most'} of 2,000 pictures is {pile:.5g}"
    score = sought.scores[best[0]]
    print(f"{name} {score:.5g} after {sought.scored} calls, {sought.drawn:,} pictures drawn{beside}.")
    rows = [{"design": i, name: sought.scores[row], "call": row} for i, row in enumerate(best)]
    described = {"maximise": name, "minimise": sought.minimise, "where": arguments.where, "stopped": sought.stopped}
    described |= {"budget": arguments.budget, "optimiser": arguments.optimiser, "seed": arguments.seed, "designs": rows}
    shown = shop.model.tensor(np.stack([sought.pictures[row] for row in best])).float().cpu().clamp(0, 1)
    words = [f"{sought.scores[row]:.4g}" for row in best]
    title = f"{'least' if sought.minimise else 'most'} {name}" + (
        f", where {arguments.where}" if arguments.where else ""
    )
    sheet = contact_sheet(shown, words, [True] * len(best), title=title, subtitle=f"{sought.scored} calls of the score")
    image_out(sheet, str(place / "sheet.png"))
    _save(shop, shown, sought, best, place, described)
    say(f"wrote {place}/: scored.jsonl, sheet.png and {len(best)} pictures")
    return 130 if sought.stopped == "interrupted" else 0


def _of_pile(shop: Any, name: str, minimise: bool) -> float:
    """The best that the pile itself has to offer."""
    from isthmus.contract import some_of
    from isthmus.measure.attributes import measured

    some = measured(name, shop.model.tensor(some_of(shop.training, 2000)).cpu().clamp(0, 1).numpy())
    return float(np.nanmin(some) if minimise else np.nanmax(some))


def _save(shop: Any, shown: Any, sought: Any, best: list[int], place: Path, described: dict[str, Any]) -> None:
    import io

    from isthmus.files import write_atomically
    from isthmus.images.writing import write_pictures

    scaling = shop.model.scaling_
    write_pictures(place, scaling.inverse(shown.view(len(best), *shop.model.shape_)), scaling)
    held = io.BytesIO()
    codes = np.stack([sought.codes[row].numpy() for row in best])
    scores = np.array([sought.scores[row] for row in best])
    whole = (shop.middle.flatten().numpy() + shop.spread.flatten().numpy() * codes).astype(np.float32)
    np.savez(held, codes=whole, scores=scores)
    write_atomically(place / "codes.npz", held.getvalue())
    write_atomically(place / "design.json", (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode())
