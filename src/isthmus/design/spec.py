"""What a user writes is what is wished: `class=7, thickness=4..5, 2*slant>0.2`, or one wish a line in a file."""

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isthmus.design.wishes import Class, Mixture, Range, Wish
from isthmus.errors import UsageError

__all__ = ["Spec", "Vocabulary", "read_spec"]

_WISH = re.compile(r"^(?:(?P<weight>[0-9.eE+-]+)\s*\*)?\s*(?P<name>[^<>=*]+?)\s*(?P<sign><=|>=|=|<|>)\s*(?P<value>.+)$")
_CLASS = "class"
_NEAR = 0.05
"""Of its deviation: how far from a single number an attribute may be."""

Spec = tuple[Wish, ...]


@dataclass(frozen=True)
class Vocabulary:
    """What can be wished: the classes' names, and of every attribute `(lowest, highest, deviation)` among pictures."""

    classes: tuple[str, ...] = ()
    attributes: dict[str, tuple[float, float, float]] | None = None

    def number(self, name: str) -> int:
        """The class of this name."""
        if name in self.classes:
            return self.classes.index(name)
        if not self.classes:
            raise UsageError(f"class={name}: no picture has a label, so no class can be wished", "Label some pictures.")
        raise UsageError(f"there is no class {name!r}", _nearest(name, self.classes, "The classes are"))

    def extent(self, name: str) -> tuple[float, float, float]:
        """Of the attribute of this name."""
        known = self.attributes or {}
        if name not in known:
            remedy = _nearest(name, (*known, _CLASS), "What can be wished is")
            raise UsageError(f"there is no attribute {name!r}", remedy)
        return known[name]


def read_spec(text: str, words: Vocabulary, sure: float | None = None) -> tuple[Spec, list[str]]:
    """The wishes, and notes for the user; `@file` reads them from a file, one a line, # begins a remark.

    `sure` is the probability above which a guide finds a class, None for the usual.
    """
    if not text.startswith("@"):
        wishes = [_wish(part, words) for part in _parts(text)]
    else:
        path, wishes = Path(text[1:]), []
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read ({error})", "Give a text file with one wish a line.") from None
        for number, line in enumerate(lines, 1):
            try:
                wishes += [_wish(part, words) for part in _parts(line.partition("#")[0])]
            except UsageError as error:
                raise UsageError(f"{path}, line {number}: {error.what}", error.remedy) from None
    if not wishes:
        raise UsageError(f"{text!r} wishes for nothing", "Say for example: class=7, or thickness=4..5.")
    wishes = [replace(wish, sure=sure) if isinstance(wish, Class) else wish for wish in wishes]
    return _together(wishes), [note for wish in wishes if (note := _unseen(wish, words))]


def _parts(text: str) -> list[str]:
    """Cut at commas, but not within quotation marks."""
    parts = re.findall(r"(?:[^,\"]|\"[^\"]*\")+", text)
    return [part.strip() for part in parts if part.strip()]


def _wish(text: str, words: Vocabulary) -> Wish:
    found = _WISH.match(text)
    if found is None:
        raise UsageError(f"{text!r} is no wish", "Write name=value, name=low..high, name>low or name<high.")
    weight = _number(found["weight"], text) if found["weight"] else 1.0
    if not weight > 0:
        raise UsageError(f"the weight of {text!r} is {weight:g}", "Give one above 0, or leave the wish out.")
    name, sign, value = found["name"], found["sign"], found["value"].strip()
    if name == _CLASS and _CLASS not in (words.attributes or {}):
        if sign != "=":
            raise UsageError(f"{text!r}: a class is or is not", "Write class=NAME.")
        return replace(_class(value, words), said=text, weight=weight)
    *_, spread = words.extent(name)
    low, high = _ends(sign, value, text, spread)
    return Range(said=text, weight=weight, name=name, low=low, high=high, spread=spread)


def _class(value: str, words: Vocabulary) -> Wish:
    """`7`, `3|8` for either, `3+8` or `3:0.7+8:0.3` for something between."""
    whole = value.strip('"')
    if whole in words.classes:
        return Class("", classes=(words.number(whole),))
    if "|" in value:
        return Class("", classes=tuple(words.number(name.strip().strip('"')) for name in value.split("|")))
    if "+" in value:
        return _mixture(value, words)
    return Class("", classes=(words.number(whole),))


def _mixture(value: str, words: Vocabulary) -> Wish:
    shares: dict[int, float] = {}
    for part in value.split("+"):
        name, _, share = part.strip().rpartition(":") if ":" in part else (part.strip(), "", "1")
        shares[words.number(name.strip().strip('"'))] = _number(share, value)
    total = sum(shares.values())
    if min(shares.values()) <= 0 or len(shares) < 2:
        raise UsageError(f"{value!r} is no mixture of classes", "Write class=3:0.7+8:0.3, with shares above 0.")
    return Mixture("", shares=tuple(sorted((c, share / total) for c, share in shares.items())))


def _ends(sign: str, value: str, text: str, spread: float) -> tuple[float, float]:
    if sign == "=" and ".." in value:
        low, high = (_number(part, text) for part in value.split("..", 1))
        if low >= high:
            raise UsageError(f"{text!r}: {low:g} is not below {high:g}", "Give the lower end first.")
        return low, high
    number = _number(value, text)
    if sign == "=":
        return number - _NEAR * spread, number + _NEAR * spread
    return (number, math.inf) if ">" in sign else (-math.inf, number)


def _number(text: str, whole: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise UsageError(f"{whole!r}: {text.strip()!r} is no number", "Write for example thickness=4..5.") from None
    if not math.isfinite(found):
        raise UsageError(f"{whole!r}: {text.strip()} is no finite number", "Leave that side open: name>low.")
    return found


def _together(wishes: Sequence[Wish]) -> Spec:
    """Refuse what no picture can be; several ranges of one attribute become their common part."""
    classes = [wish for wish in wishes if wish.number is None]
    if len(classes) > 1:
        said = " and ".join(wish.said for wish in classes)
        raise UsageError(f"{said} contradict each other", "Ask for one class, for either (3|8) or between (3+8).")
    ranges: dict[str, Range] = {}
    for wish in wishes:
        if not isinstance(wish, Range):
            continue
        if wish.name in ranges:
            other = ranges[wish.name]
            low, high = max(wish.low, other.low), min(wish.high, other.high)
            if low >= high:
                raise UsageError(f"{other.said} and {wish.said} contradict each other", "Leave one of them out.")
            wish = replace(wish, said=f"{other.said}, {wish.said}", low=low, high=high)
        ranges[wish.name] = wish
    return (*classes, *ranges.values())


def _unseen(wish: Wish, words: Vocabulary) -> str | None:
    """A range that no picture is in can be asked for all the same, but not silently."""
    if not isinstance(wish, Range):
        return None
    lowest, highest, _ = words.extent(wish.name)
    if wish.low > highest or wish.high < lowest:
        return f"{wish.said} is outside of anything seen: {wish.name} goes from {lowest:.4g} to {highest:.4g}"
    return None


def _nearest(name: str, known: Sequence[str], words: str) -> str:
    close = difflib.get_close_matches(name, known, 1, 0.4)
    if close:
        return f"Did you mean {close[0]!r}?"
    few = ", ".join(map(str, known[:20])) + (", ..." if len(known) > 20 else "")
    return f"{words}: {few}."
