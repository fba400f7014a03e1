"""What is searched: ranges and choices over the fields of an estimator and its network, read from a line of text."""

import dataclasses
import math
import re
import types
import typing
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from isthmus import discover
from isthmus.errors import UsageError
from isthmus.estimator import Estimator
from isthmus.tune._widths import scaled, scales

__all__ = [
    "Choice",
    "Dimension",
    "Range",
    "applied",
    "check_space",
    "default_space",
    "defaults",
    "read_search",
    "written",
]

_SIZES, _PRICES, _WIDTHS = (2, 128), (0.1, 4.0), ("0.5", "1", "2")
_BELOW, _ABOVE = 10.0, 3.0
_WIDTH = "width"
"""Not a field: what every width of the network is multiplied by."""

_NEXT = re.compile(r",\s*(?=[A-Za-z_]+\s*=)")
_NAMED = re.compile(r"([A-Za-z_]+)\s*=\s*(.+)", re.DOTALL)


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`; with `log` each doubling counts the same."""

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.name}={self.low:g}..{self.high:g}{' log' if self.log else ''}"

    def ask(self, trial: Any) -> Any:
        if self.whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """One of several values, as they are written."""

    name: str
    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}={'|'.join(self.texts)}"

    def ask(self, trial: Any) -> Any:
        return trial.suggest_categorical(self.name, list(self.texts))

    def holds(self, value: Any) -> bool:
        return value in self.texts


Dimension = Range | Choice


def default_space(model: Any, shape: tuple[int, ...], fixed: Collection[str] = ()) -> tuple[Dimension, ...]:
    """Latent size, the weight of the KL term where there is one, learning rate and width; not what is `fixed`."""
    usual = defaults(model)
    rate = usual["learning_rate"]
    most = max(_SIZES[0], min(_SIZES[1], math.prod(shape) // 2), model.latent)
    found: list[Dimension] = [Range("latent", min(_SIZES[0], model.latent), most, True, True)]
    if usual.get("beta"):
        found.append(Range("beta", min(_PRICES[0], model.beta), max(_PRICES[1], model.beta), True))
    found.append(Range("learning_rate", rate / _BELOW, rate * _ABOVE, True))
    if scales(model.net_for(), shape):
        found.append(Choice(_WIDTH, _WIDTHS))
    return tuple(one for one in found if one.name not in fixed)


def defaults(model: Any) -> dict[str, Any]:
    """The setting that the model has before any search, the learning rate spelt out: what is tried first."""
    from isthmus.train.optimisers import OPTIMISERS

    habits, rate = model.habits(), model.learning_rate
    if rate is None:
        own = model.optimiser in (None, habits.optimiser)
        rate = habits.learning_rate if own else OPTIMISERS[model.optimiser][0]
    fields = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    inner = {f"net_{name}": value for name, value in model.net_for().get_params(deep=False).items()}
    return fields | inner | {"learning_rate": rate, _WIDTH: 1.0}


def read_search(text: str, model: Any) -> tuple[Dimension, ...]:
    """`latent=2..128 log, net_activation=relu|silu`: ranges and choices of fields, and nothing else."""
    found = []
    for part in _NEXT.split(text.strip().rstrip(",")):
        named = _NAMED.fullmatch(part.strip())
        if named is None:
            raise UsageError(f"{part.strip()!r} says no range", "Write latent=2..128, or net_activation=relu|silu.")
        found.append(_dimension(named[1], named[2].strip(), model))
    names = [one.name for one in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UsageError(f"{twice[0]} is searched twice", "Say it once.")
    return tuple(found)


def check_space(space: Sequence[Dimension], model: Any, shape: tuple[int, ...]) -> None:
    """Whatever the search may come to must be a setting that the model takes: its ends are tried on it."""
    if not space:
        raise UsageError("nothing is searched", "Leave a field to the search, as in: --search latent=2..128.")
    names = {one.name for one in space}
    inner = sorted(name for name in names if name.startswith("net_"))
    if "net" in names and inner:
        raise UsageError(f"{inner[0]} belongs to one network, and net is searched", f"Leave out net, or {inner[0]}.")
    for one in space:
        for value in (one.low, one.high) if isinstance(one, Range) else one.texts:
            value = int(value) if isinstance(one, Range) and one.whole else value
            made = applied(model, {one.name: value}, shape)
            made.check_params()
            made.net_for().check_params()


def applied(model: Any, values: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """A new model with these values; `net_...` are its network's, and `width` multiplies that one's widths."""
    made = type(model)(**model.get_params(deep=False))
    if "net" in values:
        made.net = values["net"]
    inner = {name[4:]: _read(name, text, model) for name, text in values.items() if name.startswith("net_")}
    width = float(values.get(_WIDTH, 1.0))
    if inner or width != 1.0:
        net = made.net_for()
        made.net = scaled(type(net)(**net.get_params(deep=False) | inner), width, shape)
    own = {name: value for name, value in values.items() if name not in ("net", _WIDTH) and name[:4] != "net_"}
    return made.set_params(**{name: _read(name, value, model) for name, value in own.items()})


def written(value: Any) -> str:
    """As `--search` and the flags write it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _dimension(name: str, text: str, model: Any) -> Dimension:
    kind = _kind(name, model)
    ends = re.fullmatch(r"(\S+?)\.\.(\S+?)(\s+log)?", text)
    if ends is None:
        texts = tuple(part.strip() for part in text.split("|"))
        for one in texts:
            _as(kind, one, name)
        return Choice(name, texts)
    if kind not in (int, float):
        raise UsageError(f"{name} is no number, so {text} is no range of it", f"Give choices: {name}=one|other.")
    low, high = (float(_as(kind, end, name)) for end in ends.groups()[:2])
    if not (math.isfinite(low) and math.isfinite(high) and low < high and (low > 0 or not ends[3])):
        above = " above 0" if ends[3] else ""
        raise UsageError(f"{name}={text} is no range", f"Write the smaller number first, both finite{above}.")
    return Range(name, low, high, bool(ends[3]), kind is int)


def _kind(name: str, model: Any) -> Any:
    """The type of a field of the model, or of its network."""
    if name == _WIDTH:
        return float
    if name == "net" and getattr(model, "chooses_net", False):
        return discover.names("nets")
    holder: Estimator = model.net_for() if name.startswith("net_") else model
    hints = typing.get_type_hints(type(holder))
    known = {field.name for field in dataclasses.fields(holder)} - {"net", "seed", "device", "axes", "precision"}
    field = name.removeprefix("net_") if name.startswith("net_") else name
    if field not in known:
        inner = [f"net_{one.name}" for one in dataclasses.fields(model.net_for())]
        raise UsageError(
            f"there is no field {name} to search", f"There are: {', '.join(sorted(known) + inner)}, width."
        )
    return _plain(hints[field])


def _plain(hint: Any) -> Any:
    """int, float, bool, str or tuple: of a union the last that is not None."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = [part for part in typing.get_args(hint) if part is not type(None)][-1]
    return typing.get_origin(hint) or hint


def _read(name: str, value: Any, model: Any) -> Any:
    return _as(_kind(name, model), value, name) if isinstance(value, str) else value


def _as(kind: Any, text: str, name: str) -> Any:
    """The value that a text stands for."""
    try:
        if isinstance(kind, list):
            if text not in kind:
                raise ValueError
            return text
        if kind is bool:
            return {"yes": True, "no": False, "true": True, "false": False}[text.lower()]
        if kind is tuple:
            return tuple(int(part) for part in text.split(",") if part.strip())
        return kind(text)
    except (ValueError, KeyError):
        words = {int: "a whole number", float: "a number", bool: "yes or no", tuple: "whole numbers like 32,64"}
        wanted = f"one of: {', '.join(kind)}" if isinstance(kind, list) else words.get(kind, "a word")
        raise UsageError(f"{name}={text!r} cannot be read", f"Give {wanted}.") from None
