"""Folders of photographs that nobody tuned on: is pre-training worth it there, or are pixels as good?

    python -m benchmarks.photographs

Three folders of PNG files are written, a folder a class, and read again as a user's would be: the vehicles and the
animals of CIFAR-10's fifth training batch (4 and 6 classes, at most 500 a class),
and the thousand official test photographs at hand (10 classes). A fifth is kept as the test. The default encoder learns
from the others without labels; then the curve at 5 and 20 labels a class, five draws, beside every baseline. The record
holds the curve's own first line, which says so where a baseline wins.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.record import commit
from isthmus import Contrastive, open_pictures
from isthmus.classify.curve import Curve, label_curve
from isthmus.classify.heads.blend import Blend
from isthmus.files import write_atomically
from isthmus.images.pictures import Pictures
from isthmus.images.splits import split
from isthmus.models._loading import untrained
from isthmus.run import machine
from isthmus.train.watchers import Lines

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "few-labels"
VEHICLES = ("airplane", "automobile", "ship", "truck")
MOST, EACH, DRAWS = 500, (5, 20), tuple(range(5))


def main(argv: list[str] | None = None) -> int:
    """All three folders; a record for each and each number of labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", nargs="+", default=["vehicles", "animals", "everything"])
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    records: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        for name in given.folders:
            records += _judged(name, Path(place))
            lines = "".join(json.dumps(record) + "\n" for record in records)
            write_atomically(RESULTS / "photographs.jsonl", lines.encode())
    return 0


def _judged(name: str, place: Path) -> list[dict[str, Any]]:
    _write(name, place / name)
    pictures = open_pictures(place / name)
    part = split(pictures, validation=0, test=0.2, seed=0)
    pile, test = pictures.take(part == "train"), pictures.take(part == "test")
    started = time.process_time()
    model = Contrastive(seed=0).fit(pile, run=place / f"run-{name}", watchers=[Lines()])
    fitted = time.process_time()
    counts = [each * len(pictures.classes) for each in EACH]
    curve = label_curve(model, pile, test, counts, DRAWS, {"blend": Blend()}, untrained(place / f"run-{name}"))
    print(f"{name}: {curve.verdict('blend')}", flush=True)
    seconds = {"pretraining": round(fitted - started, 1), "curve": round(time.process_time() - fitted, 1)}
    return [_record(name, count, curve, len(test)) | {"cpu_seconds": seconds} for count in counts]


def _write(name: str, folder: Path) -> None:
    source = open_pictures("cifar10")
    rows = np.arange(len(source))
    if name == "everything":
        some = source.take(rows >= 50_000)
    else:
        wanted = [c for c, word in enumerate(source.classes) if (word in VEHICLES) == (name == "vehicles")]
        batch = source.take((rows >= 40_000) & (rows < 50_000))
        firsts = [np.flatnonzero(batch.labels == c)[:MOST] for c in wanted]
        some = batch.take(np.sort(np.concatenate(firsts)))
    _as_files(some, folder)


def _as_files(some: Pictures, folder: Path) -> None:
    for row, (picture, label) in enumerate(zip(some.pixels, some.labels, strict=True)):
        path = folder / some.classes[label] / f"{row:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.moveaxis(picture, 0, 2)).save(path)


def _record(name: str, count: int, curve: Curve, n: int) -> dict[str, Any]:
    found, gain, best = curve.at("blend", count), curve.gain("blend", count), curve.best_baseline(count)
    row = curve.counts.index(count)
    return {
        "name": f"accuracy at {count} labels, folder of photographs: {name}",
        "value": found.value,
        "interval": [found.low, found.high],
        "n": n,
        "split": "a fifth, drawn by key",
        "data": "cifar10",
        "seed": 0,
        "draws": list(DRAWS),
        "command": f"python -m benchmarks.photographs --folders {name}",
        "machine": machine(),
        "bar": "ahead of the best baseline, or the verdict says otherwise",
        "met": gain.low > 0,
        "verdict": curve.verdict("blend"),
        "baseline": {
            "name": best,
            "value": float(curve.accuracy[best][row].mean()),
            "gain": [gain.value, gain.low, gain.high],
            "all": {other: float(curve.accuracy[other][row].mean()) for other in curve.baselines},
        },
        "per_seed": curve.accuracy["blend"][row].tolist(),
        "commit": commit(),
    }


if __name__ == "__main__":
    raise SystemExit(main())
