"""What `classify --numbers` and `predict` do for labels that are amounts, not names."""

import argparse
import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli._labelled import pile_and_test
from isthmus.cli._pictures import of_run
from isthmus.cli._talk import print_json, say, stages, table, tick
from isthmus.errors import UsageError

__all__ = ["add_numbers", "learn_numbers", "predict_numbers"]

_SUSPECTS_SHOWN = 5
_UNUSUAL = 0.01
_COMMAND = "isthmus classify --numbers"


def add_numbers(parser: argparse.ArgumentParser) -> None:
    text = "labels are amounts, not names: those of this column, or of the label column if none is named"
    parser.add_argument("--numbers", nargs="?", const="label", metavar="COLUMN", help=text)


def learn_numbers(arguments: argparse.Namespace) -> int:
    """A regressor in the run folder, judged beside baselines on the same labels."""
    from isthmus.classify.numbers.regressor import Regressor
    from isthmus.classify.numbers.saving import save_regressor
    from isthmus.classify.saving import check_name
    from isthmus.models._loading import load
    from isthmus.run import Run

    check_name(arguments.name)
    if arguments.head != "blend":
        raise UsageError(f"--head {arguments.head} is for classes", "Leave it out: numbers have one way to be learnt.")
    model, folder = load(arguments.run_folder), Run.open(arguments.run_folder)
    pile, test = pile_and_test(folder, arguments)
    if arguments.label_count is not None:
        pile.labels = np.where(_drawn(pile, arguments.label_count, arguments.seed), pile.labels, -1)
    regressor = Regressor(model=model, level=arguments.level, seed=arguments.seed)
    with stages() as told:
        regressor.fit(pile, told=told)
    labels = int((pile.labels >= 0).sum())
    with folder.writing():
        suspects = [vars(one) | {"id": str(pile.ids[one.row])} for one in regressor.suspects_]
        about = {"labels": labels, "pictures": len(pile), "column": arguments.numbers, "suspects": suspects}
        save_regressor(regressor, folder, arguments.name, about)
    judged = _judged(regressor, model, pile, test)
    say(_verdict(judged))
    records = _records(judged, arguments)
    folder.record(*records)
    if arguments.json:
        print_json(*(record.to_json() for record in records))
    elif records:
        where = "by leaving labels out" if test is None else "on test pictures"
        print(_table(records, f"with {labels:,} labels, {where}"))
    _say_suspects(regressor, pile, arguments.name)
    say(f"next: isthmus predict {arguments.run_folder} PATH -o predictions.csv")
    return 0


def predict_numbers(arguments: argparse.Namespace, folder: Any, model: Any) -> int:
    """`id,value,low,high,typical,note`, a line a picture."""
    from isthmus.classify.numbers.saving import load_regressor
    from isthmus.files import write_atomically

    regressor = load_regressor(folder, model, arguments.name)
    pictures = of_run(folder, arguments)
    with tick("predicting") as told:
        rows = regressor.rows(pictures, told)
    values, typical = regressor.told(rows), regressor.typical_rows(rows)
    ends = None if regressor.reach_ is None else regressor.intervals(values)
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["id", "value", "low", "high", "typical", "note"])
    for row, name in enumerate(pictures.ids):
        low, high = ("", "") if ends is None else (f"{end:.6g}" for end in ends[row])
        note = "looks like nothing known" if typical[row] < _UNUSUAL else ""
        lines.writerow([name, f"{values[row]:.6g}", low, high, f"{typical[row]:.4f}", note])
    write_atomically(Path(arguments.out), text.getvalue().encode())
    strange = int((typical < _UNUSUAL).sum())
    say(f"wrote {arguments.out}: {len(pictures):,} pictures, of which {strange:,} look like nothing known")
    if ends is None:
        say(f"note: low and high are empty: {regressor.no_intervals_}")
    return 0


def _drawn(pile: Any, count: int, seed: int) -> np.ndarray:
    """Any `count` of the labels: evening out how often each number comes would bend what they say of new pictures."""
    from isthmus.classify.draws import only

    alike = dataclasses.replace(pile, labels=np.where(pile.labels >= 0, 0, -1), classes=("known",))
    return only(alike, count, seed) >= 0


@dataclasses.dataclass(frozen=True)
class _Judged:
    """What each tells of some pictures, ours first; the truth, and what of the pictures belongs together."""

    told: dict[str, np.ndarray]
    truth: np.ndarray
    together: np.ndarray
    split: str


def _judged(regressor: Any, model: Any, pile: Any, test: Any) -> _Judged:
    """On test pictures, or else by leaving the same labels out for all."""
    from isthmus.classify.baselines import pixels_of
    from isthmus.classify.draws import units
    from isthmus.classify.numbers.baselines import NUMBER_BASELINES
    from isthmus.images.numbers import numbers_of

    labelled = pile.take(pile.labels >= 0)
    pixels, values = pixels_of(model, labelled), numbers_of(labelled)
    ours = f"numbers on {type(model).__name__}"
    if test is not None:
        test = test.take(test.labels >= 0)
        asked = pixels_of(model, test)
        beside = {name: tell(pixels, values, asked) for name, tell in NUMBER_BASELINES.items()}
        return _Judged({ours: regressor.predict(test)} | beside, numbers_of(test), units(test), "test")
    place = np.cumsum(pile.labels >= 0) - 1  # of a row of the pile among the labelled
    parts = [place[part] for part in regressor.folds_]
    told = {ours: regressor.told_}
    for name, tell in NUMBER_BASELINES.items() if parts else ():
        others = [np.setdiff1d(np.arange(len(values)), part) for part in parts]
        answers = [tell(pixels[o], values[o], pixels[part]) for o, part in zip(others, parts, strict=True)]
        told[name] = np.concatenate(answers)
    return _Judged(told, regressor.truth_, units(pile)[regressor.judged_], "train, labels left out")


def _records(judged: _Judged, arguments: argparse.Namespace) -> list[Any]:
    """Two a method: the mean absolute error, then R2."""
    from isthmus.run import Record
    from isthmus.stats.intervals import bootstrap_interval, size_interval

    where = "given" if arguments.path else "the run's own"
    how = {"split": judged.split, "data": where, "seed": arguments.seed, "command": _COMMAND}
    found: list[Any] = []
    for name, told in judged.told.items() if len(judged.truth) > 1 else ():
        error = size_interval(told - judged.truth, judged.together)
        share = bootstrap_interval(_sums(told, judged), _r_squared, seed=arguments.seed)
        for measure, one in (("mean absolute error", error), ("R2", share)):
            found.append(Record(name, one.value, (one.low, one.high), one.n, **how, extra={"measure": measure}))
    return found


def _sums(told: np.ndarray, judged: _Judged) -> np.ndarray:
    """What R2 is made of, for each unit: the squared error, the count, the sum and the sum of squares."""
    _, unit = np.unique(judged.together, return_inverse=True)
    truth = judged.truth - judged.truth.mean()
    columns = (np.square(told - judged.truth), np.ones(len(unit)), truth, np.square(truth))
    return np.stack([np.bincount(unit, column) for column in columns], axis=1)


def _r_squared(sums: np.ndarray) -> float:
    error, count, first, second = sums.sum(axis=0)
    spread = second - first**2 / count
    return float(1 - error / spread) if spread > 1e-12 * (second + 1e-300) else 0.0


def _table(records: list[Any], title: str) -> str:
    rows = []
    for error, share in zip(records[::2], records[1::2], strict=True):
        sizes = [f"{error.value:.4g}", "{:.3g} .. {:.3g}".format(*error.interval)]
        rows.append(
            [error.name, *sizes, f"{share.value:.3f}", "{:.3f} .. {:.3f}".format(*share.interval), f"{error.n:,}"]
        )
    return table([title, "mean error", "95 %", "R2", "95 %", "n"], rows)


def _verdict(judged: _Judged) -> str:
    """Who is nearer to the truth, unit by unit, and whether that is more than chance."""
    from isthmus.stats.intervals import paired_difference, unit_means

    if len(judged.told) < 2 or len(judged.truth) < 2:
        return "note: nothing could be held out, so nothing was set beside pixels"
    errors = {name: unit_means(np.abs(told - judged.truth), judged.together) for name, told in judged.told.items()}
    ours, *others = errors
    best = min(others, key=lambda name: float(errors[name].mean()))
    gain = paired_difference(errors[best], errors[ours])
    first = "Pre-training is ahead" if gain.value > 0 else "A baseline is ahead" if gain.value < 0 else "No winner"
    sure = "" if gain.low > 0 or gain.high < 0 else ", which may be chance" if gain.value else ""
    return f"{first}{sure}: mean error {errors[ours].mean():.4g}, that of {best} {errors[best].mean():.4g}."


def _say_suspects(regressor: Any, pile: Any, name: str) -> None:
    for one in regressor.suspects_[:_SUSPECTS_SHOWN]:
        apart = f"{one.given:.4g} and looks like {one.told:.4g} ({one.sigmas:.0f} times the usual error)"
        say(f"check this label: {pile.ids[one.row]} is labelled {apart}")
    if len(regressor.suspects_) > _SUSPECTS_SHOWN:
        say(f"and {len(regressor.suspects_) - _SUSPECTS_SHOWN:,} more, in heads/{name}.json")
    if regressor.reach_ is None:
        say(f"note: no intervals: {regressor.no_intervals_}")
