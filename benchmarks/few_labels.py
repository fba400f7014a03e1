"""The bars for few labels: pre-train without labels, then classify with 40 to 1,000 on ten draws, baselines beside.

    python -m benchmarks.few_labels fashion-mnist --pretraining 0 1 2

Everything is the default: `Contrastive()` on the training pictures, the head `blend` on their features. The second row
drops the assumption that classes are as common as the labels say. Settings were chosen on the last 10,000 training
pictures; the test split is only looked at here.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.quality import _data
from benchmarks.record import commit
from isthmus import Contrastive
from isthmus.classify.curve import Curve, label_curve
from isthmus.classify.heads.blend import Blend
from isthmus.files import write_atomically
from isthmus.run import machine
from isthmus.train.watchers import Lines

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "few-labels"
MUST = {"fashion-mnist": {40: 0.725, 100: 0.77, 250: 0.81, 1000: 0.85}}
HEADS = {"blend": Blend(), "blend, class shares unknown": Blend(shares="unknown")}


def main(argv: list[str] | None = None) -> int:
    """One data set, all seeds; a record for each number of labels and each head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--pretraining", type=int, nargs="+", default=[0, 1, 2], help="seeds of the encoder")
    parser.add_argument("--draws", type=int, nargs="+", default=list(range(10)), help="seeds of the labels")
    parser.add_argument("--counts", type=int, nargs="+", default=[40, 100, 250, 1000])
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(argv)
    torch.set_num_threads(given.threads)
    train, test = _data(given.data)
    curves, seconds = [], []
    for number, seed in enumerate(given.pretraining):
        started = time.process_time()
        model = Contrastive(seed=seed).fit(train, watchers=[Lines()])
        trained = time.process_time() - started
        started = time.process_time()
        found = label_curve(model, train, test, given.counts, given.draws, HEADS, beside=())
        seconds.append({"pretraining": round(trained, 1), "all_draws": round(time.process_time() - started, 1)})
        curves.append(found)
        if number == 0:
            beside = label_curve(model, train, test, given.counts, given.draws, {})
        _write(given, curves, beside, seconds, len(test))
    return 0


def _write(given: argparse.Namespace, curves: list[Curve], beside: Curve, seconds: list[Any], n: int) -> None:
    """The records of the seeds so far: an interrupted run leaves what it has."""
    seeds = given.pretraining[: len(curves)]
    common = {
        "n": n,
        "split": "test",
        "data": given.data,
        "seed": seeds,
        "draws": given.draws,
        "command": f"python -m benchmarks.few_labels {given.data} --pretraining {' '.join(map(str, seeds))}",
        "machine": machine(),
        "cpu_seconds": seconds,
        "commit": commit(),
    }
    records = [_record(name, count, curves, beside, given) | common for name in HEADS for count in given.counts]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    write_atomically(RESULTS / f"{given.data}.jsonl", lines.encode())


def _record(name: str, count: int, curves: list[Curve], beside: Curve, given: argparse.Namespace) -> dict[str, Any]:
    row = given.counts.index(count)
    values = np.stack([curve.accuracy[name][row] for curve in curves])
    error = float(values.mean(axis=0).std(ddof=1) / np.sqrt(values.shape[1]))
    mean, best, must = float(values.mean()), beside.best_baseline(count), MUST.get(given.data, {}).get(count)
    others = {other: float(beside.accuracy[other][row].mean()) for other in beside.baselines}
    print(f"accuracy at {count} labels, {name}: {100 * mean:.2f} ({best} {100 * others[best]:.2f})")
    return {
        "name": f"accuracy at {count} labels, {name}",
        "value": mean,
        "interval": [mean - error, mean + error],
        "interval_is": "mean -+ one standard error over draws, encoders averaged",
        "bar": None if must is None else f">= {must} within one standard error",
        "met": None if must is None else mean + error >= must,
        "baseline": {"name": best, "value": others[best], "all": others},
        "per_seed": dict(zip(map(str, given.pretraining), values.tolist(), strict=False)),
    }


if __name__ == "__main__":
    raise SystemExit(main())
