"""Ask for pictures that meet a specification; an independent judge says which do."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isthmus.cli._maximise import add_maximise, maximised
from isthmus.cli._pictures import of_run
from isthmus.cli._talk import print_json, say, table, tick
from isthmus.errors import IsthmusError, UsageError

__all__ = ["arguments", "run"]

_MOST_GUIDES = 20


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    from isthmus import discover
    from isthmus.cli._fields import add_search_fields, value_of

    parser.usage = 'isthmus design RUN --want "class=7, thickness=4..5" [-n N] [flags]'
    parser.add_argument("run_folder", metavar="RUN")
    parser.set_defaults(path=None)
    searches = discover.names("design.searches")
    parser.add_argument("--want", metavar="SPEC", help='"class=7, 2*slant>0.2", or @FILE with one wish a line')
    parser.add_argument("--list-attributes", action="store_true", help="what can be wished of this run's pictures")
    parser.add_argument("-n", type=int, default=16, metavar="N", help="how many designs (default: 16)")
    parser.add_argument("-o", "--out", metavar="FOLDER", help="where to (default: RUN/designs/0, then 1, ...)")
    parser.add_argument("--labels", metavar="CSV", help="a table id,label[,columns...] of the run's pictures")
    parser.add_argument("--labels-from", metavar="NAME", help="a classifier of the run tells what has no label")
    given = parser.add_argument_group("from a picture that is given")
    given.add_argument("--near", metavar="PICTURE", help="change as little of this picture as can be")
    given.add_argument("--keep", metavar="MASK", help="a picture that is bright where --near must not change at all")
    how = parser.add_argument_group("how to look for them")
    how.add_argument("--search", choices=searches, default="normalised", help="default: normalised")
    starts = ("auto", "moved", "pictures", "drawn", "given", "fitting")
    text = "codes of pictures moved by what is wished, codes as they are, drawn ones, or that of --near (default: auto)"
    how.add_argument("--start", choices=starts, default="auto", help=text)
    how.add_argument("--guides", type=int, default=3, metavar="N", help="networks that must all agree (default: 3)")
    how.add_argument("--sure", type=float, metavar="P", help="how probable each must find a class (default: see docs)")
    how.add_argument("--seed", type=int, default=0, metavar="N", help="of halves, guides, judge and starts")
    stay = parser.add_argument_group("what else designs should mind: weights, 0 for not at all")
    stay.add_argument("--density", type=float, default=0.0, metavar="W", help="codes as likely as those of pictures")
    stay.add_argument("--trust", type=float, default=0.0, metavar="R", help="stay within R deviations of the start")
    stay.add_argument("--consistent", type=float, default=0.0, metavar="W", help="codes that encode to themselves")
    stay.add_argument("--apart", type=float, default=0.0, metavar="W", help="designs that differ from each other")
    add_maximise(parser)
    parser.add_argument("--json", action="store_true", help="one record a line")
    search = value_of("--search", words) or "normalised"
    if search in searches:
        add_search_fields(parser, search)


def run(arguments: argparse.Namespace) -> int:
    from isthmus.design.answer import answered
    from isthmus.design.saving import free_folder
    from isthmus.design.spec import read_spec
    from isthmus.models._loading import load
    from isthmus.run import Run

    best = arguments.maximise or arguments.minimise
    if best and arguments.want:
        raise UsageError("--want and --maximise are both given", "Say with --where what they must meet besides.")
    if not (arguments.list_attributes or arguments.want or best):
        raise UsageError("nothing is wished for", 'Say for example: --want "class=7". --list-attributes tells more.')
    if not 1 <= arguments.guides <= _MOST_GUIDES:
        raise UsageError(f"--guides is {arguments.guides}", f"Train 1 to {_MOST_GUIDES}.")
    if arguments.n < 1:
        raise UsageError(f"-n is {arguments.n}", "Ask for at least one design.")
    folder, model = Run.open(arguments.run_folder), load(arguments.run_folder)
    shop = _workshop(model, folder, arguments)
    if arguments.list_attributes:
        print(_listed(shop))
        return 0
    place = Path(arguments.out) if arguments.out else free_folder(folder.path / "designs")
    if best:
        return maximised(arguments, shop, folder, place)
    if arguments.sure is not None and not 0 < arguments.sure < 1:
        raise UsageError(f"--sure is {arguments.sure}", "Give a probability, such as 0.99.")
    wishes, notes = read_spec(arguments.want, shop.words, arguments.sure)
    for note in notes:
        say(f"note: {note}")
    asked = _asked(shop, folder, arguments, wishes)
    if (place / "design.json").exists():
        raise UsageError(f"{place} already holds designs", "Give another folder.")
    shop.check(wishes)
    answer = answered(shop, folder, arguments.want, asked, _command(arguments), _search(arguments), notes)
    return _tell(answer, model, folder, arguments, place)


def _workshop(model: Any, folder: Any, arguments: argparse.Namespace) -> Any:
    from isthmus.cli._judged import watchers_for
    from isthmus.design.workshop import Workshop

    training = of_run(folder, arguments, which="train")
    if arguments.labels_from:
        training = _told(training, model, folder, arguments.labels_from)
    test = None
    try:
        test = of_run(folder, arguments, which="test")
    except IsthmusError as error:
        say(f"note: nothing is left to try guides and judge on ({error.what})")
    return Workshop(
        model,
        training,
        test,
        arguments.seed,
        arguments.guides,
        folder.path / "designs",
        watching=watchers_for,
        counting=tick,
    )


def _told(training: Any, model: Any, folder: Any, name: str) -> Any:
    """The pictures with what a classifier tells of those without a label."""
    from dataclasses import replace

    import numpy as np

    from isthmus.classify.saving import load_classifier

    classifier = load_classifier(folder, model, name)
    unknown = np.flatnonzero(training.labels < 0)
    if not len(unknown):
        return training
    told = classifier.predict(training.take(unknown))
    classes = tuple(dict.fromkeys([*map(str, training.classes), *map(str, classifier.classes_)]))
    labels = training.labels.copy()
    labels[unknown] = [classes.index(str(one)) for one in told]
    say(f"note: {len(unknown):,} labels are what the classifier {name!r} tells: guides and judge share its mistakes")
    return replace(training, labels=labels, classes=classes)


def _search(arguments: argparse.Namespace) -> Any:
    from isthmus.cli._fields import search_from

    return search_from(arguments)


def _asked(shop: Any, folder: Any, arguments: argparse.Namespace, wishes: Any) -> Any:
    from isthmus.design.asked import Asked

    near, free = None, None
    if arguments.near:
        pictures = of_run(folder, argparse.Namespace(path=arguments.near))
        near = shop.as_given(pictures)
    if arguments.keep:
        if near is None:
            raise UsageError("--keep says what of a picture is kept, and there is none", "Give --near too.")
        free = 1 - _mask(arguments.keep, near)
    weights = {name: getattr(arguments, name) for name in ("density", "trust", "consistent", "apart")}
    for name, value in weights.items():
        if not value >= 0:
            raise UsageError(f"--{name} is {value}", "Give 0 or more.")
    kept = {"given": near, "free": free} if free is not None else {"near": near}
    return Asked(wishes, n=arguments.n, start=arguments.start, seed=arguments.seed, **kept, **weights)


def _mask(path: str, near: Any) -> Any:
    """1 where nothing may change, in the size of the picture."""
    import torch

    from isthmus.images.opening import open_pictures

    high, wide = near.shape[2:]
    pixels = open_pictures(path, size=(high, wide), channels=1).pixels[:1].astype("float32")
    mask = torch.from_numpy((pixels[0, 0] > pixels.max() / 2).astype("float32"))
    if not 0 < float(mask.mean()) < 1:
        raise UsageError(f"{path} keeps {'everything' if mask.any() else 'nothing'}", "Give a mask of bright and dark.")
    return mask


def _listed(shop: Any) -> str:
    """What can be wished, with the extent of each among the training pictures."""
    from isthmus.measure.attributes import ATTRIBUTES

    rows = []
    if shop.words.classes:
        few = ", ".join(shop.words.classes[:12]) + (", ..." if len(shop.words.classes) > 12 else "")
        rows.append(["class", few, "", "", "from the labels"])
    for name, (low, high, spread) in (shop.words.attributes or {}).items():
        source = "a column of the label table" if name in shop.columns else f"measured: {ATTRIBUTES[name].words}"
        rows.append([name, f"{low:.4g}", f"{high:.4g}", f"{spread:.3g}", source])
    return table(["can be wished", "from", "to", "deviation", "what it is"], rows)


def _tell(answer: Any, model: Any, folder: Any, arguments: argparse.Namespace, place: Path) -> int:
    made, judge, beside, records = answer.made, answer.judge, answer.beside, answer.records()
    answer.save(model, place)
    with folder.writing():
        folder.record(*records)
    if arguments.json:
        print_json(*(record.to_json() for record in records))
    else:
        print(f"{made.verdict()[0].upper()}{made.verdict()[1:]}.")
        if "class" in judge.trust:
            print(f"The judge names {judge.trust['class'].value:.1%} of test pictures rightly.")
        if beside:
            rows = [
                [one.name, f"{one.granted:,} of {one.tried:,}", f"{100 * one.right.value:.1f} %" if one.right else ""]
                for one in beside
            ]
            print(table(["without a search", "guides grant", "of those the judge"], rows))
    if made.closest():
        say(made.closest())
    say(f"wrote {place}/: designs.csv, sheet.png, films.png and {len(made)} pictures")
    return 0 if made.success.any() else 1


def _command(arguments: argparse.Namespace) -> str:
    from isthmus.design.answer import USUAL, command_of

    given = {name: getattr(arguments, name) for name in USUAL}
    given |= {"near": arguments.near and "PICTURE", "keep": arguments.keep and "MASK"}
    return command_of(arguments.want, arguments.n, given)
