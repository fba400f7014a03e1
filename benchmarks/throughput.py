"""Training in steady state: CPU-seconds a picture for every party, rounds in turn, beside the machine's limit.

A round is one epoch of a training that has been going on since the warm-up round; everything an epoch costs its user
is in it. Every party rests while another one works.
"""

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.cases import CASES, Case
from benchmarks.options import Options
from benchmarks.parties import Job
from benchmarks.pool import Failed, Training, Worker, workers
from benchmarks.progress import Progress
from benchmarks.record import Record, append, met
from benchmarks.table import table

__all__ = ["Row", "expected_seconds", "run"]

SECONDS_A_ROUND = 4.0
ENTRIES = 6


@dataclass
class Row:
    """One party on one network: CPU- and wall-seconds a picture, a number a round."""

    case: Case
    party: str
    precision: str
    images: int = 0
    trouble: str = ""
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.case.name}/{self.party}-{self.precision}"


def expected_seconds(options: Options) -> float:
    """A guess for the progress line, from one machine."""
    return len(options.cases) * (options.rounds + 1) * ENTRIES * SECONDS_A_ROUND


def run(options: Options, progress: Progress) -> list[Record]:
    """All networks; prints the table and keeps the records."""
    with workers(options.parties, options.setting) as (running, absent):
        if not running:
            raise Failed(f"no party could start: {absent}")
        versions = {w.party: w.hello["versions"] for w in running}
        _same_torch(versions)
        entries = _entries(running, options)
        try:
            rates = running[0].ask("limits")
            rows, operations = [], {}
            for name in options.cases:
                operations[name] = running[0].ask("operations", case=name)["operations"]
                rows += _measure(CASES[name], entries, options, progress)
        finally:
            for worker, _ in entries:
                worker.close()
    records = _records(rows, operations, rates, options)
    append(options.out / "throughput.jsonl", records)
    progress.close()
    _show(rows, operations, rates, absent, records)
    return records


def _entries(running: list[Worker], options: Options) -> list[tuple[Worker, str]]:
    """A worker for each party and precision: two trainings cannot be held in one process."""
    entries = []
    for worker in running:
        for i, precision in enumerate(worker.hello["precisions"]):
            entries.append((worker if i == 0 else Worker(worker.party, options.setting), precision))
    return entries


def _measure(case: Case, entries: list[tuple[Worker, str]], options: Options, progress: Progress) -> list[Row]:
    """Rounds in turn; who goes first moves on by one each round. The first round warms up and is dropped."""
    images = case.round_images // (4 if options.quick else 1) // case.batch * case.batch
    rows = [Row(case, worker.party, precision, images) for worker, precision in entries]
    trainings: dict[int, Training] = {}
    last: dict[int, dict[str, Any]] = {}
    for i, (worker, precision) in enumerate(entries):
        job = Job(case.name, 10_000, case.batch, precision=precision)
        rows[i].trouble = _unequal(worker, case)
        if not rows[i].trouble:
            trainings[i] = worker.train(job, split="train", images=images, every=images // case.batch, judge=None)
    for number in range(options.rounds + 1):
        order = sorted(trainings, key=lambda i: (i - number) % len(entries))
        for i in order:
            progress.tick(SECONDS_A_ROUND, f"{case.name}, round {number} of {options.rounds}: {rows[i].party}")
            try:
                now = trainings[i].advance()
            except Failed as trouble:
                rows[i].trouble = str(trouble)
                del trainings[i]
                continue
            if number:
                rows[i].cpu.append((now["cpu"] - last[i]["cpu"]) / images)
                rows[i].wall.append((now["wall"] - last[i]["wall"]) / images)
            last[i] = now
    for training in trainings.values():
        training.stop()
    return rows


def _unequal(worker: Worker, case: Case) -> str:
    """Why this party may not be compared, if so."""
    try:
        count = worker.ask("parameters", case=case.name)["parameters"]
    except Failed as trouble:
        return str(trouble)
    return "" if count == case.parameters else f"another network: {count:,} parameters, not {case.parameters:,}"


def _same_torch(versions: dict[str, dict[str, str]]) -> None:
    if len({version["torch"] for version in versions.values()}) > 1:
        raise Failed(f"the parties run on different torch versions: {versions}")


def _records(rows: list[Row], operations: dict[str, float], rates: dict[str, float], options: Options) -> list[Record]:
    records = []
    by_name = {row.name: row for row in rows if row.cpu and not row.trouble}
    for row in by_name.values():
        rate = operations[row.case.name] / median(row.cpu) / 1e9
        limit = {"limit_gflops": rates[row.precision], "gflops": rate, "share_of_limit": rate / rates[row.precision]}
        name = f"throughput/{row.name}/cpu-seconds-per-image"
        records.append(_record(name, row.cpu, None, limit, sum(row.cpu) * row.images, options))
    for row in by_name.values():
        if row.party == "isthmus":
            for peer in ("pythae", "tutorial", "lightning"):
                other = by_name.get(f"{row.case.name}/{peer}-float32")
                if other:
                    ratios = [theirs / ours for theirs, ours in zip(other.cpu, row.cpu, strict=True)]
                    name = f"throughput/{row.name}/over-{peer}"
                    baseline = {"name": other.name, "cpu_seconds_per_image": median(other.cpu)}
                    records.append(_record(name, ratios, _bar(row, peer), baseline, None, options))
    return records


def _bar(row: Row, peer: str) -> str | None:
    if peer == "tutorial":
        return ">= 1.0"
    bar = row.case.bar if row.precision == "float32" else row.case.bar_half
    return f">= {bar}" if peer == "pythae" and bar is not None else None


def _record(
    name: str, values: list[float], bar: str | None, baseline: dict, cpu_seconds: float | None, options: Options
) -> Record:
    interval = (min(values), max(values))
    record = Record(name, median(values), interval, len(values), "train", seed=0, bar=bar, baseline=baseline)
    record.per_seed, record.cpu_seconds = values, cpu_seconds
    return options.stamp(record)


def _show(
    rows: list[Row],
    operations: dict[str, float],
    rates: dict[str, float],
    absent: dict[str, str],
    records: list[Record],
) -> None:
    ratios = {record.name: record for record in records}
    lines = []
    for row in rows:
        if row.trouble:
            lines.append([row.case.name, f"{row.party} {row.precision}", "not run", *[""] * 5])
            absent[f"{row.name}"] = row.trouble
            continue
        rate = operations[row.case.name] / median(row.cpu) / 1e9
        share = f"{rate / rates[row.precision]:.0%}"
        cells = [f"{median(row.cpu) * 1e6:.1f}", f"{1 / median(row.wall):,.0f}", f"{rate:.1f}", share]
        over = [_cell(ratios.get(f"throughput/{row.name}/over-{peer}")) for peer in ("pythae", "tutorial")]
        lines.append([row.case.name, f"{row.party} {row.precision}", *cells, *over])
    head = ["network", "party", "CPU-us/image", "images/s", "GFLOP/s", "of limit", "x pythae", "x tutorial"]
    limit = ", ".join(f"{precision} {rate:.0f}" for precision, rate in rates.items())
    print(table(f"Training in steady state (matrix rate of one thread set, GFLOP/s: {limit})", head, lines))
    for party, reason in absent.items():
        print(f"not run: {party}: {reason}")


def _cell(record: Record | None) -> str:
    """The median ratio, and where there is a bar whether it is met."""
    if record is None:
        return ""
    return f"{record.value:.2f}" + {None: "", True: " ok", False: " MISSED"}[met(record)]
