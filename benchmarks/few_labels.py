"""The bars for few labels: pre-train without labels, then classify with 40 to 1,000 on ten draws, baselines beside.

    python -m benchmarks.few_labels fashion-mnist
    python -m benchmarks.few_labels cifar10 --counts 250 1000
    python -m benchmarks.few_labels fashion-mnist --ways from-scratch --pretraining 0 --no-baselines --kept runs
    python -m benchmarks.few_labels mnist --ways taught --counts 100 --share-draws --no-baselines

Everything is the default: `Contrastive()` on the training pictures, the head `blend` on their features, and again
without the assumption that classes are as common as the labels say. Settings were chosen on the last 10,000 training
pictures; the test split is only looked at here. Baselines see the draws of the first encoder. With `--share-draws` each
draw is given to one encoder in turn, not to all of them: for ways that take minutes a draw. Records are written after
each encoder and replace their namesakes.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import commit, said
from benchmarks.splits import encoder, train_and_test
from isthmus.classify.curve import BESIDE, Curve, label_curve
from isthmus.classify.heads._head import Head
from isthmus.classify.heads.blend import Blend
from isthmus.classify.heads.taught import Taught
from isthmus.classify.heads.tuned import Tuned
from isthmus.files import write_atomically
from isthmus.models._loading import untrained
from isthmus.run import machine

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "few-labels"
BARS = {
    ("fashion-mnist", "blend"): {40: 0.725, 100: 0.77, 250: 0.81, 1000: 0.85},
    ("fashion-mnist", "taught"): {40: 0.76, 100: 0.81, 250: 0.85, 1000: 0.89},
    ("mnist", "taught"): {100: 0.985},
}
WAYS: dict[str, Head] = {
    "blend": Blend(),
    "blend, class shares unknown": Blend(shares="unknown"),
    "taught": Taught(),
    "taught, class shares unknown": Taught(shares="unknown"),
    "tuned": Tuned(),
    "from-scratch": Tuned(),
}


def main(argv: list[str] | None = None) -> int:
    """One data set, all seeds; a record for each number of labels and each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--pretraining", type=int, nargs="+", default=[0, 1, 2], help="seeds of the encoder")
    parser.add_argument("--draws", type=int, nargs="+", default=list(range(10)), help="seeds of the labels")
    parser.add_argument("--counts", type=int, nargs="+", default=[40, 100, 250, 1000])
    parser.add_argument("--ways", nargs="+", default=list(WAYS)[:2], choices=WAYS)
    parser.add_argument("--share-draws", action="store_true", help="each draw for one encoder only")
    parser.add_argument("--no-baselines", action="store_true", help="those of an earlier run stand")
    parser.add_argument("--kept", type=Path, help="a folder in which encoders are kept, and found again")
    parser.add_argument("--threads", type=int, default=1)
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    if "from-scratch" in given.ways and (len(given.ways) > 1 or not given.kept):
        parser.error("from-scratch is measured alone, and with --kept: its network is that of a kept run, untrained")
    given.command = said("few_labels", words, given.kept)
    torch.set_num_threads(given.threads)
    train, test = train_and_test(given.data)
    heads = {name: WAYS[name] for name in given.ways}
    curves, seconds, beside = [], [], None
    for number, seed in enumerate(given.pretraining):
        model, trained = encoder(given.data, train, seed, given.kept)
        draws = given.draws[number :: len(given.pretraining)] if given.share_draws else given.draws
        started = time.process_time()
        start = untrained(given.kept / f"{given.data}-{seed}") if given.kept else None
        looked = start if start is not None and "from-scratch" in given.ways else model
        curves.append(label_curve(looked, train, test, given.counts, draws, heads, beside=()))
        seconds.append({"pretraining": trained, "all_draws": round(time.process_time() - started, 1)})
        if beside is None and not given.no_baselines:
            started = time.process_time()
            beside = label_curve(model, train, test, given.counts, given.draws, {}, start, beside=BESIDE)
            seconds[-1]["baselines"] = round(time.process_time() - started, 1)
        _write(given, curves, beside, seconds, len(test))
    return 0


def _write(given: argparse.Namespace, curves: list[Curve], beside: Curve | None, seconds: list[Any], n: int) -> None:
    """The records of the seeds so far: an interrupted run leaves what it has."""
    common = {
        "n": n,
        "split": "batch 5" if given.data == "cifar10" else "test",
        "data": given.data,
        "seed": given.pretraining[: len(curves)],
        "draws": given.draws,
        "command": given.command,
        "machine": machine(),
        "cpu_seconds": seconds,
        "commit": commit(),
    }
    path = RESULTS / f"{given.data}.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    records = {record["name"]: record for record in map(json.loads, lines)}
    before = {name: record.get("baseline") for name, record in records.items()}
    for way in given.ways:
        for count in given.counts:
            record = _record(way, count, curves, beside, given) | common
            if beside is None:
                there = before.get(f"accuracy at {count} labels, blend") or {}
                record["baseline"] = {key: there[key] for key in there if not key.startswith("gain")} or None
            records[record["name"]] = record
    text = "".join(json.dumps(record) + "\n" for record in records.values())
    write_atomically(path, text.encode())


def _record(
    way: str, count: int, curves: list[Curve], beside: Curve | None, given: argparse.Namespace
) -> dict[str, Any]:
    row = given.counts.index(count)
    found = [curve.accuracy[way][row] for curve in curves]
    draws = np.concatenate(found) if given.share_draws else np.mean(found, axis=0)
    mean, error = float(draws.mean()), float(draws.std(ddof=1) / np.sqrt(len(draws))) if len(draws) > 1 else None
    bar = BARS.get((given.data, way), {}).get(count)
    print(f"accuracy at {count} labels, {way}: {100 * mean:.2f}", flush=True)
    return {
        "name": f"accuracy at {count} labels, {way}",
        "value": mean,
        "interval": None if error is None else [mean - error, mean + error],
        "interval_is": "mean -+ one standard error over draws, encoders averaged",
        "bar": None if bar is None else f">= {bar} within one standard error",
        "met": None if bar is None else mean + (error or 0) >= bar,
        "baseline": None if beside is None else _beside(count, row, beside, draws),
        "per_seed": {str(s): values.tolist() for s, values in zip(given.pretraining, found, strict=False)},
    }


def _beside(count: int, row: int, beside: Curve, draws: np.ndarray) -> dict[str, Any]:
    """The best baseline, how far ahead of it this is draw by draw, and all of them."""
    best = beside.best_baseline(count)
    values = beside.accuracy[best][row]
    gain = draws - values if len(draws) == len(values) else np.array([draws.mean() - values.mean()])
    wide = 1.96 * float(gain.std(ddof=1)) / np.sqrt(len(gain)) if len(gain) > 1 else None
    return {
        "name": best,
        "value": float(values.mean()),
        "gain": float(gain.mean()),
        "gain_95": None if wide is None else [float(gain.mean()) - wide, float(gain.mean()) + wide],
        "all": {name: float(beside.accuracy[name][row].mean()) for name in beside.baselines},
        "all_spread": {name: float(beside.accuracy[name][row].std(ddof=1)) for name in beside.baselines},
    }


if __name__ == "__main__":
    raise SystemExit(main())
