"""CPU-seconds to a stated test error: the same network and pictures, each side at its best after the same tuning.

Time counts from the call of `fit` (conversion, weights, training); imports, reading and judging do not count. A side
whose learning rate falls makes a run for each target. What counts is the earliest moment at which a run, or the line
through the ends of the runs of one seed, meets the target; between points lines are straight in logarithms.
"""

import math
from dataclasses import asdict, replace
from statistics import median
from typing import Any

from benchmarks.options import Options
from benchmarks.pool import Failed, Worker
from benchmarks.progress import Progress
from benchmarks.record import Record, append, met
from benchmarks.table import table
from benchmarks.tuning import SIDES, Plan, Point, follow, tune

__all__ = ["expected_seconds", "run", "time_to"]

TARGETS = (0.0070, 0.0060, 0.0054)
BAR = ">= 5.0"
MOST = 900.0
"""CPU-seconds after which a run that has not reached the last target is given up."""
LONGER = 1.25
TRIAL = 45.0
EXPECTED = {"isthmus": 60.0, "isthmus-adamw": 100.0, "pythae": 350.0}
"""Seconds that a trial and the runs of one seed may take, for the progress line."""

Runs = list[list[Point]]
"""The learning curves of one seed, a run each."""


def expected_seconds(options: Options) -> float:
    """A guess for the progress line."""
    sides = _sides(options)
    return sum(6 * TRIAL + options.seeds * EXPECTED[side] for side in sides)


def run(options: Options, progress: Progress) -> list[Record]:
    """Tune each side, then all seeds, the sides in turn."""
    targets = TARGETS[:1] if options.quick else TARGETS
    crew: dict[str, Worker] = {}
    absent: dict[str, str] = {}
    try:
        for side in _sides(options):
            try:
                crew[side] = Worker(SIDES[side].party, options.setting)
            except Failed as reason:
                absent[side] = str(reason)
        share = 0.2 if options.quick else 1.0
        plans = {}
        for side, worker in crew.items():
            plans[side] = tune(SIDES[side], worker, targets, lambda what: progress.tick(TRIAL, "tuning " + what), share)
        curves: dict[str, list[Runs]] = {side: [] for side in crew}
        for seed in range(options.seeds):
            for side, worker in crew.items():
                progress.tick(EXPECTED[side], f"seed {seed}: {side}")
                curves[side].append(_run_seed(worker, plans[side], seed, targets))
    finally:
        for worker in crew.values():
            worker.close()
    records = [_tuning_record(side, plan, options) for side, plan in plans.items()]
    records += _records(curves, plans, targets, options)
    append(options.out / "time-to-error.jsonl", records)
    progress.close()
    _show(records, targets, absent)
    return records


def time_to(runs: Runs, target: float) -> float | None:
    """CPU-seconds of the earliest meeting with the target; None if there is none."""
    ends = sorted(run[-1] for run in runs)
    met_at = [moment for line in [*runs, ends] if (moment := _crossing(line, target)) is not None]
    return min(met_at, default=None)


def _crossing(line: list[Point], target: float) -> float | None:
    before: Point | None = None
    for cpu, mse in line:
        if mse <= target:
            if before is None:
                return cpu
            share = math.log(before[1] / target) / math.log(before[1] / mse)
            return before[0] * (cpu / before[0]) ** share
        before = (cpu, mse)
    return None


def _sides(options: Options) -> list[str]:
    return [name for name in options.sides if SIDES[name].party in options.parties]


def _run_seed(worker: Worker, plan: Plan, seed: int, targets: tuple[float, ...]) -> Runs:
    """The test curves of one seed; one run more where the last target was missed."""
    job, last = replace(plan.job, seed=seed), min(targets)
    if not plan.epochs:
        return [follow(worker, job, "train", "test", lambda p: p[1] <= last or p[0] > MOST)]
    runs = []
    for epochs in sorted(set(plan.epochs.values())):
        runs.append(follow(worker, replace(job, epochs=epochs), "train", "test", lambda p: p[1] <= last))
    if runs[-1][-1][1] > last:
        longer = replace(job, epochs=max(plan.epochs.values()) * LONGER)
        runs.append(follow(worker, longer, "train", "test", lambda p: p[1] <= last))
    return runs


def _tuning_record(side: str, plan: Plan, options: Options) -> Record:
    best = min(plan.trials, key=lambda trial: trial.score)
    tried = [{"setting": asdict(trial.job), "cpu_and_mse": trial.curve[-1]} for trial in plan.trials]
    record = Record(f"time-to-error/tuning/{side}", best.curve[-1][1], None, len(tried), "validation", seed=0)
    record.baseline = {"chosen": asdict(plan.job), "epochs_for_target": {str(k): v for k, v in plan.epochs.items()}}
    record.per_seed, record.cpu_seconds = tried, sum(trial.curve[-1][0] for trial in plan.trials)
    return options.stamp(record)


def _records(
    curves: dict[str, list[Runs]], plans: dict[str, Plan], targets: tuple[float, ...], options: Options
) -> list[Record]:
    records = []
    for target in targets:
        times = {side: [time_to(runs, target) for runs in seeds] for side, seeds in curves.items()}
        for side, seconds in times.items():
            name = f"time-to-error/{side}/{target:.4f}/cpu-seconds"
            setting = {"setting": asdict(plans[side].job), "curves": curves[side]}
            records.append(_record(name, seconds, None, setting, options))
        for side in times:
            if side.startswith("isthmus") and "pythae" in times:
                pairs = zip(times["pythae"], times[side], strict=True)
                ratios = [theirs / ours if theirs and ours else None for theirs, ours in pairs]
                baseline = {"name": "pythae", "cpu_seconds": times["pythae"]}
                bar = BAR if side == "isthmus" else None
                records.append(
                    _record(f"time-to-error/{side}/{target:.4f}/over-pythae", ratios, bar, baseline, options)
                )
    return records


def _record(
    name: str, values: list[float | None], bar: str | None, baseline: dict[str, Any], options: Options
) -> Record:
    """The median over seeds; None when any seed did not get there."""
    reached = [value for value in values if value is not None]
    whole = len(reached) == len(values)
    interval = (min(reached), max(reached)) if reached else None
    record = Record(name, median(reached) if whole else None, interval, len(values), "test", bar=bar, baseline=baseline)
    record.per_seed = values
    return options.stamp(record)


def _show(records: list[Record], targets: tuple[float, ...], absent: dict[str, str]) -> None:
    rows = []
    for record in records:
        if "/tuning/" in record.name:
            chosen = (record.baseline or {})["chosen"]
            print(f"{record.name}: {record.n} trials, {record.cpu_seconds:.0f} CPU-s, chosen {chosen}")
            continue
        seeds = ", ".join("never" if value is None else f"{value:.1f}" for value in record.per_seed)
        value = "not reached" if record.value is None else f"{record.value:.1f}"
        rows.append(
            [record.name, "", value, seeds, record.bar or "", {None: "", True: "ok", False: "MISSED"}[met(record)]]
        )
    errors = ", ".join(f"{target:.4f}" for target in targets)
    print(table(f"CPU-seconds to test error {errors}", ["what", "", "median", "seeds", "bar", ""], rows))
    for side, reason in absent.items():
        print(f"not run: {side}: {reason}")
