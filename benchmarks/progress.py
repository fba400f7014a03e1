"""How far a benchmark is and how long it will still take; on standard error."""

import sys
import time

__all__ = ["Progress"]

_EVERY = 10.0


class Progress:
    """Counts work in expected seconds; the time left is scaled by how the work done so far compares."""

    def __init__(self, expected: float) -> None:
        self.expected, self.done = expected, 0.0
        self._start = self._said = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def tick(self, seconds: float, what: str) -> None:
        """`seconds` of the expected work are done; `what` is under way."""
        self.done += seconds
        now = time.monotonic()
        if not self._terminal and now - self._said < _EVERY:
            return
        self._said = now
        share = min(self.done / self.expected, 1.0)
        left = (now - self._start) * (1 - share) / max(share, 1e-3)
        line = f"{share:4.0%}  {_clock(left)} left  {what}"
        print(
            f"\r{line:<78}" if self._terminal else line, end="" if self._terminal else "\n", file=sys.stderr, flush=True
        )

    def close(self) -> None:
        if self._terminal:
            print("\r" + " " * 78 + "\r", end="", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
