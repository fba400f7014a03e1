"""What is to be made as large as possible: pictures in their own units to one number each.

A Python function is called as it is. A user's file runs in a process of its own with a time limit a call: whatever it
does, the search goes on, and what was found is kept.
"""

import contextlib
import io
import json
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from isthmus.design.black_box import _child
from isthmus.design.black_box._child import called, takes_one
from isthmus.errors import UsageError

__all__ = ["Objective", "Outcome"]

_IN_A_ROW = 5
_TO_START = 60.0
_EXAMPLE = "It must have: def score(pictures), which returns one number a picture."


@dataclass
class Outcome:
    """Scores as they come in, NaN for what failed or was not reached; why, by row; whether it is hopeless."""

    scores: np.ndarray
    said: dict[int, str] = field(default_factory=dict)
    hopeless: bool = False
    done: int = 0

    @classmethod
    def of(cls, n: int) -> Self:
        return cls(np.full(n, np.nan))


class _Asked(Protocol):
    """Whoever answers: `one` at a time or all; `scores`, or what `failed` and on which `line`."""

    name: str
    one: bool

    def ask(self, pictures: np.ndarray) -> dict[str, Any]: ...

    def close(self) -> None: ...


class Objective:
    """Scores pictures, `(n, h, w)` or `(n, h, w, c)` in their own units, and outlives whatever goes wrong there.

    A call with several pictures that fails is repeated with each alone, so that one bad picture costs no other its
    score. After five calls in a row that gave nothing it is hopeless.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        self._asked: _Asked = _Here(function, name or str(getattr(function, "__name__", "the function")))
        self.scored, self._failed_in_a_row = 0, 0

    @classmethod
    def from_file(cls, path: str | Path, seconds: float = 60.0) -> Self:
        """`def score(pictures)` of a file, given all at once; or `def score(picture)`, given one at a time."""
        path = Path(path)
        if not path.is_file():
            raise UsageError(f"there is no file {path}", f"Give a Python file. {_EXAMPLE}")
        made = cls.__new__(cls)
        made._asked, made.scored, made._failed_in_a_row = _Elsewhere(path, seconds), 0, 0
        return made

    @property
    def name(self) -> str:
        return self._asked.name

    def __call__(self, pictures: np.ndarray) -> Outcome:
        outcome = Outcome.of(len(pictures))
        self.fill(outcome, pictures)
        return outcome

    def fill(self, outcome: Outcome, pictures: np.ndarray) -> None:
        """Into `outcome` as answers come, so that an interrupt loses only what was not yet answered."""
        if not self._asked.one and len(pictures) > 1 and self._note(outcome, pictures, 0, len(pictures)):
            return
        for row in range(len(pictures)):
            self._note(outcome, pictures, row, row + 1)
            if outcome.hopeless:
                return

    def close(self) -> None:
        self._asked.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *what: object) -> None:
        self.close()

    def _note(self, outcome: Outcome, pictures: np.ndarray, start: int, stop: int) -> bool:
        """Ask for these rows; whether an answer came. Of several that failed together, those alone will tell."""
        answer = self._asked.ask(pictures[start:stop])
        several = stop - start > 1
        scores = np.array(answer.get("scores", [np.nan] * (stop - start)))
        good = np.isfinite(scores)
        self._failed_in_a_row = 0 if good.any() else self._failed_in_a_row + 1
        outcome.hopeless = self._failed_in_a_row >= _IN_A_ROW
        if "failed" in answer and several and not answer.get("lost") and not outcome.hopeless:
            return False
        for row in np.flatnonzero(~good):
            what = answer.get("failed", f"it returned {scores[row]}")
            outcome.said[start + int(row)] = self._sentence(what, answer.get("line"), self.scored + int(row) + 1)
        outcome.scores[start:stop] = np.where(good, scores, np.nan)
        outcome.done = stop
        self.scored += stop - start
        return True

    def _sentence(self, what: str, line: int | None, picture: int) -> str:
        place = f"{self.name}, line {line}" if line else self.name
        return f"{place}, picture {picture}: {what}"


class _Here:
    """A function of this very process."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function, self.name, self.one = function, name, takes_one(function)

    def ask(self, pictures: np.ndarray) -> dict[str, Any]:
        return called(self.function, pictures, self.one, getattr(self.function, "__code__", _Nowhere).co_filename)

    def close(self) -> None: ...


class _Nowhere:
    co_filename = ""


class _Elsewhere:
    """A file in a process of its own, started again whenever it had to be ended or ended itself."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds, self.name, self.one = path.resolve(), seconds, path.name, False
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[bytes] = queue.Queue()
        said = self._start()
        if "failed" in said:
            self.close()
            place = f"{path}, line {said['line']}" if said.get("line") else str(path)
            raise UsageError(f"{place}: {said['failed']}", f"Mend it. {_EXAMPLE}")
        self.one = bool(said["one"])

    def ask(self, pictures: np.ndarray) -> dict[str, Any]:
        if self._process is None:
            said = self._start()
            if "failed" in said:
                self.close()
                return said | {"lost": True}
        assert self._process is not None and self._process.stdin is not None
        held = io.BytesIO()
        np.save(held, np.ascontiguousarray(pictures), allow_pickle=False)
        with contextlib.suppress(OSError):  # who has died meanwhile is noticed when no answer comes
            self._process.stdin.write(struct.pack(">Q", len(held.getvalue())) + held.getvalue())
            self._process.stdin.flush()
        return self._answer(self.seconds, f"it took longer than {self.seconds:g} seconds and was ended")

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()
            self._process = None

    def _start(self) -> dict[str, Any]:
        # -P, since the folder of that file has names of its own that must not hide Python's.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_child.__file__), str(self.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._answers = queue.Queue()
        threading.Thread(target=_read, args=(self._process.stdout, self._answers), daemon=True).start()
        limit = max(_TO_START, self.seconds)
        return self._answer(limit, f"it could not be loaded within {limit:g} seconds")

    def _answer(self, seconds: float, late: str) -> dict[str, Any]:
        """What the process says; where it says nothing, why, and it is gone."""
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            line, failed = b"", late
        else:
            failed = "its process ended without an answer"
        if line:
            said: dict[str, Any] = json.loads(line)
            return said
        self.close()
        return {"failed": failed, "line": None, "lost": True}

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None:
            self.close()


def _read(pipe: Any, answers: "queue.Queue[bytes]") -> None:
    """Lines as they come, and an empty one at the end: a pipe cannot be waited for with a limit everywhere."""
    with contextlib.suppress(OSError, ValueError):
        for line in pipe:
            answers.put(line)
    answers.put(b"")
