"""Work that takes longer than a moment: done in a thread, with progress and the time left, and cancelled when asked."""

import itertools
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from isthmus.errors import IsthmusError, UsageError
from isthmus.studio.events import Hub

__all__ = ["Cancelled", "Job", "Jobs"]

_KEPT = 50
_PAUSE = 0.1
"""Seconds between two reports of progress."""


class Cancelled(Exception):
    """Raised where a job reports, once somebody asked it to stop."""


class Job:
    """`work(job)` is done in a thread of its own; what it returns is `result`."""

    def __init__(self, number: str, title: str, run: str, hub: Hub, of: Any = None) -> None:
        self.id, self.title, self.run, self.of, self._hub = str(number), title, run, of, hub
        self.state, self.what, self.done, self.total = "running", title, 0, 0
        self.error: dict[str, str] | None = None
        self.result: Any = None
        self._stop = threading.Event()
        self._begun = self._since = time.monotonic()
        self._last = 0.0
        self.finished = threading.Event()

    def told(self, done: int, total: int, what: str = "") -> None:
        """Where the work stands; this is where it is stopped."""
        if self._stop.is_set():
            raise Cancelled
        now = time.monotonic()
        if what and what != self.what:
            self.what, self._since = what, now
        self.done, self.total = int(done), int(total)
        if now - self._last >= _PAUSE:
            self._last = now
            self._hub.tell("job", job=self.described())

    def tick(self, what: str) -> Callable[[int, int], None]:
        """The same for one part of the work."""
        return lambda done, total: self.told(done, total, what)

    def cancel(self) -> None:
        self._stop.set()

    def described(self) -> dict[str, Any]:
        spent = time.monotonic() - self._since
        left = spent * (self.total - self.done) / self.done if self.done and self.state == "running" else None
        plain = {name: getattr(self, name) for name in ("id", "title", "run", "state", "what", "done", "total")}
        return plain | {"left": left, "error": self.error, "result": self.result}

    def work(self, task: Callable[["Job"], Any]) -> None:
        try:
            self.result, self.state = task(self), "done"
        except Cancelled:
            self.state = "cancelled"
        except IsthmusError as error:
            self.state, self.error = "failed", {"what": error.what, "remedy": error.remedy}
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            what = f"{self.title}: something unexpected happened ({type(error).__name__})"
            self.state, self.error = "failed", {"what": what, "remedy": "The terminal of the studio says more."}
        finally:
            self.finished.set()
            self._hub.tell("job", job=self.described())


class Jobs:
    """All that run now, and the last that did."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        mark = secrets.token_hex(3)
        self._numbers = (f"{mark}-{n}" for n in itertools.count(1))  # no other process has the same
        self._jobs: dict[str, Job] = {}
        self._guard = threading.Lock()

    def start(self, title: str, run: str, task: Callable[[Job], Any], of: Any = None) -> Job:
        """The same work for the same run, `of` the same, is not started twice while it goes on."""
        with self._guard:
            for one in self._jobs.values():
                if one.state == "running" and (one.title, one.run, one.of) == (title, run, of):
                    return one
            job = Job(next(self._numbers), title, run, self.hub, of)
            self._jobs[job.id] = job
            for old in [one.id for one in self._jobs.values() if one.state != "running"][:-_KEPT]:
                del self._jobs[old]
        self.hub.tell("job", job=job.described())
        threading.Thread(target=job.work, args=(task,), daemon=True, name=f"job {job.id}").start()
        return job

    def get(self, number: str) -> Job:
        found = self._jobs.get(number)
        if found is None:
            raise UsageError(f"there is no job {number!r}", "It may have ended long ago.")
        return found

    def all(self) -> list[Job]:
        return list(self._jobs.values())

    def stop(self) -> None:
        """Ask all to end, and wait a moment for them."""
        for job in self.all():
            job.cancel()
        for job in self.all():
            job.finished.wait(2)
