"""Training as it goes on in other processes: their histories are read again once a second while somebody looks."""

import threading
import time
from dataclasses import dataclass
from typing import Any

from isthmus.errors import IsthmusError
from isthmus.run import Run
from isthmus.studio.events import Hub
from isthmus.studio.shelf import Shelf

__all__ = ["Following", "known_of", "looks_of"]

_EVERY, _FOR = 1.0, 45.0
"""Seconds from look to look; and for how long whoever asked is taken to be there still, who asks again meanwhile."""
_FOLDER = "watch"


@dataclass
class _Followed:
    run: Run
    until: float
    lines: int
    stamp: tuple[int, int]
    status: str


class Following:
    """One thread for all browsers, there while any run is followed; each event `training` holds what is new of one."""

    def __init__(self, shelf: Shelf, hub: Hub) -> None:
        self.shelf, self.hub = shelf, hub
        self._runs: dict[str, _Followed] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def follow(self, name: str, lines: int) -> None:
        """Tell what comes after so many lines, for a while; runs that are done are not followed."""
        run = self.shelf.get(name)
        status = _status(run)
        if status != "training":
            return
        with self._guard:
            known = self._runs.get(name)
            if known is None:
                self._runs[name] = _Followed(run, time.monotonic() + _FOR, lines, (0, 0), status)
            else:
                known.until = time.monotonic() + _FOR
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True, name="following")
                self._thread.start()

    def _work(self) -> None:
        while True:
            time.sleep(_EVERY)
            with self._guard:
                now = time.monotonic()
                gone = self.hub.listeners == 0
                self._runs = {name: one for name, one in self._runs.items() if one.until > now and not gone}
                if not self._runs:
                    self._thread = None
                    return
                followed = list(self._runs.items())
            for name, one in followed:
                try:
                    self._look(name, one)
                except Exception:  # a run in which nothing is as it should be holds up no other
                    with self._guard:
                        self._runs.pop(name, None)

    def _look(self, name: str, one: _Followed) -> None:
        stamp, status = _stamp(one.run), _status(one.run)
        if (stamp, status) == (one.stamp, one.status):
            return
        try:
            lines = one.run.read_lines("history.jsonl")
        except IsthmusError:
            return  # it is being written anew
        begin = one.lines if len(lines) >= one.lines else 0  # one that is trained again begins at the beginning
        fresh, one.lines, one.stamp = lines[begin:], len(lines), stamp
        ended = status != one.status
        one.status = status
        about = {"begin": begin, "lines": fresh, "status": status, "looks": looks_of(one.run)}
        self.hub.tell("training", run=name, **about, **(known_of(one.run) if ended else {}))
        if status != "training":
            with self._guard:
                self._runs.pop(name, None)


def known_of(run: Run) -> dict[str, Any]:
    """What `run.json` says of how training went."""
    try:
        described = run.read_json("run.json")
    except IsthmusError:
        return {"remarks": []}
    return {"remarks": [str(one) for one in described.get("remarks") or []]}


def looks_of(run: Run) -> list[int]:
    """After which lines of the history the model was looked at."""
    found = (run.path / _FOLDER).glob("*.safetensors")
    return sorted(int(path.stem) for path in found if path.stem.isdecimal())


def _stamp(run: Run) -> tuple[int, int]:
    try:
        about = (run.path / "history.jsonl").stat()
    except OSError:
        return (0, 0)
    return about.st_size, about.st_mtime_ns


def _status(run: Run) -> str:
    try:
        return str(run.read_json("run.json").get("status"))
    except IsthmusError:
        return "training"  # run.json is being replaced
