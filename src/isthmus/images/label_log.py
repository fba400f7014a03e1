"""Labels given by people: a log that only grows, so that nothing anybody said is lost and everything can be undone."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import DataError

__all__ = ["LabelLog", "laid_over"]


class LabelLog:
    """One JSON object a line: `{"id", "label", "by", "at"}`, or `{"undo": n}` which takes back the last `n` labels.

    A label of None says that the picture is unknown again. Every line is on disk when a call returns; a last line
    that was cut off by a crash is passed over, and closed before the next one is written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def add(self, labels: dict[str, str | None], by: str = "") -> None:
        """Append labels for these ids, in one write."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._append({"id": name, "label": label or None, "by": by, "at": now} for name, label in labels.items())

    def undo(self, count: int = 1) -> dict[str, str | None]:
        """Take back the last `count` labels that still stand; what these pictures are called now is returned."""
        standing = self.entries()
        gone = standing[max(0, len(standing) - count) :] if count > 0 else []
        if not gone:
            return {}
        self._append([{"undo": len(gone)}])
        now = self.labels()
        return {entry["id"]: now.get(entry["id"]) for entry in gone}

    def labels(self) -> dict[str, str | None]:
        """What each picture is called now: the last word counts."""
        return {entry["id"]: entry["label"] for entry in self.entries()}

    def entries(self) -> list[dict[str, Any]]:
        """What stands, oldest first."""
        standing: list[dict[str, Any]] = []
        for entry in self._lines():
            if "undo" in entry:
                del standing[max(0, len(standing) - entry["undo"]) :]
            else:
                standing.append(entry)
        return standing

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {(error.strerror or 'disk error').lower()}", "") from error
        for number, line in enumerate(lines, 1):
            entry = _parse(line)
            if entry is not None:
                yield entry
            elif line.strip() and _whole(line):
                raise DataError(f"line {number} of {self.path} is not a label", "Correct or remove that line.")

    def _append(self, entries: Any) -> None:
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries).encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                if _torn(file):
                    text = b"\n" + text
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            why = (error.strerror or "disk error").lower()
            raise DataError(
                f"the label was not saved, {self.path} cannot be written: {why}", "Free some space."
            ) from error


def laid_over(
    labels: np.ndarray, classes: Sequence[Any], rows: Mapping[str, int], given: Mapping[str, str | None]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """What was given over these labels, by the rows of ids; classes that it brings come after those there were."""
    labels = np.array(labels)
    names = {str(name): number for number, name in enumerate(classes)}
    for one, name in given.items():
        row = rows.get(one)
        if row is not None:
            labels[row] = names.setdefault(_readable(name), len(names)) if name else -1
    return labels, tuple(names)


def _readable(name: str) -> str:
    """Half a character, which only another program writes, would be read by nobody."""
    return name.encode("utf-8", "replace").decode()


def _torn(file: Any) -> bool:
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) != b"\n")


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    if "undo" in entry:
        return entry if isinstance(entry["undo"], int) and entry["undo"] > 0 else None
    good = isinstance(entry.get("id"), str) and isinstance(entry.get("label"), str | None)
    return entry if good and "label" in entry else None


def _whole(line: bytes) -> bool:
    """A line cut off by a crash begins like ours and does not end; anything else was not written here."""
    return not (line.startswith(b"{") and not line.rstrip().endswith(b"}"))
