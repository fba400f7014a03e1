"""Tools on very many codes: principal components, neighbours and maps; what each costs, finds and holds in memory.

    python -m benchmarks.latent

Codes are generated: clouds of their own width round 200 centres in 16 of the directions, and a little of everything in
the others. Each part runs in a process of its own, so that the most memory is that part's, imports and codes included.
Exact neighbours are what is to be found, and scikit-learn's components what is to be agreed with.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.record import Record, append, commit, met
from benchmarks.table import table

__all__ = ["generated", "main"]

_K, _ROUNDS, _PLACED = 15, 5, 20_000
_MOST = "<= 2.0"


def main(argv: list[str] | None = None) -> int:
    """0 when every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--rows", type=int, default=60_000, help="of 128 numbers each, for principal components")
    parser.add_argument("--mapped", type=int, default=100_000, help="codes that a map is drawn of, as `map` does")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--one", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("results/scale"))
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    if given.one:
        import torch

        torch.set_num_threads(1)
        print(json.dumps(PARTS[given.one](given) | {"peak": _peak()}))
        return 0
    found = {part: _apart(part, words) for part in given.parts}
    records = _records(found, given)
    append(given.out / "latent.jsonl", records)
    lines = [[r.name, f"{r.value:.4g}", r.bar or "", {None: "", True: "ok", False: "MISSED"}[met(r)]] for r in records]
    print(table("Tools on very many codes, one thread", ["what", "value", "bar", ""], lines))
    return int(any(met(record) is False for record in records))


def generated(n: int, width: int, seed: int = 0) -> np.ndarray:
    """Codes `(n, width)` in float32, a block at a time."""
    draw = np.random.default_rng(seed)
    thick = min(16, width)
    scale = np.where(np.arange(width) < thick, 1.0, 0.1).astype(np.float32)
    centres = 2 * draw.standard_normal((200, width), np.float32) * scale
    turn = np.linalg.qr(draw.standard_normal((width, width)))[0].astype(np.float32)
    codes = np.empty((n, width), np.float32)
    for start in range(0, n, 50_000):
        part = codes[start : start + 50_000]
        part[:] = draw.standard_normal(part.shape, np.float32) * scale
        part += centres[draw.integers(0, len(centres), len(part))]
        part[:] = part @ turn
    return codes


def _components(given: argparse.Namespace) -> dict[str, Any]:
    """Ours and scikit-learn's in turn: its default, and the full decomposition that it fell back on before 1.5."""
    import sklearn
    from sklearn.decomposition import PCA

    from isthmus.stats.spectrum import principal_angles, principal_components

    rows = generated(given.rows, 128)
    ways: dict[str, Callable[[], Any]] = {
        "isthmus": lambda: principal_components(rows, 128),
        "default": lambda: PCA(128).fit(rows),
        "full": lambda: PCA(128, svd_solver="full").fit(rows),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    last: dict[str, Any] = {}
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            spent, last[name] = _timed(way)
            seconds[name].append(spent)
    ours, theirs = last["isthmus"], last["full"]
    far = np.abs(ours.variance / theirs.explained_variance_ - 1).max()
    angle = principal_angles(ours.axes[:16].numpy(), theirs.components_[:16]).max()
    return {"seconds": seconds, "variance": float(far), "angle": float(angle), "sklearn": sklearn.__version__}


def _exact(given: argparse.Namespace) -> dict[str, Any]:
    from isthmus.stats.knn import neighbours

    codes = generated(given.codes, 64)
    rows = _asked(given)
    spent, (_, near) = _timed(lambda: neighbours(codes[rows], codes, _K + 1))
    return {"seconds": spent, "near": near.tolist()}


def _cells(given: argparse.Namespace) -> dict[str, Any]:
    from isthmus.stats.cells import Cells

    codes = generated(given.codes, 64)
    built, cells = _timed(lambda: Cells(codes))
    spent, (_, near) = _timed(lambda: cells.search(codes[_asked(given)], _K + 1))
    return {"built": built, "seconds": spent, "near": near.tolist()}


def _plane(given: argparse.Namespace) -> dict[str, Any]:
    """Every code on a map by principal components: its plane, and then its place on it."""
    from isthmus.look.guidance import Guidance
    from isthmus.look.projections.pca import Projection

    codes = generated(given.codes, 64)

    def drawn() -> np.ndarray:
        plane = Projection().plane(codes)
        assert plane is not None
        return Guidance.of_plane(plane).places_of(codes)

    return {"seconds": _timed(drawn)[0]}


def _umap(given: argparse.Namespace) -> dict[str, Any]:
    """Of as many as `map` draws, spread evenly; others are then placed among them."""
    from isthmus.contract import evenly
    from isthmus.look.guidance import Guidance
    from isthmus.look.projections.umap import Projection

    codes = generated(given.codes, 64)
    some = codes[evenly(len(codes), given.mapped)]
    spent, places = _timed(lambda: Projection().place(some))
    learnt = Guidance.learn(some, places)
    placed, _ = _timed(lambda: learnt.places_of(codes[: min(_PLACED, len(codes))]))
    return {"seconds": spent, "placed": placed / min(_PLACED, len(codes)) * 1e5}


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "components": _components,
    "exact": _exact,
    "cells": _cells,
    "plane": _plane,
    "umap": _umap,
}


def _asked(given: argparse.Namespace) -> np.ndarray:
    return np.linspace(0, given.codes - 1, given.queries).round().astype(int)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU-seconds, as others may be at work beside."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def _peak() -> float:
    """In gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def _apart(part: str, words: list[str]) -> dict[str, Any]:
    print(f"{part} ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.latent", *words, "--one", part]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def _records(found: dict[str, dict[str, Any]], given: argparse.Namespace) -> list[Record]:
    from isthmus.run import machine

    records = []
    if "components" in found:
        records += _of_components(found["components"], given.rows)
    for part, name in {"exact": "neighbours-exact", "cells": "neighbours-in-cells", "plane": "map-pca"}.items():
        if part in found:
            records.append(Record(f"latent/{name}/cpu-seconds", found[part]["seconds"]))
            records.append(Record(f"latent/{name}/peak-gigabytes", found[part]["peak"], bar=_MOST))
    if "cells" in found:
        records.append(Record("latent/neighbours-in-cells/build-cpu-seconds", found["cells"]["built"]))
    if {"exact", "cells"} <= found.keys():
        records.append(_recall(found["cells"]["near"], found["exact"]["near"], given))
    if "umap" in found:
        drawn = {"drawn": given.mapped}
        records.append(Record("latent/map-umap/cpu-seconds", found["umap"]["seconds"], baseline=drawn))
        records.append(Record("latent/map-umap/placing-100000-cpu-seconds", found["umap"]["placed"], baseline=drawn))
        records.append(Record("latent/map-umap/peak-gigabytes", found["umap"]["peak"], bar=_MOST, baseline=drawn))
    for record in records:
        record.machine, record.commit, record.seed = machine(), commit(), 0
        record.n, record.data = record.n or given.codes, record.data or "generated codes of 64 numbers"
        record.command = f"python -m benchmarks.latent --codes {given.codes} --queries {given.queries}"
    return records


def _of_components(found: dict[str, Any], rows: int) -> list[Record]:
    """Times in turn, the ratio round by round, and how far the answers are apart."""
    ours, records = found["seconds"]["isthmus"], []
    for name, solver in {"default": "auto", "full": "full"}.items():
        ratios = [theirs / own for theirs, own in zip(found["seconds"][name], ours, strict=True)]
        record = Record(f"latent/components/over-scikit-learn-{name}", median(ratios), (min(ratios), max(ratios)))
        record.per_seed = ratios
        spent = {"cpu_seconds": median(found["seconds"][name]), "isthmus_cpu_seconds": median(ours)}
        record.baseline = {"name": f"scikit-learn {found['sklearn']} PCA, svd_solver={solver}", **spent}
        records.append(record)
    records.append(Record("latent/components/largest-relative-error-of-a-variance", found["variance"], bar="<= 0.0001"))
    records.append(Record("latent/components/degrees-between-the-first-16", found["angle"], bar="<= 0.1"))
    for record in records:
        record.n, record.data = rows, "generated codes of 128 numbers"
    return records


def _recall(near: list[list[int]], wanted: list[list[int]], given: argparse.Namespace) -> Record:
    """A code is among its own neighbours on both sides, and counts on neither."""
    rows = _asked(given).tolist()
    shares = [len((set(a) & set(b)) - {row}) / _K for a, b, row in zip(near, wanted, rows, strict=True)]
    record = Record("latent/neighbours-in-cells/recall-at-15", float(np.mean(shares)), bar=">= 0.95")
    record.baseline = {"what": "exact neighbours", "queries": given.queries}
    return record


if __name__ == "__main__":
    sys.exit(main())
