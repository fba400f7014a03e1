"""What a benchmark leaves behind: one record a line, with its bar, baseline and provenance."""

import json
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Record", "append", "commit", "met", "said"]

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Record:
    """A measured number. `bar` reads ">= 1.15" or "<= 0.7", or is None; `interval` is the range over the rounds."""

    name: str
    value: float | None
    interval: tuple[float, float] | None = None
    n: int | None = None
    split: str | None = None
    data: str | None = None
    seed: int | None = None
    command: str | None = None
    machine: str | None = None
    bar: str | None = None
    baseline: dict[str, Any] | None = None
    per_seed: list[Any] = field(default_factory=list)
    cpu_seconds: float | None = None
    commit: str | None = None


def met(record: Record) -> bool | None:
    """Whether the bar is met; None where there is no bar."""
    if record.bar is None:
        return None
    if record.value is None:
        return False
    sign, bound = record.bar.split()
    return record.value >= float(bound) if sign == ">=" else record.value <= float(bound)


def append(path: Path, records: list[Record]) -> None:
    """Add the records to a results file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(record), allow_nan=False) + "\n" for record in records)


def commit() -> str | None:
    """The commit that was measured, with "-dirty" where the working tree differs from it."""
    try:
        git = ["git", "-C", str(ROOT)]
        name = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "src"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return name.stdout.strip() + ("-dirty" if changed.stdout.strip() else "")


def said(module: str, words: list[str], *places: Path | None) -> str:
    """The command as it was given, but for where things are kept: results name data sets, not paths."""
    hidden = {str(place) for place in places if place is not None}
    return " ".join(["python -m", f"benchmarks.{module}", *("KEPT" if word in hidden else word for word in words)])
