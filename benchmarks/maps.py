"""The bars of maps: what lay together lies together, new pictures land there too, and nobody waits for minutes.

    python -m benchmarks.maps mnist
    python -m benchmarks.maps fashion-mnist --run RUN --threads 2
    python -m benchmarks.maps mnist --quick

All pictures of the set are placed, without labels; the training pictures then vote on those of the set's own test
split. "New pictures" are the test pictures where they would land if they came later: the map's guidance learns from
training places alone. `--quick` takes 12,000 pictures, to which the bars do not apply. RUN is a fitted model of the
set's own training pictures; without one only pixels are mapped. Records replace their namesakes.
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
from isthmus import discover, load
from isthmus.contract import evenly
from isthmus.files import write_atomically
from isthmus.look.codes import codes_of
from isthmus.look.maps import draw
from isthmus.run import machine
from isthmus.stats import paired_difference
from isthmus.stats.knn import knn_predict

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "look"
METHODS = ("pca", "umap", "tsne")
BARS = {("fashion-mnist", "tsne"): 0.80, ("fashion-mnist", "umap"): 0.76, ("mnist", "umap"): 0.95}
"""Of 5-NN on pixels."""

PUBLISHED = {
    "mnist": {"t-SNE": 0.950, "UMAP": 0.954, "parametric UMAP": 0.961, "PCA": 0.420},
    "fashion-mnist": {"t-SNE": 0.804, "UMAP": 0.761, "parametric UMAP": 0.741, "PCA": 0.506},
}
LOSES, SECONDS, QUICK = 0.02, 180.0, 12_000


def main(argv: list[str] | None = None) -> int:
    """All maps of one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=sorted(PUBLISHED))
    parser.add_argument("--run", help="a run folder of a model of the set's training pictures")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="12,000 pictures; a look, not a result")
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    given.command = said("maps", words).replace(given.run or "RUN", "RUN")
    torch.set_num_threads(given.threads)
    records: list[dict[str, Any]] = []
    for of, rows, labels, held, seconds in _materials(given):
        for method in given.methods:
            records += _mapped(given, of, rows, labels, held, method, seconds)
            for record in records[-3:]:
                print(
                    f"{record['name']}: {record['value']:.4g} {record['interval']} (bar: {record['bar']})", flush=True
                )
    _write(RESULTS / f"maps-{given.data}{'-quick' if given.quick else ''}.jsonl", records)
    return 0


def _materials(given: argparse.Namespace) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray, float]]:
    """What is mapped: its name, rows, labels, which are held out, and the seconds that the rows took."""
    parts = list(train_and_test(given.data))
    if given.quick:
        whole = sum(map(len, parts))
        parts = [part.take(evenly(len(part), round(QUICK * len(part) / whole))) for part in parts]
    labels = np.concatenate([part.labels for part in parts])
    held = np.repeat([False, True], [len(part) for part in parts])
    pixels = np.concatenate([part.pixels.reshape(len(part), -1) for part in parts]).astype(np.float32) / 255
    found = [("pixels", pixels, labels, held, 0.0)]
    if given.run:
        model, began = load(given.run), time.perf_counter()
        codes = np.concatenate([codes_of(model, part) for part in parts])
        found.append(("codes", codes, labels, held, time.perf_counter() - began))
    return found


class _Clock:
    """Seconds of every part of the work, from what is told of it."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._last = time.perf_counter()

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.perf_counter()
        self.parts[what] = self.parts.get(what, 0.0) + now - self._last
        self._last = now


def _mapped(
    given: argparse.Namespace,
    of: str,
    rows: np.ndarray,
    labels: np.ndarray,
    held: np.ndarray,
    method: str,
    encoding: float,
) -> list[dict[str, Any]]:
    """Three records: the map's accuracy, how much of it new pictures lose, and the seconds."""
    projection = discover.find("look.projections", method, "Projection")()
    clock, cpu = _Clock(), time.process_time()
    ids = [str(row) for row in range(len(rows))]
    made = draw(rows, ids, labels, held, projection, name=method, of=of, seed=given.seed, told=clock)
    cpu = time.process_time() - cpu
    landed = made.guidance.places_of(rows[held])
    voters = made.places[~held], labels[~held]
    teacher, distilled = (knn_predict(*voters, places) == labels[held] for places in (made.places[held], landed))
    lost = paired_difference(teacher.astype(float), distilled.astype(float))
    assert made.scores.knn is not None and made.distilled is not None and made.distilled.knn is not None
    right, new = made.scores.knn, made.distilled.knn
    waited = sum(seconds for what, seconds in clock.parts.items() if what != "scoring")
    bar = BARS.get((given.data, method)) if of == "pixels" and not given.quick else None
    fast = SECONDS if (of, method) == ("codes", "umap") and not given.quick else None
    name, common = f"{projection.words} of {of}", _common(given, made, encoding, clock, cpu)
    return [
        common
        | {"name": f"{name}, 5-NN", "value": right.value, "interval": [right.low, right.high]}
        | {"bar": bar and f">= {bar}", "met": bar and bool(right.value >= bar)}
        | {"trustworthiness": made.scores.trustworthiness, "baseline": {"published": PUBLISHED[given.data]}},
        common
        | {"name": f"{name}, 5-NN lost by new pictures", "value": lost.value, "interval": [lost.low, lost.high]}
        | {"bar": f"<= {LOSES}", "met": bool(lost.value <= LOSES), "new_pictures": [new.value, new.low, new.high]}
        | {"trustworthiness": made.distilled.trustworthiness}
        | {"baseline": {"name": "the map itself", "value": right.value}},
        common
        | {"name": f"{name}, seconds", "value": waited, "interval": None}
        | {"bar": fast and f"<= {fast:.0f}", "met": fast and bool(waited <= fast), "baseline": None},
    ]


def _common(given: argparse.Namespace, made: Any, encoding: float, clock: _Clock, cpu: float) -> dict[str, Any]:
    parts = {what: round(seconds, 2) for what, seconds in clock.parts.items()} | {"encoding": round(encoding, 2)}
    return {
        "n": int(made.held.sum()),
        "pictures": len(made.ids),
        "split": "test",
        "data": given.data,
        "seed": given.seed,
        "command": given.command,
        "machine": machine(),
        "commit": commit(),
        "seconds": parts,
        "cpu_seconds": round(cpu, 1),
    }


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    kept = {record["name"]: record for record in map(json.loads, lines)} | {one["name"]: one for one in records}
    write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept.values()).encode())


if __name__ == "__main__":
    sys.exit(main())
