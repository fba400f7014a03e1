"""What a run of the benchmarks is asked to do, and what it found out about itself."""

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.parties import NAMES
from benchmarks.pool import Setting
from benchmarks.record import Record, commit

__all__ = ["Options"]


@dataclass
class Options:
    """Shared by all benchmarks; `stamp` fills in what every record needs."""

    setting: Setting = field(default_factory=Setting)
    cases: list[str] = field(default_factory=lambda: list(CASES))
    parties: list[str] = field(default_factory=lambda: list(NAMES))
    sides: list[str] = field(default_factory=lambda: ["isthmus", "pythae"])
    rounds: int = 5
    seeds: int = 3
    quick: bool = False
    out: Path = Path("results/speed")
    command: str = "isthmus benchmark"
    machine: str = ""
    data: str = ""

    def stamp(self, record: Record) -> Record:
        record.command, record.machine, record.commit = self.command, self.machine, commit()
        if self.setting.device != "cpu":  # the bars are those of a processor, and it is the wall's seconds that count
            record.name, record.bar = record.name.replace("cpu-seconds", "seconds"), None
        record.data = record.data or self.data or None
        return record
