"""More pictures than memory: packed, trained on and encoded from shards; speed beside memory, peaks, and kills.

`python -m benchmarks.shards --pictures 1000000` makes that many pictures of CIFAR-10's by shifting, mirroring and
lighting them, in a folder that it removes (6 GB at a million). Ratios are of CPU-seconds, the two sides in turn.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import Record, append, commit, met, said

__all__ = ["main"]

ROUNDS, STEPS, WARM = 6, 40, 10
RESIDENT, BLOCK = 50_000, 10_000
GIGABYTE = 1e9


def main(argv: list[str] | None = None) -> int:
    """0 when every bar is met."""
    words = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=50_000)
    parser.add_argument("--latent", type=int, default=64)
    parser.add_argument("--work", type=Path, help="where to make the folder (default: the system's)")
    parser.add_argument("--out", type=Path, default=Path("results/scale"))
    parser.add_argument("--speed", nargs=2, type=Path, metavar=("SHARDS", "RUN"), help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.speed:
        print(json.dumps(_speed(*given.speed)))
        return 0
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        records = _measured(Path(folder), given.pictures, given.latent)
    from isthmus.run import machine

    for record in records:
        record.machine, record.commit, record.seed = machine(), commit(), 0
        record.data, record.n = "cifar10, augmented", given.pictures
        record.command = said("shards", words, given.work, given.out)
        print(f"{record.name}: {record.value:.4g} {record.bar or ''}", file=sys.stderr)
    append(given.out / "shards.jsonl", records)
    return int(any(met(record) is False for record in records))


def _measured(folder: Path, pictures: int, latent: int) -> list[Record]:
    source, shards, run, codes = folder / "big.npy", folder / "shards", folder / "run", folder / "codes"
    _make(source, pictures)
    rows = max(1000, min(21_845, pictures // 20))
    pack = ["data", "pack", str(source), "-o", str(shards), "--rows", str(rows)]
    half = pictures // rows // 2
    killed = _watched(pack, lambda: len(list(shards.glob("*.csv"))) >= half)
    packed = _watched(pack)
    records = [_peak("pack", [killed, packed]), _wrong("pack", _differences(shards, source), killed)]
    source.unlink()
    _say("trained on")
    share = str(min(1.0, 20_000 / pictures))
    fit = ["fit", str(shards), "--model", "conv-vae", "--latent", str(latent), "--epochs", share, "--out", str(run)]
    fitted = _watched([*fit, "--validation", "0.01", "--test", "0.01", "--threads", "1", "--quiet"])
    records.append(_peak("fit", [fitted]))
    _say("encoded")
    encode = ["encode", str(run), str(shards), "-o", str(codes), "--workers", "2"]
    parts = -(-pictures // 16_384)
    killed = _watched(encode, lambda: len(list(codes.glob("part-*"))) >= parts // 3)
    encoded = _watched(encode)
    records += [_peak("encode", [killed, encoded]), _wrong("encode", _lost(codes, pictures), killed)]
    _say("side by side")
    words = [sys.executable, "-m", "benchmarks.shards", "--speed", str(shards), str(run)]
    found = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=_environment()).stdout)
    for name in ("train", "encode"):
        ratios = found[name]["ratios"]
        record = Record(f"shards/{name}-speed", statistics.median(ratios), (min(ratios), max(ratios)), bar=">= 0.8")
        record.baseline = {"what": f"{RESIDENT:,} pictures in memory", **found[name]}
        records.append(record)
    return records


def _make(path: Path, pictures: int) -> None:
    """Pictures that are all different, a block at a time, from the seed 0."""
    from isthmus.images import open_pictures

    own = open_pictures("cifar10")
    train = np.asarray(own.pixels)[own.split != "test"]
    made = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(pictures, 3, 32, 32))
    for start in range(0, pictures, BLOCK):
        rng = np.random.default_rng([0, start])
        rows = np.arange(start, min(start + BLOCK, pictures))
        padded = np.pad(train[rows % len(train)], ((0, 0), (0, 0), (4, 4), (4, 4)), mode="reflect")
        top, left = rng.integers(0, 9, (2, len(rows)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (32, 32), axis=(2, 3))
        block = windows[np.arange(len(rows)), :, top, left]
        block = np.where(rng.random(len(rows))[:, None, None, None] < 0.5, block[..., ::-1], block)
        light = rng.uniform(0.7, 1.3, (len(rows), 1, 1, 1)).astype(np.float32)
        made[rows] = np.clip(block * light, 0, 255).round()
    made.flush()
    _say(f"{pictures:,} pictures made")


def _watched(words: list[str], until: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Run a command, kill it without a warning once `until` says so; the most memory of any of its processes."""
    started, peak, own = time.perf_counter(), 0, 0
    process = subprocess.Popen([sys.executable, "-m", "isthmus", *words], env=_environment())
    killed = False
    while process.poll() is None:
        for pid in _family(process.pid):
            status = _status(pid)
            peak, own = max(peak, status.get("VmHWM", 0)), max(own, status.get("RssAnon", 0))
        if until():
            process.kill()
            killed = True
            break
        time.sleep(0.05)
    code = process.wait()
    if code and not killed:
        raise SystemExit(f"isthmus {words[0]} failed")
    return {"peak": peak, "anonymous": own, "seconds": round(time.perf_counter() - started, 1), "killed": killed}


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in _family(int(child)))]


def _status(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}


def _peak(what: str, runs: list[dict[str, Any]]) -> Record:
    """Resident memory as the system counts it, pages of files included; beside it what is the process's own."""
    record = Record(f"shards/{what}-peak-gigabytes", max(run["peak"] for run in runs) / GIGABYTE, bar="<= 2.0")
    own = max(run["anonymous"] for run in runs) / GIGABYTE
    record.baseline = {"what": "anonymous memory alone, sampled", "gigabytes": own, "wall": runs[-1]["seconds"]}
    return record


def _wrong(what: str, rows: int, killed: dict[str, Any]) -> Record:
    """Only a run that was killed says something."""
    if not killed["killed"]:
        raise SystemExit(f"{what} was over before it could be killed")
    return Record(f"shards/{what}-rows-lost-doubled-or-changed-by-a-kill", float(rows), bar="<= 0")


def _differences(shards: Path, source: Path) -> int:
    """Rows of the shards that are not the source's, in its order."""
    from isthmus.images import open_pictures

    pictures, whole = open_pictures(shards), np.load(source, mmap_mode="r")
    wrong = abs(len(pictures) - len(whole)) + sum(str(i) != name for i, name in enumerate(pictures.ids))
    for start in range(0, len(pictures), BLOCK):
        block = pictures.pixels[start : start + BLOCK] != whole[start : start + BLOCK]
        wrong += int(block.reshape(len(block), -1).any(axis=1).sum())
    return wrong


def _lost(codes: Path, pictures: int) -> int:
    """Ids that are not there once."""
    import pyarrow.parquet

    counts = np.zeros(pictures, np.int64)
    for part in sorted(codes.glob("part-*.parquet")):
        rows = np.array(pyarrow.parquet.read_table(part, columns=["id"])["id"].to_pylist(), np.int64)
        np.add.at(counts, rows, 1)
    return int((counts != 1).sum())


def _speed(shards: Path, run: Path) -> dict[str, Any]:
    """CPU-seconds of steps and of encoding, from memory and from shards, in turn; which goes first changes."""
    import torch

    from isthmus import load
    from isthmus.images import open_pictures

    torch.set_num_threads(1)
    far, model = open_pictures(shards), load(run)
    near = far.take(np.arange(min(RESIDENT, len(far))))
    near.pixels = np.asarray(near.pixels)
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {name: {"memory": [], "shards": [], "ratios": []} for name in ("train", "encode")}
    for number in range(ROUNDS):
        sides = {"memory": near, "shards": far}
        for side in list(sides)[:: 1 if number % 2 else -1]:
            found["train"][side].append(_steps(sides[side], model.latent))
            rows = rng.integers(0, len(sides[side]), 4096)
            began = time.process_time()
            model.transform(sides[side].take(rows))
            found["encode"][side].append(time.process_time() - began)
    for times in found.values():
        # the first round pays for what is only paid once
        times["ratios"] = [m / s for m, s in zip(times["memory"], times["shards"], strict=True)][1:]
    return found


def _steps(pictures: Any, latent: int) -> float:
    """CPU-seconds of some steps of a training in shuffled order, without what comes before the first."""
    from isthmus import models
    from isthmus.train.watchers import Watcher

    class Clock(Watcher):
        began = spent = 0.0

        def on_step(self, step: int) -> None:
            if step == WARM:
                self.began = time.process_time()
            self.spent = time.process_time() - self.began

    clock, batch = Clock(), 128
    epochs = batch * (STEPS + WARM) / len(pictures)
    model = models.make("conv-vae", latent=latent, epochs=epochs, batch_size=batch, precision="bf16")
    model.fit(pictures, watchers=[clock])
    return clock.spent


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
