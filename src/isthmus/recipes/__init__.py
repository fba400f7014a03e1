"""The papers, one file each: `paper_004.py` is `isthmus recipe run 004`; each ends with `RECIPE`."""

import difflib

from isthmus import discover
from isthmus.errors import UsageError
from isthmus.recipes._recipe import Part, Recipe

__all__ = ["chosen", "recipes"]

_BEGINS = "paper-"


def recipes() -> list[Recipe]:
    """All of them, in the order of the papers."""
    return [discover.find("recipes", name, "RECIPE") for name in discover.names("recipes") if name.startswith(_BEGINS)]


def chosen(name: str) -> tuple[Recipe, tuple[Part, ...]]:
    """`004` is the whole recipe, `004/table-7` one part of it."""
    found: dict[str, tuple[Recipe, tuple[Part, ...]]] = {}
    for recipe in recipes():
        found[recipe.paper] = recipe, recipe.parts
        found |= {f"{recipe.paper}/{part.name}": (recipe, (part,)) for part in recipe.parts}
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, found, 2, 0.5)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"there is no recipe or table {name!r}", f"{meant}See: isthmus recipe list.")
