"""`python -m benchmarks`: Isthmus beside its peers. One command, one table, results as JSON lines."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import memory, startup, throughput, time_to_error
from benchmarks.cases import CASES
from benchmarks.options import Options
from benchmarks.parties import NAMES
from benchmarks.pool import Failed, Setting, Worker
from benchmarks.progress import Progress
from benchmarks.record import Record, met
from benchmarks.tuning import SIDES

__all__ = ["main", "run_all"]

BENCHMARKS = {
    "startup": startup,
    "memory": memory,
    "throughput": throughput,
    "time-to-error": time_to_error,
}
ON_DEVICES = ("throughput", "time-to-error")
"""What another device changes."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; 0 when every bar that was measured is met, 1 when one is missed."""
    parser = argparse.ArgumentParser(prog="isthmus benchmark", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=None, help="which benchmarks (default: all)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where every party trains")
    parser.add_argument("--networks", nargs="+", choices=CASES, default=list(CASES), help="networks for throughput")
    parser.add_argument("--parties", nargs="+", choices=NAMES, default=list(NAMES), help="who takes part")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=["isthmus", "pythae"], help="for time-to-error")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of throughput after the warm-up (default 5)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of time-to-error (default 3)")
    parser.add_argument("--threads", type=int, default=1, help="threads for every party (default 1)")
    parser.add_argument("--data", default="fashion-mnist", help="a folder of idx files below ISTHMUS_DATA")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers installed")
    parser.add_argument("--quick", action="store_true", help="a look, not a result: fewer pictures and rounds")
    parser.add_argument("--out", type=Path, default=Path("results/speed"), help="folder of the results files")
    given = parser.parse_args(argv)
    options = Options(
        setting=Setting(given.threads, given.data, given.python, given.device),
        cases=given.networks,
        parties=given.parties,
        sides=given.sides,
        rounds=2 if given.quick else given.rounds,
        seeds=1 if given.quick else given.seeds,
        quick=given.quick,
        out=given.out,
        command=_command(sys.argv[1:] if argv is None else list(argv)),
    )
    try:
        records = run_all(options, given.only or (BENCHMARKS if given.device == "cpu" else ON_DEVICES))
    except Failed as trouble:
        print(f"isthmus benchmark: {trouble}", file=sys.stderr)
        return 1
    missed = [record for record in records if met(record) is False]
    for record in missed:
        value = "missing" if record.value is None else f"{record.value:.4g}"
        print(f"missed: {record.name} is {value}, bar {record.bar}")
    return 1 if missed else 0


def run_all(options: Options, only: Sequence[str] = tuple(BENCHMARKS)) -> list[Record]:
    """The benchmarks named, one after the other; each prints its table and appends its records to `options.out`."""
    introduction = Worker("tutorial", options.setting)
    options.machine, options.data = introduction.hello["machine"], introduction.hello["data"]
    introduction.close()
    chosen = [BENCHMARKS[name] for name in only]
    progress = Progress(sum(benchmark.expected_seconds(options) for benchmark in chosen))
    return [record for benchmark in chosen for record in benchmark.run(options, progress)]


def _command(arguments: list[str]) -> str:
    """The command without where things lie on this machine."""
    kept, skip = [], False
    for argument in arguments:
        if not skip and argument.split("=")[0] not in ("--python", "--out"):
            kept.append(argument)
        skip = not skip and argument in ("--python", "--out")
    return shlex.join(["isthmus", "benchmark", *kept])


if __name__ == "__main__":
    sys.exit(main())
