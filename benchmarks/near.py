"""Neighbours among very many codes: how many are found in cells, what that costs, and how much memory it takes.

`python -m benchmarks.near CODES` takes the folder of parts that `isthmus encode -o CODES/` wrote. Exact neighbours of
some of the codes, found by comparing with all, are what is to be found.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.record import Record, append, commit, met

__all__ = ["main"]

_K, _ASKED = 15, 1000


def main(argv: list[str] | None = None) -> int:
    """0 when every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("codes", type=Path)
    parser.add_argument("--every", action="store_true", help="neighbours of every code as well, as maps need them")
    parser.add_argument("--out", type=Path, default=Path("results/scale"))
    given = parser.parse_args(argv)
    import torch

    from isthmus.cli._codes import read_codes
    from isthmus.run import machine
    from isthmus.stats.cells import Cells
    from isthmus.stats.knn import neighbours

    torch.set_num_threads(1)
    codes = read_codes(given.codes)
    rows = np.linspace(0, len(codes) - 1, _ASKED).round().astype(int)
    began = time.process_time()
    cells = Cells(codes)
    built = time.process_time() - began
    began = time.process_time()
    found = cells.search(codes[rows], _K + 1)[1]
    asked = time.process_time() - began
    every = None
    if given.every:
        began = time.process_time()
        cells.search(codes, _K, skip_self=True)
        every = time.process_time() - began
    in_cells = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    began = time.process_time()
    wanted = neighbours(codes[rows], codes, _K + 1)[1]
    exact = time.process_time() - began
    # a code is among its own neighbours on both sides, and counts on neither
    shares = [len((set(a) & set(b)) - {r}) / _K for a, b, r in zip(found, wanted, rows, strict=True)]
    records = [
        Record("near/recall", float(np.mean(shares)), bar=">= 0.95"),
        Record("near/build-cpu-seconds", built),
        Record("near/1000-queries-cpu-seconds", asked, baseline={"what": "exact", "cpu_seconds": exact}),
        Record("near/peak-gigabytes", in_cells, bar="<= 2.0"),
        Record("near/exact-peak-gigabytes", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, bar="<= 2.0"),
    ]
    if every is not None:
        records.append(
            Record("near/every-cpu-seconds", every, baseline={"what": "exact", "about": exact * len(codes) / 1000})
        )
    for record in records:
        record.machine, record.commit, record.seed, record.n = machine(), commit(), 0, len(codes)
        record.data, record.command = f"{codes.shape[1]} numbers a code", "python -m benchmarks.near CODES"
        print(f"{record.name}: {record.value:.4g} {record.bar or ''}", file=sys.stderr)
    append(given.out / "near.jsonl", records)
    return int(any(met(record) is False for record in records))


if __name__ == "__main__":
    sys.exit(main())
