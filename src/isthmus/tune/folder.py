"""The study folder: plain files, checked before anything is added to them.

study.json    format, model, what is searched and for what, the pictures' fingerprint, the length of a trial
journal.jsonl Optuna's storage, unless there is a database
beside.json   PCA of every size and the dimension of the pictures
fresh/        errors of the recommended and the default setting with fresh seeds
workers/      a lock for each process that is at work
trials.csv, answer.json, plot.png
"""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import RunError, UsageError
from isthmus.run import Run
from isthmus.tune.answer import Answer
from isthmus.tune.beside import Beside
from isthmus.tune.choosing import Row
from isthmus.tune.storage import JOURNAL

__all__ = [
    "FORMAT",
    "check",
    "describe",
    "kept_beside",
    "kept_errors",
    "refuse_another",
    "write_answer",
    "write_trials",
]

FORMAT = 1

_WORDS = {
    "data": "was made on other pictures",
    "model": "is of another model, or of other fields",
    "search": "searches something else",
    "objectives": "searches for something else",
}
_COLUMNS = ("error", "rate", "active", "accuracy", "code", "seconds")


def check(folder: Path, url: str | None) -> None:
    """Refuse a folder that is no study, or one whose trials are elsewhere or gone."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file", "Choose another --out.")
    run = Run(folder)
    if run.has("run.json"):
        raise UsageError(f"{folder} is a run folder", "Choose another --out for the study.")
    if not run.has("study.json"):
        return
    kept = run.read_json("study.json")
    version = kept.get("format")
    if version != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        remedy = "Upgrade isthmus, or choose another --out." if newer else "Choose another --out."
        raise RunError(f"{folder} has study format {version}; this version reads format {FORMAT}", remedy)
    if kept.get("storage") == "database" and url is None:
        raise UsageError(f"the trials of {folder} are in a database", "Give its --storage URL again.")
    if kept.get("storage") != "database":
        if url is not None:
            raise UsageError(f"the trials of {folder} are in its journal", "Leave out --storage.")
        if not run.has(JOURNAL):
            raise RunError(
                f"the journal of {folder} is gone, and its trials with it", "Restore it, or choose another --out."
            )


def describe(folder: Path, about: dict[str, Any], url: str | None) -> None:
    Run(folder).write_json("study.json", about | {"storage": "journal" if url is None else "database"})


def refuse_another(folder: Path, kept: dict[str, Any], about: dict[str, Any]) -> None:
    """A study goes on as it was begun, or its trials could not be compared."""
    if kept.get("format") != FORMAT:
        raise RunError(
            f"the study has format {kept.get('format')}; this version reads {FORMAT}", "Choose another --out."
        )
    for name, words in _WORDS.items():
        if kept.get(name) != about[name]:
            told = f": {', '.join(map(str, kept[name]))}" if isinstance(kept.get(name), list) else ""
            remedy = "Give the same pictures and flags as before, or choose another --out."
            raise UsageError(f"the study in {folder} {words}{told}", remedy)


def kept_beside(folder: Path, make: Callable[[], Beside]) -> Beside:
    run = Run(folder)
    if not run.has("beside.json"):
        run.write_json("beside.json", make().to_json())
    try:
        return Beside.from_json(run.read_json("beside.json"))
    except (KeyError, TypeError, ValueError):
        raise RunError(f"{folder / 'beside.json'} is not as it was written", "Delete it: it is made anew.") from None


def kept_errors(folder: Path, number: int, seed: int, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The error of each held-out picture, made once."""
    run, name = Run(folder), f"fresh/{number}-{seed}.npy"
    if not run.has(name):
        buffer = io.BytesIO()
        np.save(buffer, make().astype(np.float64), allow_pickle=False)
        run.write(name, buffer.getvalue())
    try:
        return np.asarray(np.load(folder / name, allow_pickle=False), np.float64)
    except (OSError, ValueError):
        raise RunError(f"{folder / name} is not as it was written", "Delete it: it is made anew.") from None


def write_trials(folder: Path, rows: Sequence[Row], best: Sequence[Row], names: Sequence[str]) -> None:
    """One line a trial, for a table program."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["trial", "state", "front", *names, *_COLUMNS, "why"])
    chosen = {row.number for row in best}
    for row in rows:
        told = [row.measured.get(name, "") for name in _COLUMNS]
        set_to = [row.values.get(name, "") for name in names]
        table.writerow([row.number, row.state, "yes" if row.number in chosen else "", *set_to, *told, row.why])
    Run(folder).write("trials.csv", text.getvalue().encode())


def write_answer(folder: Path, answer: Answer) -> None:
    from isthmus.report.axes import png
    from isthmus.tune.drawing import drawn

    first, *rest = answer.records()
    Run(folder).write_json("answer.json", first | {"fit": answer.command, "beside": rest})
    Run(folder).write("plot.png", png(drawn(answer)))
