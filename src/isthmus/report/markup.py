"""HTML that cannot be broken by what is put into it: whatever is not made here is escaped."""

import html
import re
from typing import Any

from isthmus.report.without_paths import without_paths

__all__ = ["Markup", "plain", "tag"]

_HTML = frozenset({"img", "meta", "br", "hr"})
_VOID = _HTML | {"line", "polyline", "circle", "rect", "polygon"}
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def plain(value: Any) -> str:
    """As a reader may see it: without what is not seen, and without places on somebody's machine."""
    return without_paths(_UNSEEN.sub("", str(value)))


def tag(kind: str, *inside: Any, **attributes: Any) -> Markup:
    """An element. Children are escaped unless made here, None is left out; `class_` is class, `view_box` viewBox."""
    told = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = {"class_": "class", "view_box": "viewBox", "for_": "for"}.get(name, name.replace("_", "-"))
        told.append(name if value is True else f'{name}="{_escaped(value)}"')
    opening = f"<{' '.join([kind, *told])}>"
    if kind in _VOID:
        return Markup(opening if kind in _HTML else f"{opening[:-1]}/>")
    return Markup(f"{opening}{''.join(_escaped(one) for one in _flat(inside))}</{kind}>")


def _flat(inside: Any) -> list[Any]:
    found = []
    for one in inside:
        found += _flat(one) if isinstance(one, list | tuple) else [] if one is None else [one]
    return found


def _escaped(value: Any) -> str:
    return value if isinstance(value, Markup) else html.escape(plain(value), quote=True)
