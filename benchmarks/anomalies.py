"""A class that nobody saw: how well it is told from the nine known ones, with no odd picture to learn from.

    python -m benchmarks.anomalies fashion-mnist --epochs 2

For each class: it is taken out of the training pictures, `Contrastive` is fitted on the rest without labels, and every
picture of the split is given a number by each way and by both baselines, which learn from the very same pictures. Of
those, 2,000 are kept from everything but the threshold: what it promised is measured too. Ways and their settings were
chosen with `--split validation`, where the last 10,000 training pictures are judged and not trained on.

Results are written after each class; called again with the same settings, it goes on with the classes that are left.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import commit
from benchmarks.splits import train_and_test
from isthmus import Contrastive
from isthmus.classify.anomalies import Judge
from isthmus.classify.oddness import BASELINES, WAYS
from isthmus.contract import evenly
from isthmus.files import write_atomically
from isthmus.run import machine
from isthmus.stats import auroc, mean_interval
from isthmus.stats.conformal import alarm_threshold
from isthmus.train.watchers import Lines

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "few-labels"
ALL = WAYS | BASELINES
ASIDE, LAST, ALARMS = 2000, 10_000, 0.01
BAR = "above PCA's and kNN's"


def main(argv: list[str] | None = None) -> int:
    """One data set, one class after the other; one record a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--split", choices=("validation", "test"), default="test", help="which pictures are judged")
    parser.add_argument("--epochs", type=float, default=2.0, help="of the encoder (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="of the encoder")
    parser.add_argument("--classes", type=int, nargs="+", help="only these are taken out, by number (default: each)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="the results file (default: by data set and split)")
    parser.add_argument("--pictures", type=int, help=argparse.SUPPRESS)  # of each split: a look, not a result
    given = parser.parse_args(argv)
    torch.set_num_threads(given.threads)
    train, asked = _pictures(given)
    out = given.out or RESULTS / f"anomalies-{given.data}{'' if given.split == 'test' else '-validation'}.jsonl"
    done = _done(out, given)
    for number in given.classes or range(len(train.classes)):
        name = train.classes[number]
        if name not in done:
            done[name] = _one(number, train, asked, given)
            _write(out, done, given, len(asked))
        print(f"{name}: " + ", ".join(f"{way} {done[name]['auroc'][way]:.3f}" for way in ALL), flush=True)
    return 0


def _pictures(given: argparse.Namespace) -> tuple[Any, Any]:
    """What may be learnt from, and what is judged."""
    train, test = train_and_test(given.data)
    if given.split == "validation":
        rows = np.arange(len(train))
        train, test = train.take(rows[:-LAST]), train.take(rows[-LAST:])
    if given.pictures:
        train, test = (some.take(evenly(len(some), given.pictures)) for some in (train, test))
    train.split = test.split = None
    return train, test


def _one(number: int, train: Any, asked: Any, given: argparse.Namespace) -> dict[str, Any]:
    """One class taken out: AUROC, false alarms, what was found, and CPU-seconds, each by way."""
    rest, odd = train.take(train.labels != number), asked.labels == number
    held = np.zeros(len(rest), bool)
    held[evenly(len(rest), min(ASIDE, len(rest) // 5))] = True
    learn, aside = rest.take(~held), rest.take(held)
    started = time.process_time()
    model = Contrastive(epochs=given.epochs, seed=given.seed).fit(learn, watchers=[Lines()])
    found: dict[str, Any] = {"auroc": {}, "interval": {}, "false_alarms": {}, "found": {}, "cpu_seconds": {}}
    found["cpu_seconds"]["encoder"] = round(time.process_time() - started, 1)
    for way, kind in ALL.items():
        started = time.process_time()
        judge = Judge.learn(kind, model, learn, aside)
        scores = judge.way.of(asked)
        flagged, area = scores > alarm_threshold(judge.usual, ALARMS)[0], auroc(scores, odd)
        found["auroc"][way], found["interval"][way] = area.value, [area.low, area.high]
        found["false_alarms"][way], found["found"][way] = float(flagged[~odd].mean()), float(flagged[odd].mean())
        found["cpu_seconds"][way] = round(time.process_time() - started, 1)
    return found


def _settings(given: argparse.Namespace) -> dict[str, Any]:
    return {"data": given.data, "split": given.split, "epochs": given.epochs, "seed": given.seed, "of": given.pictures}


def _done(out: Path, given: argparse.Namespace) -> dict[str, Any]:
    """The classes that a file holds already, if it was made with the same settings for the same ways."""
    lines = out.read_text("utf-8").splitlines() if out.is_file() else []
    records = {record["way"]: record for record in map(json.loads, lines)}
    wanted = _settings(given)
    if set(records) != set(ALL) or any(record["settings"] != wanted for record in records.values()):
        return {}
    classes = next(iter(records.values()))["per_class"]
    return {name: _gathered(records, name) for name in classes}


def _gathered(records: dict[str, Any], name: str) -> dict[str, Any]:
    """One class as `_one` gave it, out of the records of all ways."""
    keys = next(iter(records.values()))["per_class"][name]
    found = {key: {way: record["per_class"][name][key] for way, record in records.items()} for key in keys}
    found["cpu_seconds"]["encoder"] = next(iter(records.values()))["encoder_seconds"][name]
    return found


def _write(out: Path, done: dict[str, Any], given: argparse.Namespace, n: int) -> None:
    """The records of the classes so far: an interrupted run leaves what it has."""
    means = {way: float(np.mean([one["auroc"][way] for one in done.values()])) for way in ALL}
    best = max(BASELINES, key=lambda way: means[way])
    command = f"python -m benchmarks.anomalies {given.data} --split {given.split} --epochs {given.epochs:g}"
    common = {
        "n": n,
        "split": given.split,
        "data": given.data,
        "seed": given.seed,
        "command": command,
        "machine": machine(),
        "commit": commit(),
        "settings": _settings(given),
        "encoder_seconds": {name: one["cpu_seconds"]["encoder"] for name, one in done.items()},
    }
    lines = "".join(json.dumps(_record(way, done, means, best) | common) + "\n" for way in ALL)
    write_atomically(out, lines.encode())


def _record(way: str, done: dict[str, Any], means: dict[str, float], best: str) -> dict[str, Any]:
    values = [one["auroc"][way] for one in done.values()]
    mean = mean_interval(np.array(values))
    ours = way in WAYS
    return {
        "name": f"AUROC of a class that was never seen, {ALL[way].title}",
        "way": way,
        "value": mean.value,
        "interval": None if len(values) < 2 else [mean.low, mean.high],
        "interval_is": "Student's, over the classes taken out; DeLong's for each in per_class",
        "bar": BAR if ours else None,
        "met": mean.value > means[best] if ours else None,
        "baseline": {"name": best, "value": means[best], "all": {other: means[other] for other in BASELINES}},
        "false_alarms": {"asked": ALARMS, "value": float(np.mean([one["false_alarms"][way] for one in done.values()]))},
        "per_class": {name: {key: values[way] for key, values in one.items()} for name, one in done.items()},
        "cpu_seconds": round(sum(one["cpu_seconds"][way] for one in done.values()), 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
