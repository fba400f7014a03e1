"""The same number of trials for each side, on pictures held out of the training set; the test set is not touched.

Six trials a side. First each learning rate of the side's grid is tried once, with batch and schedule drawn by a seeded
rule, at about equal cost. If the best of them must know its length in advance (its learning rate falls), two more
trials at half and twice the length say how long a run each target needs; if it need not, its rate is tried with two
more of the batches and schedules, and the best of all is taken.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product

from benchmarks.parties import Job
from benchmarks.pool import Worker

__all__ = ["SIDES", "TRIALS", "Plan", "Point", "Side", "follow", "tune"]

TRIALS = 6
BUDGET = 60.0
"""CPU-seconds after which a trial without a planned end is stopped."""
SLOPE = 0.22
"""Errors fall about as the -0.22th power of the cost: so trials of unequal cost are compared."""
MARGIN = 0.985
"""Lengths are planned for a little less than the target."""
HELD_OUT = 5 / 6
"""Share of the training pictures that trials train on."""

Point = tuple[float, float]
"""CPU-seconds and mean squared error."""


@dataclass(frozen=True)
class Side:
    """A party with the settings its user would try. `length` is that of a first trial with a planned end, in epochs."""

    party: str
    rates: tuple[float, ...]
    batches: tuple[int, ...]
    schedules: tuple[str, ...]
    length: float
    whole_epochs: bool = False
    budget: float = BUDGET
    optimiser: str = "adam"
    precision: str = "float32"

    def by_rate(self) -> list[list[Job]]:
        """The grid: for every learning rate its settings."""
        rest = list(product(self.batches, self.schedules))
        usual = Job("conv", 1.0, self.batches[0], optimiser=self.optimiser, precision=self.precision)
        return [
            [replace(usual, learning_rate=rate, batch=batch, schedule=schedule) for batch, schedule in rest]
            for rate in self.rates
        ]

    def epochs(self, wanted: float) -> float:
        return float(max(1, round(wanted))) if self.whole_epochs else round(wanted, 3)


SIDES = {
    "isthmus": Side(
        "isthmus",
        (0.008, 0.012, 0.016, 0.024),
        (64, 128),
        ("linear", "cosine"),
        0.85,
        optimiser="muon",
        precision="bfloat16",
    ),
    "isthmus-adamw": Side(
        "isthmus",
        (0.002, 0.004, 0.008, 0.016),
        (64, 128),
        ("linear", "one-cycle"),
        0.85,
        optimiser="adamw",
        precision="bfloat16",
    ),
    "pythae": Side("pythae", (0.002, 0.003, 0.005, 0.008), (64, 100), ("constant", "cosine"), 3.0, whole_epochs=True),
}


@dataclass
class Trial:
    """One setting tried: what it cost and how good it was in the end, on held-out pictures."""

    job: Job
    curve: list[Point]

    @property
    def score(self) -> float:
        cpu, mse = self.curve[-1]
        return math.log(mse) + SLOPE * math.log(cpu)


@dataclass
class Plan:
    """The setting chosen, the epochs to run for each target (none: run until it is reached), and all trials."""

    job: Job
    epochs: dict[float, float] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)


def tune(
    side: Side, worker: Worker, targets: tuple[float, ...], tell: Callable[[str], None], share: float = 1.0
) -> Plan:
    """Spend this side's trials; with a `share` below one they are that much shorter, for a quick look."""
    draw = random.Random(0)
    side = replace(side, length=side.length * share, budget=side.budget * share)
    trials = [_try(side, worker, job, side.length, tell) for job in (draw.choice(group) for group in side.by_rate())]
    best = min(trials, key=lambda trial: trial.score)
    if best.job.schedule == "constant":
        trials += _others(side, worker, best.job, draw, tell)
        best = min(trials, key=lambda trial: trial.score)
        if best.job.schedule == "constant":
            return Plan(best.job, {}, trials)
    else:
        trials += [_try(side, worker, best.job, length, tell) for length in (side.length / 2, side.length * 2)]
    same = [trial for trial in trials if _setting(trial.job) == _setting(best.job)]
    lengths = {target: side.epochs(_length(same, target * MARGIN) * HELD_OUT) for target in targets}
    return Plan(best.job, lengths, trials)


def follow(worker: Worker, job: Job, split: str, judge: str, until: Callable[[Point], bool]) -> list[Point]:
    """Train; the learning curve, eight points an epoch and the end."""
    pictures = 60_000 if split == "train" else 50_000
    every = pictures // job.batch // 8
    training = worker.train(job, split=split, images=None, every=every, judge=judge)
    curve: list[Point] = []
    while True:
        message = training.advance()
        curve.append((message["cpu"], message["mse"]))
        if "done" in message:
            return curve
        if until(curve[-1]):
            training.stop()
            return curve


def _try(side: Side, worker: Worker, job: Job, length: float, tell: Callable[[str], None]) -> Trial:
    epochs = 1000.0 if job.schedule == "constant" else side.epochs(length)
    job = replace(job, epochs=epochs)
    tell(f"{side.party} {side.optimiser}: {job.schedule} {job.learning_rate}, batch {job.batch}")
    most = side.budget if job.schedule == "constant" else math.inf
    return Trial(job, follow(worker, job, "fit", "validation", lambda point: point[0] >= most))


def _others(side: Side, worker: Worker, best: Job, draw: random.Random, tell: Callable[[str], None]) -> list[Trial]:
    """The same rate with two more batches and schedules."""
    group = next(group for group in side.by_rate() if group[0].learning_rate == best.learning_rate)
    rest = [job for job in group if _setting(job) != _setting(best)]
    return [_try(side, worker, job, side.length, tell) for job in draw.sample(rest, TRIALS - len(side.rates))]


def _setting(job: Job) -> Job:
    return replace(job, epochs=1.0)


def _length(trials: list[Trial], target: float) -> float:
    """Epochs to the target by the power law through the trials of one setting at several lengths."""
    points = [(math.log(trial.job.epochs), math.log(trial.curve[-1][1])) for trial in trials]
    if len({x for x, _ in points}) < 2:
        slope = SLOPE
    else:
        mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        slope = max(0.05, -sum((x - mean_x) * (y - mean_y) for x, y in points) / spread)
    x, y = min(points, key=lambda point: abs(point[1] - math.log(target)))
    return math.exp(x + (y - math.log(target)) / slope)
