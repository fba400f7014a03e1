"""Whether a classifier that says 90 % is right nine times of ten: all labels, the whole test split.

    python -m benchmarks.certainty fashion-mnist --kept runs

The default encoder and each head, fitted on the whole training split with all its labels, its temperature from folds of
these, as `isthmus classify` does it; calibration error, likelihood and Brier score on the test split, before and after
the temperature. Conformal sets: the test split is cut in two halves at random, a hundred times; one half gives the
threshold, the other is asked how often its sets hold the truth.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import commit
from benchmarks.splits import encoder, train_and_test
from isthmus import discover
from isthmus.classify.classifier import Classifier
from isthmus.classify.features import Features
from isthmus.files import write_atomically
from isthmus.run import machine
from isthmus.stats.calibration import brier_score, expected_calibration_error, negative_log_likelihood
from isthmus.stats.conformal import set_threshold, sets_of

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "few-labels"
SPLITS, LEVEL = 100, 0.9


def main(argv: list[str] | None = None) -> int:
    """One data set, all heads asked for; two records a head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--heads", nargs="+", default=["blend", "linear", "bayes"])
    parser.add_argument("--pretraining", type=int, default=0, help="seed of the encoder")
    parser.add_argument("--kept", type=Path, help="a folder in which encoders are kept, and found again")
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    train, test = train_and_test(given.data)
    model, trained = encoder(given.data, train, given.pretraining, given.kept)
    features = Features.learn(model, train)
    pile, asked = features.pile(train), features.pile(test)
    records = []
    for name in given.heads:
        started = time.process_time()
        classifier = Classifier(model=model, head=discover.find("classify.heads", name, "Head")())
        classifier.features_ = features
        classifier.fit_pile(pile, train.labels, train.classes)
        told = classifier.predict_proba(asked)
        seconds = {"encoder": trained, "head": round(time.process_time() - started, 1)}
        common = _common(given, len(test), seconds)
        records += [_calibration(name, told, classifier, asked, test.labels) | common]
        records += [_coverage(name, told, test.labels) | common]
        lines = "".join(json.dumps(record) + "\n" for record in records)
        write_atomically(RESULTS / f"certainty-{given.data}.jsonl", lines.encode())
    return 0


def _common(given: argparse.Namespace, n: int, seconds: dict[str, float]) -> dict[str, Any]:
    return {
        "n": n,
        "split": "test",
        "data": given.data,
        "seed": given.pretraining,
        "command": f"python -m benchmarks.certainty {given.data}",
        "machine": machine(),
        "cpu_seconds": seconds,
        "commit": commit(),
    }


def _calibration(name: str, told: np.ndarray, classifier: Classifier, asked: Any, truth: np.ndarray) -> dict[str, Any]:
    temperature, classifier.temperature_ = classifier.temperature_, 1.0
    before = classifier.predict_proba(asked)
    classifier.temperature_ = temperature
    error = expected_calibration_error(told, truth)
    print(f"{name}: {100 * (told.argmax(1) == truth).mean():.2f} % right, calibration error {100 * error:.2f} points")
    return {
        "name": f"expected calibration error after scaling, {name}, all labels",
        "value": error,
        "interval": None,
        "bar": "<= 0.01",
        "met": error <= 0.01,
        "baseline": {"name": "before scaling", "value": expected_calibration_error(before, truth)},
        "per_seed": [error],
        "accuracy": float((told.argmax(1) == truth).mean()),
        "temperature": temperature,
        "nats": [negative_log_likelihood(p, truth).value for p in (before, told)],
        "brier": [brier_score(p, truth).value for p in (before, told)],
    }


def _coverage(name: str, told: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    held, sizes = [], []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(truth))
        first, second = np.array_split(order, 2)
        sets = sets_of(told[second], set_threshold(told[first], truth[first], LEVEL))
        held.append(float(sets[np.arange(len(second)), truth[second]].mean()))
        sizes.append(float(sets.sum(axis=1).mean()))
    mean = float(np.mean(held))
    print(f"{name}: sets at {LEVEL:.0%} hold the truth in {100 * mean:.2f} %, {np.mean(sizes):.2f} classes each")
    return {
        "name": f"conformal coverage at {LEVEL:.0%}, {name}, {SPLITS} splits",
        "value": mean,
        "interval": [min(held), max(held)],
        "interval_is": "least and most over splits",
        "bar": f"within .005 of {LEVEL}",
        "met": abs(mean - LEVEL) <= 0.005,
        "baseline": None,
        "per_seed": held,
        "set_size": float(np.mean(sizes)),
    }


if __name__ == "__main__":
    raise SystemExit(main())
