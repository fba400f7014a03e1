"""Learn classes or numbers from a handful of labels, with a fitted model's eyes; kept in its run folder."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._calibrated import calibration
from isthmus.cli._labelled import add_labelled, pile_and_test
from isthmus.cli._numbers import add_numbers, learn_numbers
from isthmus.cli._talk import print_json, say, stages, table

__all__ = ["arguments", "run"]

_BESIDE = ("pixels-logistic", "pixels-svm")  # they take pixels as they are, and need those of labelled pictures only
_SUSPECTS_SHOWN = 5
_MANY_A_CLASS = 100


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    from isthmus import discover
    from isthmus.cli._fields import add_head_fields, value_of

    parser.usage = "isthmus classify RUN [PATH] [--labels CSV] [--head NAME] [flags]"
    add_labelled(parser)
    add_numbers(parser)
    heads = discover.names("classify.heads")
    parser.add_argument(
        "--label-count", type=int, metavar="N", help="use only so many of the labels, a balanced draw by --seed"
    )
    parser.add_argument("--head", choices=heads, default="blend", help="how to learn from the labels (default: blend)")
    parser.add_argument("--level", type=float, default=0.9, metavar="P", help="of the sets or intervals (default: 0.9)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the draw and the folds (default: 0)")
    parser.add_argument("--name", default="labels", help="of the classifier in the run folder (default: labels)")
    parser.add_argument("--json", action="store_true", help="one record a line")
    head = value_of("--head", words) or "blend"
    if head in heads:
        add_head_fields(parser, head)


def run(arguments: argparse.Namespace) -> int:
    from isthmus.classify.classifier import Classifier
    from isthmus.classify.draws import only
    from isthmus.classify.saving import check_name, save_classifier
    from isthmus.cli._fields import head_from
    from isthmus.contract import check_encodes
    from isthmus.images.numbers import look_like_numbers
    from isthmus.models._loading import load
    from isthmus.run import Run

    if arguments.numbers:
        return learn_numbers(arguments)
    check_name(arguments.name)
    model, folder = load(arguments.run_folder), Run.open(arguments.run_folder)
    check_encodes(model)
    pile, test = pile_and_test(folder, arguments)
    if look_like_numbers(pile):
        say(f"note: these {len(pile.classes):,} labels look like amounts, not names: --numbers learns them as such")
    if arguments.label_count is not None:
        pile.labels = only(pile, arguments.label_count, arguments.seed)
    classifier = Classifier(model=model, head=head_from(arguments), level=arguments.level, seed=arguments.seed)
    with stages() as told:
        classifier.fit(pile, told=told)
    labels = int((pile.labels >= 0).sum())
    with folder.writing():
        suspects = [vars(one) | {"id": str(pile.ids[one.row])} for one in classifier.suspects_]
        about = {"labels": labels, "pictures": len(pile), "suspects": suspects}
        save_classifier(classifier, folder, arguments.name, about)
    records, sure = _records(classifier, model, pile, test, arguments, folder)
    folder.record(*records, *sure)
    if arguments.json:
        print_json(*(record.to_json() for record in [*records, *sure]))
    elif records:
        rows = [[r.name, f"{100 * r.value:.1f} %", _interval(r.interval), f"{r.n:,}"] for r in records]
        judged = "by leaving labels out" if test is None else "on test pictures"
        title = f"with {labels:,} labels of {len(classifier.classes_)} classes, {judged}"
        print(table([title, "right", "95 %", "n"], rows))
        print("".join(f"\n{one.name}: {one.value:.3g}" for one in sure), end="\n" if sure else "")
    for one in classifier.suspects_[:_SUSPECTS_SHOWN]:
        looks = f"looks like {one.told!r} ({one.probability:.0%})"
        say(f"check this label: {pile.ids[one.row]} is labelled {one.given!r} and {looks}")
    if len(classifier.suspects_) > _SUSPECTS_SHOWN:
        say(f"and {len(classifier.suspects_) - _SUSPECTS_SHOWN:,} more, in heads/{arguments.name}.json")
    if classifier.threshold_ is None:
        say(f"note: no conformal sets: {classifier.no_sets_}")
    verdict = _verdict(records)
    say(verdict)
    if verdict.startswith("A baseline") and type(model).__name__ != "Contrastive":
        say("note: an encoder that compares views often serves few labels better: isthmus fit PATH --model contrastive")
    if type(classifier.head).__name__ == "Blend" and labels >= _MANY_A_CLASS * len(classifier.classes_):
        say("note: with this many labels the encoder may learn on with gain: --head tuned. isthmus label-curve tells.")
    say(f"next: isthmus predict {arguments.run_folder} PATH -o predictions.csv")
    return 0


def _records(
    classifier: Any, model: Any, pile: Any, test: Any, arguments: argparse.Namespace, run: Any
) -> tuple[list[Any], list[Any]]:
    """Right answers beside baselines on the same labels, on test pictures or else by leaving labels out; and, of test
    pictures, whether the classifier is right as often as it says."""
    from isthmus.run import Record
    from isthmus.stats.intervals import wilson_interval

    if test is None:
        told, truth, split = _by_leaving_out(classifier, model, pile), classifier.truth_, "train, labels left out"
    else:
        test = test.take(test.labels >= 0)
        seen = classifier.look(test)
        told, truth, split = _on_test(classifier, model, pile, test, seen), _names(test), "test"
    how = {"split": split, "data": "given" if arguments.path else "the run's own", "seed": arguments.seed}
    found: list[Any] = []
    for name, guess in told.items() if len(truth) else ():
        right = wilson_interval(int((guess == truth).sum()), len(truth))
        interval = (right.low, right.high)
        found.append(Record(name, right.value, interval, right.n, command="isthmus classify", **how))
    return found, [] if test is None or not len(truth) else calibration(classifier, seen, truth, run, how)


def _on_test(classifier: Any, model: Any, pile: Any, test: Any, seen: Any) -> dict[str, Any]:
    from isthmus.classify.baselines import BASELINES, pixels_of

    told = {_title(classifier, model): classifier.predict(seen)}
    labelled = pile.take(pile.labels >= 0)
    pixels, asked = pixels_of(model, labelled), pixels_of(model, test)
    for name in _BESIDE:
        told[BASELINES[name].title] = BASELINES[name].classifier().fit(pixels, _names(labelled)).predict(asked)
    return told


def _by_leaving_out(classifier: Any, model: Any, pile: Any) -> dict[str, Any]:
    """Every labelled picture told by a classifier that did not know its label; the same folds for all."""
    import numpy as np

    from isthmus.classify.baselines import BASELINES, pixels_of

    told = {_title(classifier, model): classifier.told_}
    pixels, names, known = pixels_of(model, pile), _names(pile), pile.labels >= 0
    for name in _BESIDE if classifier.folds_ else ():
        parts = []
        for part in classifier.folds_:
            others = np.setdiff1d(np.flatnonzero(known), part)
            parts.append(BASELINES[name].classifier().fit(pixels[others], names[others]).predict(pixels[part]))
        told[BASELINES[name].title] = np.concatenate(parts)
    return told


def _names(pictures: Any) -> Any:
    import numpy as np

    return np.asarray([*pictures.classes, None], dtype=object)[pictures.labels]


def _title(classifier: Any, model: Any) -> str:
    from isthmus import discover

    return f"{discover.name_of('classify.heads', type(classifier.head))} on {type(model).__name__}"


def _verdict(records: list[Any]) -> str:
    if len(records) < 2:
        return "note: nothing could be held out, so nothing was set beside pixels"
    ours, best = records[0], max(records[1:], key=lambda record: record.value)
    low, high = min(ours, best, key=lambda record: record.value), max(ours, best, key=lambda record: record.value)
    sure = "with intervals apart" if high.interval[0] > low.interval[1] else "but the intervals touch"
    points = f"{100 * abs(ours.value - best.value):.1f} points"
    if ours.value <= best.value:
        return f"A baseline is ahead: {best.name}, by {points}, {sure}."
    return f"Pre-training is ahead: by {points} over {best.name}, {sure}."


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{100 * interval[0]:.1f} .. {100 * interval[1]:.1f}"
