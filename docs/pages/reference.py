"""The reference in Python: the public names with their fields and methods, and what the registries hold."""

import dataclasses
import inspect
from typing import Any

import isthmus
from isthmus import discover
from isthmus.estimator import Estimator

__all__ = ["python_page"]

_REGISTRIES = (
    ("nets", "Net", "Networks", "--net"),
    ("classify.heads", "Head", "Heads of classifiers", "--head"),
    ("look.projections", "Projection", "Projections", "--by"),
    ("design.searches", "Search", "Searches for designs", "--search"),
)


def python_page() -> str:
    """Markdown."""
    lines = ["# In Python", "", "Made from the program itself: everything that `from isthmus import ...` gives.", ""]
    for name in isthmus.__all__:
        lines += _public(name, getattr(isthmus, name))
    for folder, ends, title, flag in _REGISTRIES:
        lines += [f"## {title}", "", f"Chosen with `{flag}`, or given as an object of `isthmus.{folder}`.", ""]
        for name in discover.names(folder):
            found = discover.find(folder, name, ends)
            lines += [f"### {name}", "", f"`{found.__name__}`. {_said(found)}", "", *_fields(found)]
    return "\n".join(lines)


def _public(name: str, found: Any) -> list[str]:
    lines = [f"## {name}", "", _said(found), ""]
    if not inspect.isclass(found):
        return [*lines, "```python", f"{name}{inspect.signature(found)}", "```", ""]
    if issubclass(found, Estimator):
        lines += _fields(found)
    methods = [
        f"| `{key}{_signature(value)}` | {_said(value)} |"
        for key, value in inspect.getmembers(found, callable)
        if not key.startswith("_") and key in _own(found) and inspect.getdoc(value)
    ]
    return [*lines, "| method | |", "|---|---|", *methods, ""] if methods else lines


def _own(found: type) -> set[str]:
    """What our own classes define, and not those that they stand on."""
    return {key for kind in found.__mro__ if kind.__module__.startswith("isthmus") for key in vars(kind)}


def _signature(value: Any) -> str:
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"
    return text.replace("|", "\\|")


def _fields(found: Any) -> list[str]:
    fields = dataclasses.fields(found)
    if not fields:
        return []
    lines = ["| field | default | |", "|---|---|---|"]
    for one in fields:
        default = "required" if one.default is dataclasses.MISSING else f"`{one.default!r}`"
        words = one.metadata.get("help", "")
        choices = ", ".join(one.metadata.get("choices") or ())
        told = f"{words} ({choices})" if choices else words
        lines.append(f"| `{one.name}` | {default} | {told} |".replace("\n", " "))
    return [*lines, ""]


def _said(found: Any) -> str:
    """The first paragraph of what it says of itself."""
    text = inspect.getdoc(found) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")
