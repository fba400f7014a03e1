"""Accuracy against the number of labels: every head beside every baseline on the same draws."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._labelled import add_labelled, pile_and_test
from isthmus.cli._talk import image_out, print_json, say, stages, table
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_COUNTS = (10, 100, 1000)


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    add_labelled(parser)
    parser.add_argument(
        "--counts", type=_numbers, metavar="N,N,...", help="numbers of labels (default: 10,100,1000 if known)"
    )
    parser.add_argument("--seeds", type=_numbers, default=(0, 1, 2), metavar="N,N,...", help="of the balanced draws")
    parser.add_argument("--heads", type=_words, default=("blend", "linear"), metavar="NAME,...", help="ways to learn")
    parser.add_argument(
        "--beside", type=_words, metavar="NAME,...", help="baselines, from-scratch among them (default: all)"
    )
    parser.add_argument("-o", "--out", metavar="PNG", help="the plot (default: label-curve.png in the run folder)")
    parser.add_argument("--json", action="store_true", help="one record a line")


def run(arguments: argparse.Namespace) -> int:
    from isthmus import discover
    from isthmus.classify.curve import BESIDE, label_curve
    from isthmus.contract import check_encodes
    from isthmus.models._loading import load, untrained
    from isthmus.run import Run

    model, folder = load(arguments.run_folder), Run.open(arguments.run_folder)
    check_encodes(model)
    pile, test = pile_and_test(folder, arguments, fewest=1)
    if test is None:
        raise UsageError("there are no test pictures to judge by", "Fit the run with --test, or on a set with a test.")
    heads = {name: discover.find("classify.heads", name, "Head")() for name in arguments.heads}
    known = int((pile.labels >= 0).sum())
    counts = arguments.counts or tuple(c for c in _COUNTS if len(pile.classes) <= c < known) or (known,)
    beside = arguments.beside or BESIDE
    if set(beside) - set(BESIDE):
        raise UsageError(f"there is no baseline {min(set(beside) - set(BESIDE))!r}", f"There are: {', '.join(BESIDE)}.")
    start, seeds = untrained(folder.path), arguments.seeds
    with stages() as told:
        curve = label_curve(model, pile, test, counts, seeds, heads, start, beside, told)
    data = "given" if arguments.path else "the run's own"
    records = _records(curve, data)
    folder.record(*records)
    verdict = curve.verdict(arguments.heads[0])
    if arguments.json:
        print_json(*(record.to_json() for record in records))
        say(verdict)
    else:
        print(verdict)
        head = ["accuracy, %", *(f"{count:,}" for count in curve.counts)]
        print(table(head, [[name, *(_cell(curve, name, count) for count in curve.counts)] for name in curve.accuracy]))
        print(f"mean and standard deviation of {len(curve.seeds)} draws; test n = {curve.n:,}")
    _draw(curve, arguments.out or str(folder.path / "label-curve.png"), verdict)
    return 0


def _records(curve: Any, data: str) -> list[Any]:
    from isthmus.run import Record

    records = []
    for name in curve.accuracy:
        for row, count in enumerate(curve.counts):
            found, gain = curve.at(name, count), curve.gain(name, count)
            record = Record(f"accuracy of {name} at {count} labels", found.value, (found.low, found.high), curve.n)
            record.split, record.data, record.command = "test", data, "isthmus label-curve"
            record.extra = {
                "labels": count,
                "per_seed": {str(s): float(v) for s, v in zip(curve.seeds, curve.accuracy[name][row], strict=True)},
                "baseline": curve.best_baseline(count),
                "over_baseline": [gain.value, gain.low, gain.high],
            }
            records.append(record)
    return [_without_nan(record) for record in records]


def _without_nan(record: Any) -> Any:
    """One draw has no spread: JSON has no word for it but null."""
    import math

    if record.interval and math.isnan(record.interval[0]):
        record.interval = None
    record.extra["over_baseline"] = [None if math.isnan(v) else v for v in record.extra["over_baseline"]]
    return record


def _cell(curve: Any, name: str, count: int) -> str:
    values = 100 * curve.accuracy[name][curve.counts.index(count)]
    return f"{values.mean():.1f} ± {values.std(ddof=1):.1f}" if len(values) > 1 else f"{values.mean():.1f}"


def _draw(curve: Any, path: str, verdict: str) -> None:
    from isthmus.report.curves import curves

    series = {name: (list(curve.counts), 100 * values.mean(axis=1)) for name, values in curve.accuracy.items()}
    title, _, rest = verdict.partition(": ")
    axes: dict[str, Any] = {"x_label": "labels, log scale", "y_label": "accuracy, %", "log": False, "log_x": True}
    image = curves(series, title=title, subtitle=rest, **axes)
    image_out(image, path)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


# argparse names a type by its function when a value is refused
_numbers.__name__, _words.__name__ = "list of whole numbers", "list of names"
