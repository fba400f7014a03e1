"""Learn classes from a handful of labels, with a fitted model's eyes; kept in its run folder."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._labelled import add_labelled, pile_and_test
from isthmus.cli._talk import print_json, say, table, tick

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    from isthmus import discover

    add_labelled(parser)
    heads = discover.names("classify.heads")
    parser.add_argument(
        "--label-count", type=int, metavar="N", help="use only so many of the labels, a balanced draw by --seed"
    )
    parser.add_argument("--head", choices=heads, default="blend", help="how to learn from the labels (default: blend)")
    parser.add_argument("--level", type=float, default=0.9, metavar="P", help="of the conformal sets (default: 0.9)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the draw and the folds (default: 0)")
    parser.add_argument("--name", default="labels", help="of the classifier in the run folder (default: labels)")
    parser.add_argument("--json", action="store_true", help="one record a line")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.classify.classifier import Classifier
    from isthmus.classify.draws import balanced_draw
    from isthmus.classify.saving import save_classifier
    from isthmus.models._loading import load
    from isthmus.run import Run

    model, folder = load(arguments.run_folder), Run.open(arguments.run_folder)
    pile, test = pile_and_test(folder, arguments)
    if arguments.label_count is not None:
        pile.labels = balanced_draw(pile.labels, pile.ids, arguments.label_count, arguments.seed)
    classifier = Classifier(model=model, head=arguments.head, level=arguments.level, seed=arguments.seed)
    with tick("looking at the pictures") as told:
        classifier.fit(pile, tick=told)
    labels = int((pile.labels >= 0).sum())
    with folder.writing():
        save_classifier(classifier, folder, arguments.name, {"labels": labels, "pictures": len(pile)})
    records = _records(classifier, model, pile, test, arguments)
    folder.record(*records)
    if arguments.json:
        print_json(*(record.to_json() for record in records))
    else:
        rows = [[r.name, f"{100 * r.value:.1f} %", _interval(r.interval), f"{r.n:,}"] for r in records]
        print(table([f"with {labels:,} labels of {len(classifier.classes_)} classes", "right", "95 %", "n"], rows))
    if classifier.threshold_ is None:
        say(f"note: no conformal sets: {classifier.no_sets_}")
    say(_verdict(records))
    say(f"next: isthmus predict {arguments.run_folder} PATH -o predictions.csv")
    return 0


def _records(classifier: Any, model: Any, pile: Any, test: Any, arguments: argparse.Namespace) -> list[Any]:
    """On labelled test pictures, beside baselines on the same labels; without such pictures, by leaving labels out."""
    import numpy as np

    from isthmus.classify.baselines import BASELINES, pixels_of
    from isthmus.run import Record
    from isthmus.stats.intervals import wilson_interval

    how = {
        "data": "given" if arguments.path else "the run's own",
        "seed": arguments.seed,
        "command": "isthmus classify",
    }
    if test is None or not (test.labels >= 0).any():
        found = classifier.expected_
        if found is None:
            return []
        return [Record("by leaving labels out", found.value, (found.low, found.high), found.n, "train", **how)]
    test = test.take(test.labels >= 0)
    truth = np.asarray(test.classes, dtype=object)[test.labels]
    told = {f"{arguments.head} on {type(model).__name__}": classifier.predict(test)}
    pixels, asked, known = pixels_of(model, pile), pixels_of(model, test), pile.labels >= 0
    names = np.asarray(pile.classes, dtype=object)[pile.labels[known]]
    for name in ("pixels-logistic", "pixels-svm"):
        rows, wanted = BASELINES[name].rows(pixels, asked)
        told[BASELINES[name].title] = BASELINES[name].classifier().fit(rows[known], names).predict(wanted)
    intervals = {name: wilson_interval(int((guess == truth).sum()), len(truth)) for name, guess in told.items()}
    return [Record(name, i.value, (i.low, i.high), i.n, "test", **how) for name, i in intervals.items()]


def _verdict(records: list[Any]) -> str:
    if len(records) < 2:
        return "note: no labelled test pictures, so nothing was set beside pixels (see isthmus label-curve)"
    ours, best = records[0], max(records[1:], key=lambda record: record.value)
    if ours.value <= best.value:
        return f"A baseline wins: {best.name}. Pre-training does not help here."
    apart = "with intervals apart" if ours.interval[0] > best.interval[1] else "but the intervals touch"
    return f"Pre-training helps: {100 * (ours.value - best.value):+.1f} points over {best.name}, {apart}."


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{100 * interval[0]:.1f} .. {100 * interval[1]:.1f}"
