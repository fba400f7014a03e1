"""Which files there are: relative names, sizes and times, from one walk that asks the disk as little as it can."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from isthmus.images.decode import SUFFIXES

__all__ = ["Found", "Scan", "scan"]


@dataclass(frozen=True)
class Found:
    """A file below the root; its size and time tell whether a cached copy is still good."""

    name: str
    size: int
    time: int


@dataclass
class Scan:
    """The pictures in order of their names, and what else lies there, counted by suffix."""

    pictures: list[Found]
    others: Counter[str]
    loops: int = 0
    broken: int = 0


def scan(root: Path) -> Scan:
    """Walk through `root`. Hidden files are passed over, and a link that leads back into itself is not followed."""
    result = Scan([], Counter())
    start = root.stat()
    todo = [(str(root), "", frozenset({(start.st_dev, start.st_ino)}))]
    while todo:
        folder, prefix, above = todo.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith((".", "__MACOSX")):
                    continue
                if entry.is_dir():
                    here = entry.stat()
                    mark = (here.st_dev, here.st_ino)
                    # Windows gives no inode in a directory entry: there a loop ends by the length of its path
                    if mark in above and here.st_ino:
                        result.loops += 1
                    else:
                        todo.append((entry.path, f"{prefix}{entry.name}/", above | {mark}))
                else:
                    _note(entry, prefix, result)
    result.pictures.sort(key=lambda found: found.name)
    return result


def _note(entry: "os.DirEntry[str]", prefix: str, result: Scan) -> None:
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix not in SUFFIXES:
        result.others[suffix or entry.name] += 1
        return
    try:
        facts = entry.stat()
    except OSError:  # a link to nowhere
        result.broken += 1
        return
    result.pictures.append(Found(prefix + entry.name, facts.st_size, facts.st_mtime_ns))
