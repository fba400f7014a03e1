"""The run folders that the studio shows: looked for below one folder, and known by their names alone."""

import os
import time
from pathlib import Path
from typing import Any

from isthmus.errors import RunError
from isthmus.run import Run

__all__ = ["Shelf"]

_DEPTH = 3
_MOST = 500
_FRESH = 1.0
"""Seconds for which the list is believed."""


class Shelf:
    """`folder` is a run, or holds some. A run is asked for by its name in the list; no path is ever made of a name."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise RunError(f"there is no folder {folder}", "Make a run with: isthmus fit PICTURES --out runs/mine")
        self._runs: dict[str, Run] = {}
        self._looked = -_FRESH

    def runs(self) -> dict[str, Run]:
        if time.monotonic() - self._looked > _FRESH:
            self._runs = self._found()
            self._looked = time.monotonic()
        return self._runs

    def get(self, name: str) -> Run:
        found = self.runs().get(name)
        if found is None:
            raise RunError(f"there is no run called {name!r} here", "Choose one of the list.")
        return found

    def listed(self) -> list[dict[str, Any]]:
        """What the list of runs tells of each without opening it, the newest first."""
        found = [_told(name, run) for name, run in self.runs().items()]
        return sorted(found, key=lambda one: str(one["made"]), reverse=True)

    def _found(self) -> dict[str, Run]:
        if (self.folder / "run.json").is_file():
            return {self.folder.resolve().name: Run(self.folder)}
        runs: dict[str, Run] = {}
        for place, folders, files in os.walk(self.folder):
            inside = Path(place).relative_to(self.folder)
            if "run.json" in files:
                runs[inside.as_posix().encode("utf-8", "replace").decode()] = Run(place)
                folders.clear()
            elif len(inside.parts) >= _DEPTH or len(runs) >= _MOST:
                folders.clear()
            folders[:] = sorted(name for name in folders if not name.startswith("."))
        return runs


def _told(name: str, run: Run) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "made": "", "problem": None}
    try:
        described = Run.open(run.path).read_json("run.json")
        fitted = described.get("fitted") or {}
        data = described.get("data") or {}
        told |= {
            "made": str(described.get("made") or ""),
            "status": str(described["status"]),
            "model": str(described["model"].get("name")),
            "shape": _sizes(fitted.get("shape")),
            "latent": _sizes(fitted.get("latent_shape")),
            "data": str(data.get("name") or ""),
            "pictures": None if data.get("pictures") is None else int(data["pictures"]),
            "usable": run.has("weights.safetensors"),
        }
    except (RunError, AttributeError, TypeError, ValueError, KeyError, OverflowError, RecursionError) as error:
        what = error.what if isinstance(error, RunError) else f"run.json is not whole ({type(error).__name__})"
        return {"name": name, "made": "", "usable": False, "problem": what.replace(str(run.path), name)}
    return told


def _sizes(value: Any) -> list[int] | None:
    return None if value is None else [int(size) for size in list(value)[:8]]
