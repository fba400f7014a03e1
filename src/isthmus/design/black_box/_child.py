"""A user's score.py in a process of its own, asked over a pipe. It stands alone: nothing of Isthmus is loaded there.

A question is eight bytes of length and pictures as .npy; an answer is one line of JSON. Whatever the file prints goes
to the standard error, so that it cannot be taken for an answer.
"""

import importlib.machinery
import importlib.util
import inspect
import io
import json
import os
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["called", "main", "numbers_of", "takes_one"]

_ONE = "picture"


def main(path: str) -> None:
    """Load the file, say whether that went well, then answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides when it ends
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    score, said = _loaded(path)
    _tell(answers, said)
    while score is not None and (head := questions.read(8)):
        pictures = np.load(io.BytesIO(questions.read(struct.unpack(">Q", head)[0])), allow_pickle=False)
        _tell(answers, called(score, pictures, takes_one(score), path))


def called(score: Callable[..., Any], pictures: np.ndarray, one: bool, path: str = "") -> dict[str, Any]:
    """`scores` of these pictures, or what `failed` and on which `line` of the file."""
    try:
        return {"scores": numbers_of(score(pictures[0] if one else pictures), len(pictures))}
    except KeyboardInterrupt:
        raise
    except _Wrong as wrong:
        return {"failed": str(wrong), "line": None}
    except SystemExit:
        return {"failed": "it called sys.exit", "line": _line(path)}
    except BaseException as error:
        return {"failed": _words(error), "line": _line(path)}


def takes_one(score: Callable[..., Any]) -> bool:
    """A function whose parameter is called `picture` is given one at a time; any other is given all at once."""
    try:
        return next(iter(inspect.signature(score).parameters), "") == _ONE
    except (TypeError, ValueError):
        return False


def numbers_of(result: Any, n: int) -> list[float]:
    """One float a picture, whatever array, tensor, list or number they come in; NaN and infinity among them."""
    if result is None:
        raise _Wrong("it returned nothing: a return is missing")
    try:
        found = np.asarray(result)
    except Exception:
        found = np.asarray(None)
    if found.dtype.kind not in "biuf":
        what = repr(result)
        raise _Wrong(f"it returned {what if len(what) < 60 else what[:57] + '...'}, which is no number")
    if found.size != n or found.ndim > 2:
        shape = f"of shape {found.shape}" if found.ndim else "one number"
        raise _Wrong(f"it returned {shape} for {n} picture{'s' if n > 1 else ''}: one number a picture is due")
    return [float(number) for number in found.reshape(-1)]


class _Wrong(Exception):
    """What came back is no score."""


def _loaded(path: str) -> tuple[Callable[..., Any] | None, dict[str, Any]]:
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(Path(path).resolve().parent))
    loader = importlib.machinery.SourceFileLoader("score", path)
    spec = importlib.util.spec_from_loader("score", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        mine = error.filename == path
        return None, {"failed": _words(error), "line": error.lineno if mine else _line(path)}
    except BaseException as error:
        return None, {"failed": _words(error), "line": _line(path)}
    score = getattr(module, "score", None)
    if not callable(score):
        return None, {"failed": "it has no function called score", "line": None}
    return score, {"one": takes_one(score)}


def _words(error: BaseException) -> str:
    """The exception on one line, as Python itself ends a traceback."""
    text = getattr(error, "msg", None) if isinstance(error, SyntaxError) else str(error)
    lines = str(text or "").strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _line(path: str) -> int | None:
    """The innermost line of the user's file that the present exception passed through."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    return next((frame.lineno for frame in reversed(frames) if path and frame.filename == path), None)


def _tell(answers: Any, said: dict[str, Any]) -> None:
    answers.write(json.dumps(said).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
