"""The run folder: the one artefact. Plain files, written whole or not at all, read without executing anything.

run.json                  format, model and parameters, data, scaling, status, machine (no absolute path)
weights.safetensors       the fitted model
checkpoint.safetensors    everything needed to continue exactly
history.jsonl             one line an epoch
metrics.jsonl             one record a line (see Record)
splits.csv                id, split
*.png, map.csv, ...       what the verbs add
"""

import contextlib
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from isthmus.errors import RunError
from isthmus.files import UNFINISHED, clear_errors, held, write_atomically

__all__ = ["FORMAT", "Record", "Run", "machine"]

FORMAT = 1
_ON_THE_HUB = {"run.json": "config.json", "weights.safetensors": "model.safetensors"}
"""What these files are called in the folders that model hubs keep: there the rest is the same."""


@dataclass
class Record:
    """A result, the same everywhere: in Python, in `--json`, in the run folder and in results files."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    n: int | None = None
    split: str | None = None
    data: str | None = None
    seed: int | None = None
    command: str | None = None
    machine: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        flat = {key: value for key, value in vars(self).items() if key != "extra"}
        return flat | self.extra


class Run:
    """A run folder, open for reading; `writing()` makes this process its only writer."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Run":
        """A run that exists, in a format that this version reads."""
        run = cls(path)
        if not run.path.is_dir():
            raise RunError(f"there is no run folder {path}", "Make one with: isthmus fit PICTURES --out FOLDER.")
        if not run.has("run.json"):
            raise RunError(f"{path} is not a run folder (it has no run.json)", "Give a folder that isthmus fit made.")
        described = run.read_json("run.json")
        version = described.get("format")
        if version is None and run.file("run.json").name != "run.json":
            raise RunError(f"{path} holds no model of isthmus", "Give a folder that isthmus fit or export made.")
        if version != FORMAT:
            newer = isinstance(version, int) and version > FORMAT
            remedy = "Upgrade isthmus." if newer else "Fit the model again with this version."
            raise RunError(f"{path} has run format {version}; this version reads format {FORMAT}", remedy)
        lacking = [name for name in ("model", "fitted", "status") if name not in described]
        if lacking:
            raise RunError(f"{path}/run.json does not say {' and '.join(lacking)}", "Restore it, or fit the run again.")
        return run

    def has(self, name: str) -> bool:
        return self.file(name).is_file()

    def file(self, name: str) -> Path:
        """Where that file is, or would be."""
        plain, other = self.path / name, self.path / _ON_THE_HUB.get(name, name)
        return other if not plain.is_file() and other.is_file() else plain

    def read_json(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads(self.file(name).read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{self.file(name)} cannot be read ({error})", "Restore it, or fit the run again.") from None

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        self.write(name, text.encode())

    def write(self, name: str, content: bytes) -> None:
        write_atomically(self.path / name, content)

    def read_lines(self, name: str) -> list[dict[str, Any]]:
        """The records of a JSON-lines file; a last line cut short by a crash is left out."""
        if not self.has(name):
            return []
        with clear_errors(self.path / name):
            *lines, _ = (self.path / name).read_bytes().decode("utf-8", "replace").split("\n")
        records = []
        for number, line in enumerate(lines, 1):
            try:
                records.append(json.loads(line))
            except ValueError:
                raise RunError(f"{self.path / name}, line {number}, is not JSON", "Remove that line.") from None
        return records

    def append(self, name: str, record: dict[str, Any]) -> None:
        """One more line, on the disk before this returns; the beginning of one that a crash cut short is dropped."""
        line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with clear_errors(self.path / name), open(self.path / name, "a+b") as file:
            file.truncate(_whole_lines(file))
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def rewrite_lines(self, name: str, records: list[dict[str, Any]]) -> None:
        lines = (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records)
        self.write(name, "".join(lines).encode())

    def remove(self, *names: str) -> None:
        for name in names:
            with clear_errors(self.path / name):
                (self.path / name).unlink(missing_ok=True)

    def record(self, *records: Record) -> None:
        """Metrics with their provenance; the machine is filled in."""
        for record in records:
            record.machine = record.machine or machine()
            self.append("metrics.jsonl", record.to_json())

    @contextlib.contextmanager
    def writing(self, lock: str = ".lock") -> Iterator["Run"]:
        """Hold the folder's lock; a second writer is told so. The lock dies with the process, however it dies.

        Whoever writes for long what nobody else does, such as a person's labels, holds a lock of another name.
        """
        with held(self.path, lock):
            if lock == ".lock":
                # What a killed process had not finished writing; nobody else writes here while the lock is held.
                self.remove(*(left.name for left in self.path.glob(f".*{UNFINISHED}")))
            yield self


def machine() -> str:
    """The machine in one line, as results name it: processor, cores, torch, Python, system."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else _processor()
    threads = f"{torch.get_num_threads()} of {os.cpu_count()} cores"
    return f"{device}, {threads}, torch {torch.__version__}, Python {platform.python_version()}, {platform.system()}"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _whole_lines(file: BinaryIO) -> int:
    """Where the last line of an open file ends."""
    file.seek(0)
    return file.read().rfind(b"\n") + 1
