"""What the generative models draw, on real sets: the GANs and the conditional VAE beside the two steps and a plain VAE.

    python -m benchmarks.drawn mnist
    python -m benchmarks.drawn fashion-mnist --models gan conditional-vae

Every model with its own defaults, one seed. Drawn pictures are judged in the features of one oracle, which learnt from
the training pictures: Frechet classifier distance to the test split, precision, recall, density, coverage, nearest
training picture. A model that draws the class one asks for is also asked for every class: how many of its pictures the
oracle takes for what was asked, and how well a classifier that learnt from them alone names real test pictures.
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
from benchmarks.splits import train_and_test
from isthmus import models
from isthmus.contract import evaluate
from isthmus.files import write_atomically
from isthmus.measure.oracle import Oracle, as_pictures
from isthmus.measure.samples import MOST, classification_accuracy_score, sample_quality
from isthmus.models._classes import drawn_classes
from isthmus.run import machine
from isthmus.stats.intervals import wilson_interval
from isthmus.train.watchers import Lines

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "adversarial"
MODELS = ("conv-vae", "gan", "wasserstein-gan", "conditional-vae", "two-step")
FIELDS: dict[str, dict[str, Any]] = {"conditional-vae": {"net": "conv"}}


def main(argv: list[str] | None = None) -> int:
    """Records replace their namesakes, model by model, so that a run can be broken off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    torch.set_num_threads(given.threads)
    train, test = train_and_test(given.data)
    oracle = Oracle().fit(train.pixels, train.labels)
    common = {
        "split": "batch 5" if given.data == "cifar10" else "test",
        "data": given.data,
        "seed": given.seed,
        "command": said("drawn", words),
        "machine": machine(),
        "commit": commit(),
    }
    real = _learnt(train.pixels, train.labels, test, len(test)) if given.models else None
    for name in given.models:
        records = [common | record for record in _of(name, given.seed, train, test, oracle, real)]
        _keep(RESULTS / f"drawn-{given.data}.jsonl", records)
        for record in records:
            print(f"{record['name']}: {record['value']:.4g}", flush=True)
    return 0


def _keep(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    kept = {record["name"]: record for record in map(json.loads, lines)} | {one["name"]: one for one in records}
    write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept.values()).encode())


def _of(name: str, seed: int, train: Any, test: Any, oracle: Oracle, real: Any) -> list[dict[str, Any]]:
    started = time.process_time()
    model = models.make(name, seed=seed, **FIELDS.get(name, {})).fit(train, watchers=[Lines()])
    seconds = round(time.process_time() - started, 1)
    n = min(MOST, len(test))
    by_class = len(drawn_classes(model)) > 1
    asked = np.arange(n) % len(train.classes)
    samples = model.sample(n, seed, y=asked) if by_class else model.sample(n, seed)
    pictures = evaluate(model, samples, as_pictures)
    found = sample_quality(pictures, *(pile.pixels / np.float32(255) for pile in (train, test)), oracle, test.labels)
    rows = {key: getattr(value, "value", value) for key, value in found.rows().items()}
    records = [
        {
            "name": f"Frechet classifier distance of drawn pictures, {name}",
            "value": found.fcd.value,
            "interval": [found.fcd.low, found.fcd.high],
            "n": n,
            "bar": None,
            "baseline": {"name": "a Gaussian fitted to the pixels", "value": found.fcd_ceiling},
            "floor": found.fcd_floor,
            "drawn": rows,
            "per_seed": {str(seed): found.fcd.value},
            "cpu_seconds": seconds,
        }
    ]
    if by_class:
        right = wilson_interval(int((oracle.predict(pictures) == asked).sum()), n)
        learnt = _learnt(pictures, asked, test, n)
        told = {
            "agreement of drawn pictures with the class that was asked for": (right, "the oracle on test pictures",
                                                                             found.oracle_accuracy.value),
            "accuracy of a classifier that learnt from drawn pictures": (learnt, "the same, from as many real ones",
                                                                        real.value),
        }  # fmt: skip
        records += [
            {
                "name": f"{what}, {name}",
                "value": value.value,
                "interval": [value.low, value.high],
                "n": value.n,
                "bar": None,
                "baseline": {"name": beside, "value": theirs},
                "per_seed": {str(seed): value.value},
                "cpu_seconds": seconds,
            }
            for what, (value, beside, theirs) in told.items()
        ]
    return records


def _learnt(pictures: Any, labels: np.ndarray, test: Any, n: int) -> Any:
    """Of the fixed recipe on `n` of these pictures, spread evenly over the pile."""
    rows = np.linspace(0, len(labels) - 1, n).round().astype(int)
    some = as_pictures(pictures)[torch.from_numpy(rows)]
    return classification_accuracy_score(some, np.asarray(labels)[rows], test.pixels, test.labels)


if __name__ == "__main__":
    raise SystemExit(main())
