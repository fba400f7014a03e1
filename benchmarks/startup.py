"""What it costs to begin: importing an estimator against importing torch, and `isthmus --help`."""

import os
import subprocess
import time
from statistics import median

from benchmarks.options import Options
from benchmarks.progress import Progress
from benchmarks.record import Record, append, met
from benchmarks.table import table

__all__ = ["expected_seconds", "run"]

COMMANDS = {
    "import torch": ["-c", "import torch"],
    "from isthmus import VAE": ["-c", "from isthmus import VAE"],
    "isthmus --help": ["-m", "isthmus", "--help"],
    "python": ["-c", "pass"],
}


def expected_seconds(options: Options) -> float:
    """A guess for the progress line."""
    return 4.0 * _rounds(options)


def run(options: Options, progress: Progress) -> list[Record]:
    """Every command in turn, a fresh process each time; the first round warms the disk cache and is dropped."""
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    failed: dict[str, str] = {}
    for number in range(_rounds(options) + 1):
        for name, arguments in COMMANDS.items():
            cost = _timed([options.setting.python, *arguments], options, failed, name)
            if number and name not in failed:
                costs[name].append(cost)
        progress.tick(4.0, f"startup, round {number} of {_rounds(options)}")
    records = _records({name: cost for name, cost in costs.items() if name not in failed}, options)
    loaded = _loads_torch(options)
    if "isthmus --help" not in failed:
        records.append(options.stamp(Record("startup/help-imports-torch", float(loaded), bar="<= 0", n=1)))
    append(options.out / "startup.jsonl", records)
    progress.close()
    rows = [[r.name, "", _written(r), r.bar or "", {None: "", True: "ok", False: "MISSED"}[met(r)]] for r in records]
    print(table("Start-up, medians over fresh processes", ["what", "", "value", "bar", ""], rows))
    for name, reason in failed.items():
        print(f"not run: {name}: {reason}")
    return records


def _rounds(options: Options) -> int:
    return 3 if options.quick else 9


def _timed(command: list[str], options: Options, failed: dict[str, str], name: str) -> tuple[float, float]:
    """CPU-seconds and wall-seconds of one process."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=options.setting.environment())
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode:
        failed[name] = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu, wall


def _loads_torch(options: Options) -> bool:
    """Whether `isthmus --help` imports torch, as Python itself tells it."""
    command = [options.setting.python, "-X", "importtime", "-m", "isthmus", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=options.setting.environment())
    return any(line.rsplit("|", 1)[-1].strip() == "torch" for line in done.stderr.splitlines())


def _records(costs: dict[str, list[tuple[float, float]]], options: Options) -> list[Record]:
    records = []
    for name, cost in costs.items():
        for kind, values in zip(("cpu", "wall"), zip(*cost, strict=True), strict=True):
            bar = "<= 0.7" if (name, kind) == ("isthmus --help", "wall") else None
            records.append(_record(f"startup/{name}/{kind}-seconds", list(values), bar, None, options))
    ours, torchs = costs.get("from isthmus import VAE"), costs.get("import torch")
    if ours and torchs:
        for place, kind, bar in ((0, "cpu", "<= 1.3"), (1, "wall", "<= 1.3")):
            ratios = [mine[place] / theirs[place] for mine, theirs in zip(ours, torchs, strict=True)]
            baseline = {"name": "import torch", "value": median(theirs[place] for theirs in torchs)}
            records.append(_record(f"startup/import-over-torch/{kind}", ratios, bar, baseline, options))
    return records


def _record(name: str, values: list[float], bar: str | None, baseline: dict | None, options: Options) -> Record:
    interval = (min(values), max(values))
    return options.stamp(
        Record(name, median(values), interval, len(values), bar=bar, baseline=baseline, per_seed=values)
    )


def _written(record: Record) -> str:
    return f"{record.value:.2f}"
