"""The most memory a training holds: 60,000 pictures of 28x28, one epoch, a fresh process for every party."""

from benchmarks.cases import CASES
from benchmarks.options import Options
from benchmarks.parties import Job
from benchmarks.pool import Failed, Worker
from benchmarks.progress import Progress
from benchmarks.record import Record, append, met
from benchmarks.table import table

__all__ = ["expected_seconds", "run"]

IMAGES = 60_000
CASE = "conv"
GIGABYTE = 1e9
NEVER = 10**9


def expected_seconds(options: Options) -> float:
    """A guess for the progress line."""
    return 30.0 * len(options.parties)


def run(options: Options, progress: Progress) -> list[Record]:
    """Every party once; the whole training counts, from the import to the end."""
    records, lines = [], []
    for party in options.parties:
        progress.tick(0.0, f"memory: {party}")
        try:
            record = _measure(party, options)
        except Failed as reason:
            lines.append([party, f"not run: {reason}", "", "", ""])
            continue
        finally:
            progress.tick(30.0, f"memory: {party}")
        records.append(record)
        verdict = {None: "", True: "ok", False: "MISSED"}[met(record)]
        cost = f"{record.cpu_seconds:.1f}"
        lines.append([party, "", f"{record.value:.2f}", cost, f"{record.bar or ''} {verdict}".strip()])
    append(options.out / "memory.jsonl", records)
    progress.close()
    print(table(f"Peak memory, {CASES[CASE].title}, 60,000 pictures", ["party", "", "GB", "CPU-s", "bar"], lines))
    return records


def _measure(party: str, options: Options) -> Record:
    case = CASES[CASE]
    worker = Worker(party, options.setting)
    try:
        training = worker.train(Job(CASE, 1, case.batch), split="train", images=IMAGES, every=NEVER, judge=None)
        end = training.advance()
    finally:
        worker.close()
    bar = "<= 1.0" if party == "isthmus" else None
    record = Record(f"memory/{CASE}/{party}/peak-gigabytes", end["peak"] / GIGABYTE, None, 1, "train", seed=0, bar=bar)
    record.cpu_seconds = end["cpu"]
    return options.stamp(record)
