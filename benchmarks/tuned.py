"""The bar of tuning: in 20 minutes it finds a setting at least as good as the default.

    python -m benchmarks.tuned fashion-mnist --minutes 20
    python -m benchmarks.tuned fashion-mnist --minutes 20 --kept FOLDER

`isthmus tune` searches on the training pictures alone. What it recommends and the default are then trained on all
training pictures, with seeds that the search did not use and for as many epochs as a trial had (or `--epochs`), and
judged on the test pictures, which nobody has looked at before. "As good" is the squared error a pixel. FOLDER keeps the
study, so that a run that was stopped goes on. Records replace their namesakes.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import commit, said
from benchmarks.splits import train_and_test
from isthmus import models
from isthmus.files import write_atomically
from isthmus.images.pictures import Pictures
from isthmus.run import machine
from isthmus.stats import mean_interval, paired_difference
from isthmus.tune import Answer, tune
from isthmus.tune.judging import errors_of
from isthmus.tune.space import applied

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "tuning"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="conv-vae")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--epochs", type=float, help="of the last trainings (default: those of a trial)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--kept", type=Path)
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    torch.set_num_threads(given.threads)
    train, test = train_and_test(given.data)
    model = models.make(given.model)
    with tempfile.TemporaryDirectory() as scratch:
        cpu, wall = time.process_time(), time.perf_counter()
        answer = tune(
            model,
            train,
            out=(given.kept or Path(scratch)) / "study",
            trials=given.trials,
            minutes=given.minutes,
            ended=lambda row: print(row.number, row.state, row.values, row.measured.get("error"), row.why, flush=True),
        )
        spent = time.process_time() - cpu, time.perf_counter() - wall
    print(answer.reason, flush=True)
    shared = {"split": "test", "data": given.data, "command": said("tuned", words, given.kept), "machine": machine()}
    shared |= {"commit": commit(), "n": len(test)}
    records = _records(answer, _final(given, model, answer, train, test), spent, shared)
    _write(RESULTS / f"{given.data}.jsonl", records)
    for record in records:
        print(f"{record['name']}: {record['value']:.4g} (bar: {record['bar']})", flush=True)
    return 0


def _final(
    given: argparse.Namespace, model: Any, answer: Answer, train: Pictures, test: Pictures
) -> dict[str, list[np.ndarray]]:
    """Errors of each test picture, by setting and seed."""
    found: dict[str, list[np.ndarray]] = {"recommended": [], "default": []}
    for seed in given.seeds:
        for name, row in (("recommended", answer.chosen), ("default", answer.default)):
            made = applied(model, row.values, train.pixels.shape[1:])
            made.set_params(seed=seed, epochs=given.epochs or answer.epochs)
            found[name].append(errors_of(made.fit(train), test))
            print(name, seed, found[name][-1].mean(), flush=True)
    return found


def _records(
    answer: Answer, found: dict[str, list[np.ndarray]], spent: tuple[float, float], shared: dict[str, Any]
) -> list[dict[str, Any]]:
    means = {name: np.mean(errors, axis=0) for name, errors in found.items()}
    error, gain = mean_interval(means["recommended"]), paired_difference(means["recommended"], means["default"])
    default = float(means["default"].mean())
    seeds = [{name: float(errors[i].mean()) for name, errors in found.items()} for i in range(len(found["default"]))]
    about = {
        "setting": answer.chosen.values,
        "default": answer.default.values,
        "measured": {"recommended": answer.chosen.measured, "default": answer.default.measured},
        "reason": answer.reason,
        "epochs of a trial": answer.epochs,
        "trials": {s: sum(row.state == s for row in answer.rows) for s in ("finished", "given up", "failed")},
    }
    baseline = {"default": default, "PCA": answer.beside.pca_at(answer.chosen.measured["code"])}
    costs = {"cpu_seconds": round(spent[0], 1), "wall_seconds": round(spent[1], 1)}
    first = {"name": "test MSE of the recommended setting", "value": error.value, "interval": [error.low, error.high]}
    second = {"name": "test MSE, recommended - default", "value": gain.value, "interval": [gain.low, gain.high]}
    return [
        first | shared | {"bar": f"<= {default}", "baseline": baseline, "per_seed": seeds} | costs | about,
        second | shared | {"bar": "<= 0", "baseline": {"default": 0.0}, "per_seed": seeds} | costs,
    ]


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    kept = {record["name"]: record for record in map(json.loads, lines)} | {one["name"]: one for one in records}
    write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept.values()).encode())


if __name__ == "__main__":
    raise SystemExit(main())
