"""Beyond the data: what weighted retraining is worth when a picture with more ink than any is asked for.

    python -m benchmarks.retraining --seeds 1 2 3

The task of Tripp, Daxberger and Hernandez-Lobato (2020), smaller: shapes no side of which is longer than 10 of 32
pixels; the score is the ink. A VAE of 4 numbers is fitted once a seed, and all ways go on from it with the same
optimiser and as many calls: retraining with weights by rank (k = 1e-3), without weights (k infinite), no retraining,
and random draws about the best pictures' codes, which learn nothing. What is retrained is so every 25 calls, on as
many draws as a fifth of the pictures. The settings were chosen on seed 0. About two CPU-minutes a seed.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import commit, said
from isthmus import VAE, Pictures, open_pictures
from isthmus.design.black_box.random import Random
from isthmus.design.black_box.trust import Trust
from isthmus.design.maximise import attribute_of
from isthmus.design.retrain import Pursued, Retraining, pursue
from isthmus.files import write_atomically
from isthmus.run import machine

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "design" / "retraining.jsonl"
SIDE, COUNT, LATENT, EPOCHS = 32, 3000, 4, 12.0
EVERY, AGAIN, BATCH = 25, 0.2, 5
OURS = "weighted retraining"
WAYS: dict[str, tuple[type, dict[str, Any]]] = {
    OURS: (Trust, {"every": EVERY, "k": 1e-3}),
    "retraining without weights": (Trust, {"every": EVERY, "k": math.inf}),
    "no retraining": (Trust, {"every": 0}),
    "random draws": (Random, {"every": 0}),
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--budget", type=int, default=250)
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    pictures, measured = _pictures(), commit()
    found: dict[str, dict[int, Pursued]] = {way: {} for way in WAYS}
    seconds: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    for seed in given.seeds:
        # In float32, since bf16 is chosen by how busy the machine is, and a seed must find the same again.
        model = VAE(net="conv", latent=LATENT, epochs=EPOCHS, precision="float32", seed=seed).fit(pictures)
        for way in WAYS:
            started = time.process_time()
            found[way][seed] = _pursued(way, model, pictures, seed, given.budget)
            seconds[way][str(seed)] = round(time.process_time() - started, 1)
            print(f"seed {seed}, {way}: {found[way][seed].curve[-1]:.0f}", flush=True)
    common = {
        "n": given.budget,
        "split": None,
        "data": f"{COUNT:,} shapes of {SIDE} x {SIDE}",
        "seed": given.seeds,
        "command": said("retraining", words),
        "machine": machine(),
        "commit": measured,
    }
    most = float(_areas(pictures).max())
    records = [_record(common, way, found, most, seconds[way], given.budget) for way in WAYS]
    write_atomically(RESULTS, "".join(json.dumps(record) + "\n" for record in records).encode())
    for record in records:
        print(f"{record['name']}: {record['value']:.4g} {record['interval']} (bar: {record['bar']})", flush=True)
    return 0


def _pictures() -> Pictures:
    """Half as wide as the set: a pixel is white where any of its four is."""
    pictures = open_pictures("shapes").take(np.arange(COUNT))
    pixels = pictures.pixels
    pictures.pixels = pixels.reshape(COUNT, 1, SIDE, 2, SIDE, 2).max(axis=(3, 5))
    return pictures


def _areas(pictures: Pictures) -> np.ndarray:
    return np.asarray(pictures.pixels.sum(axis=(1, 2, 3)), np.float64)


def _pursued(way: str, model: Any, pictures: Pictures, seed: int, budget: int) -> Pursued:
    kind, fields = WAYS[way]
    retraining = Retraining(epochs=AGAIN, seed=seed, **fields)
    area = attribute_of(model, "area")
    return pursue(model, pictures, _areas(pictures), area, kind(seed=seed), retraining, budget=budget, batch=BATCH)


def _record(
    common: dict[str, Any],
    way: str,
    found: dict[str, dict[int, Pursued]],
    most: float,
    seconds: dict[str, float],
    budget: int,
) -> dict[str, Any]:
    ends = {name: [float(one.curve[-1]) for one in by_seed.values()] for name, by_seed in found.items()}
    rival = max((name for name in ends if name != OURS), key=lambda name: np.mean(ends[name]))
    record = common | {
        "name": f"largest area after {budget} calls, {way}",
        "value": float(np.mean(ends[way])),
        "interval": [min(ends[way]), max(ends[way])],
        "interval_is": "least and most over the seeds",
        "bar": None,
        "baseline": {"name": "largest area of the data", "value": most},
        "per_seed": {str(seed): float(one.curve[-1]) for seed, one in found[way].items()},
        "curve": {
            str(seed): {str(call): float(one.curve[call - 1]) for call in range(EVERY, budget + 1, EVERY)}
            for seed, one in found[way].items()
        },
        "cpu_seconds": seconds,
    }
    if way == OURS:
        record |= {
            "bar": "more than every other way on every seed",
            "met": all(min(a - b for a, b in zip(ends[OURS], other, strict=True)) > 0
                       for name, other in ends.items() if name != OURS),
            "rival": {"name": rival, "value": float(np.mean(ends[rival]))},
        }  # fmt: skip
    return record


if __name__ == "__main__":
    raise SystemExit(main())
