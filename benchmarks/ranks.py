"""How much faster two processes train than one, a thread each: rounds in turn, on the same batches.

    python -m benchmarks.ranks [--rounds 5] [--moves 60]

A round is a fresh training of the convolutional autoencoder on Fashion-MNIST, one process and then two; the first tenth
of the moves (imports, first allocations) is not timed. Wall-clock time, so the machine should be doing nothing else.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.record import ROOT, Record, append, commit

__all__ = ["main"]

DATA, PICTURES, BATCH = "fashion-mnist", 20_000, 256


def main() -> None:
    told = argparse.ArgumentParser()
    told.add_argument("--rounds", type=int, default=5)
    told.add_argument("--moves", type=int, default=60)
    told.add_argument("--worker", metavar="FILE")
    arguments = told.parse_args()
    if arguments.worker:
        _work(Path(arguments.worker), arguments.moves)
        return
    times: dict[int, list[float]] = {1: [], 2: []}
    for number in range(arguments.rounds):
        for processes in (1, 2) if number % 2 == 0 else (2, 1):
            times[processes].append(_round(processes, arguments.moves))
            print(f"round {number + 1}, {processes} processes: {times[processes][-1] * 1e3:.1f} ms a move", flush=True)
    ratios = [one / two for one, two in zip(times[1], times[2], strict=True)]
    record = Record(
        name="ranks/two-processes",
        value=median(ratios),
        interval=(min(ratios), max(ratios)),
        n=arguments.rounds,
        data=f"{DATA}, {PICTURES} pictures, batch {BATCH}",
        seed=0,
        command=f"python -m benchmarks.ranks --rounds {arguments.rounds} --moves {arguments.moves}",
        machine=f"{_machine()}, load {os.getloadavg()[0]:.1f} at the end",
        bar=">= 1.7",
        baseline={"name": "one process, one thread, ms a move", "value": median(times[1]) * 1e3},
        per_seed=[{"one": one, "two": two} for one, two in zip(times[1], times[2], strict=True)],
        commit=commit(),
    )
    append(ROOT / "results" / "scale" / "ranks.jsonl", [record])
    print(f"two processes are {record.value:.2f} times as fast as one ({min(ratios):.2f} to {max(ratios):.2f})")


def _round(processes: int, moves: int) -> float:
    """Seconds a move."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "seconds.json")
        words = ["-m", "benchmarks.ranks", "--worker", str(file), "--moves", str(moves)]
        own = {
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "TORCH_CPP_LOG_LEVEL": "ERROR",
            "WORLD_SIZE": str(processes),
        }
        running = [
            subprocess.Popen([sys.executable, *words], env=os.environ | own | {"RANK": str(rank)}, cwd=ROOT)
            for rank in range(processes)
        ]
        if any(process.wait() for process in running):
            raise SystemExit("a worker failed")
        return float(json.loads(file.read_text())["seconds"])


def _work(file: Path, moves: int) -> None:
    import numpy as np
    import torch

    from isthmus import models, open_pictures
    from isthmus.train.watchers import Watcher

    torch.set_num_threads(1)
    size, rank = int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
    if size > 1:
        meeting = f"file://{file}.meeting"
        torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=size)

    class Clock(Watcher):
        began = 0.0

        def on_step(self, done: int) -> None:
            if done == moves // 10:
                self.began = time.perf_counter()
            if done == moves:
                seconds = (time.perf_counter() - self.began) / (moves - moves // 10)
                file.write_text(json.dumps({"seconds": seconds}))

    pictures = open_pictures(DATA)
    pictures = pictures.take(np.arange(PICTURES))
    epochs = moves * BATCH / PICTURES
    how: dict[str, Any] = {"epochs": epochs, "batch_size": BATCH, "precision": "float32", "device": "cpu"}
    models.make("conv-autoencoder", **how).fit(pictures, watchers=[Clock()])
    if size > 1:
        torch.distributed.destroy_process_group()


def _machine() -> str:
    from isthmus.run import machine

    return machine()


if __name__ == "__main__":
    main()
