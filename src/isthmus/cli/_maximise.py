"""Designs that score best where nobody knows why: an attribute by formula, or a user's own file, call by call."""

import argparse
import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli._talk import print_json, say, tick
from isthmus.errors import DataError, UsageError

__all__ = ["add_maximise", "maximised"]

_PILE, _BESIDE, _DAY = 4000, 2000, 86_400.0


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
    best.add_argument(
        "--retrain-every", type=int, metavar="N", help="the model learns from what was found, every N calls"
    )
    best.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="seconds for one call (default: 60)")


def maximised(arguments: argparse.Namespace, shop: Any, folder: Any, place: Path) -> int:
    """Search, keeping every batch as it comes, then show the best `-n` and say how they compare with the pile."""
    from isthmus.design.spec import read_spec
    from isthmus.design.wishes import attributes_of

    if arguments.maximise and arguments.minimise:
        raise UsageError("--maximise and --minimise are both given", "Give one of them.")
    if arguments.budget < 1:
        raise UsageError(f"--budget is {arguments.budget}", "Give at least one call.")
    if not 0 < arguments.time_limit <= _DAY:
        raise UsageError(f"--time-limit is {arguments.time_limit}", "Give seconds, above 0 and at most a day.")
    if (arguments.retrain_every or 0) < 0:
        raise UsageError(f"--retrain-every is {arguments.retrain_every}", "Give a number of calls.")
    if (place / "design.json").exists() or (place / "scored.jsonl").exists():
        raise UsageError(f"{place} already holds designs", "Give another folder.")
    name, minimise = arguments.maximise or arguments.minimise, bool(arguments.minimise)
    wishes, notes = read_spec(arguments.where, shop.words, arguments.sure) if arguments.where else ((), [])
    for note in notes:
        say(f"note: {note}")
    with _objective(arguments, shop, name) as objective:
        guides = None
        if wishes:
            shop.check(wishes)
            with folder.writing():
                guides = shop.guides(attributes_of(wishes))
            wishes = shop.settled(wishes, guides, False)
        place.mkdir(parents=True, exist_ok=True)
        with tick("scored") as told, open(place / "scored.jsonl", "a", encoding="utf-8") as file:
            how = {"budget": arguments.budget, "minimise": minimise, "told": told, "keep": lambda x: _kept(file, x)}
            search = _retraining if arguments.retrain_every else _searched
            found = search(arguments, shop, wishes, guides, objective, how)
    return _tell(found, arguments, shop, folder, place, name, wishes)


@dataclass(frozen=True)
class _Scored:
    """What was scored: pictures in their own units, scores (NaN where that failed), codes where one model has them."""

    scores: np.ndarray
    pictures: Any
    said: dict[int, str]
    drawn: int
    stopped: str
    minimise: bool
    codes: Any = None
    model: Any = None

    def best(self, n: int) -> list[int]:
        order = np.argsort(np.nan_to_num(self.scores * (1 if self.minimise else -1), nan=np.inf), kind="stable")
        return [int(row) for row in order if np.isfinite(self.scores[row])][:n]


def _searched(arguments: Any, shop: Any, wishes: Any, guides: Any, objective: Any, how: dict[str, Any]) -> _Scored:
    from isthmus.design.asked import Asked
    from isthmus.design.maximise import margin_of, maximise, units_of
    from isthmus.design.starts import STARTS

    many = Asked(wishes, n=max(32, arguments.n), seed=arguments.seed)
    start = "drawn" if not shop.model.encodes else "moved" if wishes else "pictures"
    starts = STARTS[start](shop, many).flatten(1)
    sought = maximise(
        lambda u: shop.decode(u.view(-1, *shop.model.latent_shape_)),
        objective,
        _optimiser(arguments),
        starts,
        feasible=margin_of(guides, wishes) if guides is not None else None,
        units=units_of(shop.model),
        within=shop.cloud.flatten(1),
        **how,
    )
    scores = np.array(sought.scores, np.float64)
    return _Scored(scores, sought.pictures, sought.said, sought.drawn, sought.stopped, sought.minimise, sought.codes)


def _retraining(arguments: Any, shop: Any, wishes: Any, guides: Any, objective: Any, how: dict[str, Any]) -> _Scored:
    """The same while the model goes on learning from what was found; some of the pile is scored first."""
    from isthmus.contract import check_encodes, evaluate, some_of
    from isthmus.design.maximise import margin_of
    from isthmus.design.retrain import Retraining, pursue

    check_encodes(shop.model)
    pile = some_of(shop.training, _PILE)
    rows = None
    if guides is not None:
        margins = margin_of(guides, wishes)
        met = evaluate(shop.model, pile, lambda x: margins(x.cpu().clamp(0, 1))) >= 0
        rows = np.flatnonzero(met.numpy())
        if not len(rows):
            raise DataError(f"no training picture is {arguments.where} to the guides", "Ask for less with --where.")
    say(f"scoring {len(pile):,} training pictures first, which is not counted")
    pursued = pursue(
        shop.model,
        pile,
        None,
        objective,
        _optimiser(arguments),
        Retraining(every=arguments.retrain_every, seed=arguments.seed),
        starts=rows,
        feasible=margin_of(guides, wishes) if guides is not None else None,
        **how,
    )
    drawn, said, before = 0, dict[int, str](), 0
    for one in pursued.rounds:
        said |= {before + row: sentence for row, sentence in one.said.items()}
        drawn, before = drawn + one.drawn, before + one.scored
    pictures: Any = pursued.pictures if pursued.calls else []
    return _Scored(pursued.scores, pictures, said, drawn, pursued.stopped, pursued.minimise, None, pursued.model)


def _optimiser(arguments: Any) -> Any:
    from isthmus import discover

    return discover.find("design.black_box", arguments.optimiser, "Optimiser")(seed=arguments.seed)


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


def _tell(
    found: _Scored, arguments: argparse.Namespace, shop: Any, folder: Any, place: Path, name: str, wishes: Any
) -> int:
    from isthmus.cli._talk import image_out
    from isthmus.report.film import contact_sheet
    from isthmus.run import Record

    for row, sentence in list(found.said.items())[:3]:
        say(f"note: picture {row}: {sentence}")
    if found.stopped not in ("budget", "interrupted"):
        say(f"note: {found.stopped}")
    best = found.best(arguments.n)
    if not best:
        say(f"nothing was scored; {place}/scored.jsonl holds what was tried")
        return 1
    least = "least" if found.minimise else "most"
    beside = ""
    if not arguments.black_box:
        asked = min(_BESIDE, len(shop.training))
        beside = f"; the {least} of {asked:,} training pictures is {_of_pile(shop, name, found.minimise):.5g}"
    calls = f"{len(found.scores):,} calls of the score"
    record = Record(f"design, {least} {name}", found.scores[best[0]], n=len(found.scores), seed=arguments.seed)
    way = "--minimise" if found.minimise else "--maximise"
    record.command = f"isthmus design RUN {way} {name} --budget {arguments.budget}"
    with folder.writing():
        folder.record(record)
    if arguments.json:
        print_json(record.to_json())
    else:
        print(f"{name} {found.scores[best[0]]:.5g} after {calls}, {found.drawn:,} pictures drawn{beside}.")
    shown = shop.model.tensor(np.stack([found.pictures[row] for row in best])).float().cpu().clamp(0, 1)
    met = _judged(shop, wishes, shown)
    if wishes:
        say(f"of the best {len(best)} the judge finds {int(met.sum())} to be {arguments.where}.")
    words = [f"{found.scores[row]:.4g}" for row in best]
    title = f"{least} {name}" + (f", where {arguments.where}" if arguments.where else "")
    drawn = shown if shown.ndim == 4 else shown[:, None, None]
    image_out(contact_sheet(drawn, words, list(map(bool, met)), title=title, subtitle=calls), str(place / "sheet.png"))
    _save(shop, shown, found, best, place, name, arguments)
    say(f"wrote {place}/: scored.jsonl, sheet.png and {len(best)} pictures")
    return 130 if found.stopped == "interrupted" else 0


def _judged(shop: Any, wishes: Any, shown: Any) -> np.ndarray:
    """Which of them the judge finds to be what they must be besides."""
    from isthmus.design.wishes import attributes_of

    if not wishes:
        return np.ones(len(shown), bool)
    judge = shop.judge(attributes_of(wishes))
    if not all(judge.knows(wish) for wish in wishes):
        return np.zeros(len(shown), bool)
    return np.asarray(judge.met(wishes, shown, judge.answers(shown)).all(axis=0))


def _of_pile(shop: Any, name: str, minimise: bool) -> float:
    """The best that the pile itself has to offer."""
    from isthmus.contract import some_of
    from isthmus.measure.attributes import measured

    some = measured(name, shop.model.tensor(some_of(shop.training, _BESIDE)).cpu().clamp(0, 1).numpy())
    return float(np.nanmin(some) if minimise else np.nanmax(some))


def _save(
    shop: Any, shown: Any, found: _Scored, best: list[int], place: Path, name: str, arguments: argparse.Namespace
) -> None:
    from isthmus.files import write_atomically
    from isthmus.images.writing import write_pictures

    scaling, scores = shop.model.scaling_, [float(found.scores[row]) for row in best]
    write_pictures(place, scaling.inverse(shown.view(len(best), *shop.model.shape_)), scaling)
    if found.codes is not None:
        held, middle, spread = io.BytesIO(), shop.middle.flatten().numpy(), shop.spread.flatten().numpy()
        codes = np.stack([found.codes[row].numpy() for row in best])
        np.savez(held, codes=(middle + spread * codes).astype(np.float32), scores=scores)
        write_atomically(place / "codes.npz", held.getvalue())
    if found.model is not None:
        found.model.save(place / "model")
    described = {"score": name, "minimise": found.minimise, "where": arguments.where, "stopped": found.stopped}
    described |= {"budget": arguments.budget, "optimiser": arguments.optimiser, "seed": arguments.seed}
    described |= {"designs": [{"design": i, name: scores[i], "call": row} for i, row in enumerate(best)]}
    write_atomically(place / "design.json", (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode())
