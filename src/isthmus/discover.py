"""The file system is the registry: a file in a folder of ideas is a choice on the command line."""

import importlib
import importlib.metadata
import pkgutil
from typing import Any

from isthmus.errors import UsageError

__all__ = ["find", "name_of", "names"]


def names(folder: str) -> list[str]:
    """The ideas in `isthmus.<folder>`, by the names users type, without importing any of them.

    Third parties add theirs with an entry point in the group `isthmus.<folder>`.
    """
    package = importlib.import_module(f"isthmus.{folder}")
    here = [m.name.replace("_", "-") for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")]
    return sorted({*here, *(point.name for point in _entry_points(folder))})


def find(folder: str, name: str, attribute: str) -> Any:
    """The object called `attribute` in the file that `name` stands for, or the one of that entry point."""
    package = importlib.import_module(f"isthmus.{folder}")
    file = name.replace("-", "_")
    if any(module.name == file for module in pkgutil.iter_modules(package.__path__)) and not file.startswith("_"):
        return getattr(importlib.import_module(f"isthmus.{folder}.{file}"), attribute)
    for point in _entry_points(folder):
        if point.name == name:
            return point.load()
    known = ", ".join(names(folder))
    raise UsageError(f"there is no {folder.rpartition('.')[2].rstrip('s')} called {name!r}", f"Choose one of: {known}.")


def name_of(folder: str, kind: type) -> str:
    """The name under which `find` gives this class; one that nobody can find again is refused."""
    home, _, file = kind.__module__.rpartition(".")
    if home == f"isthmus.{folder}":
        return file.replace("_", "-")
    for point in _entry_points(folder):
        if point.load() is kind:
            return point.name
    remedy = f"Give it an entry point in the group isthmus.{folder}, so that a saved run finds it again."
    raise UsageError(f"{kind.__qualname__} is in no registry", remedy)


def _entry_points(folder: str) -> importlib.metadata.EntryPoints:
    return importlib.metadata.entry_points(group=f"isthmus.{folder}")
