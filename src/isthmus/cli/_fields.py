"""Flags made from an estimator's fields, and estimators made from flags: there is no second list of options."""

import argparse
import dataclasses
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

from isthmus import discover, models
from isthmus.estimator import Estimator

__all__ = [
    "add_fields",
    "add_head_fields",
    "add_projection_fields",
    "add_search_fields",
    "estimator_from",
    "head_from",
    "projection_from",
    "search_from",
    "value_of",
]


def add_fields(parser: argparse.ArgumentParser, model: str, net: str | None) -> None:
    """One flag for each field of the model, and `--net-...` for each of its network."""
    made = models.make(model)
    _add(parser.add_argument_group(f"{model}: the model's fields"), made, "")
    if getattr(made, "chooses_net", False):
        name = net or made.net
        network = discover.find("nets", name, "Net")()
        _add(parser.add_argument_group(f"{name}: the network's fields"), network, "net_")


def estimator_from(arguments: argparse.Namespace) -> Any:
    """The model with the fields that were given; all others keep their defaults."""
    made = models.make(arguments.model)
    given = vars(arguments)
    fields = {field.name: given[field.name] for field in dataclasses.fields(made) if field.name in given}
    inner = {name[4:]: value for name, value in given.items() if name.startswith("net_")}
    if inner:
        fields["net"] = discover.find("nets", fields.get("net", made.net), "Net")(**inner)
    return made.set_params(**fields)


def add_head_fields(parser: argparse.ArgumentParser, head: str) -> None:
    """`--head-...` for each field of a classifier's head."""
    _add(
        parser.add_argument_group(f"{head}: the head's fields"),
        discover.find("classify.heads", head, "Head")(),
        "head_",
    )


def head_from(arguments: argparse.Namespace) -> Any:
    """The head with the fields that were given."""
    inner = {name[5:]: value for name, value in vars(arguments).items() if name.startswith("head_")}
    return discover.find("classify.heads", arguments.head, "Head")(**inner)


def add_search_fields(parser: argparse.ArgumentParser, search: str) -> None:
    """A flag for each field of a search for designs."""
    group = parser.add_argument_group(f"{search}: the search's fields")
    _add(group, discover.find("design.searches", search, "Search")(), "")


def search_from(arguments: argparse.Namespace) -> Any:
    """The search with the fields that were given."""
    kind = discover.find("design.searches", arguments.search, "Search")
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in vars(arguments).items() if name in names})


def add_projection_fields(parser: argparse.ArgumentParser, by: str) -> None:
    """A flag for each field of a way to draw a map."""
    group = parser.add_argument_group(f"{by}: the projection's fields")
    _add(group, discover.find("look.projections", by, "Projection")(), "")


def projection_from(arguments: argparse.Namespace, by: str) -> Any:
    """The projection with the fields that were given."""
    kind = discover.find("look.projections", by, "Projection")
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in vars(arguments).items() if name in names})


def value_of(flag: str, words: Sequence[str]) -> str | None:
    """The value of a flag before the command line is parsed, for it decides which other flags there are."""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word == flag:
            return after
        if word.startswith(f"{flag}="):
            return word.split("=", 1)[1]
    return None


def _add(group: argparse._ArgumentGroup, made: Estimator, prefix: str) -> None:
    hints = typing.get_type_hints(type(made))
    for field in dataclasses.fields(made):
        default = getattr(made, field.name)
        if field.name == "net":
            if getattr(made, "chooses_net", False):
                text = f"{field.metadata['help']} (default: {default})"
                group.add_argument("--net", choices=discover.names("nets"), default=argparse.SUPPRESS, help=text)
            continue
        read, shown = _reader(hints[field.name])
        text = field.metadata.get("help", "").replace("%", "%%")
        said = "" if default is None or "default" in text else f" (default: {_shown(default)})"
        how: dict[str, Any] = {"action": argparse.BooleanOptionalAction} if read is bool else {"type": read}
        if read is not bool:
            how["metavar"] = shown
        if field.metadata.get("choices"):
            how["choices"], how["metavar"] = field.metadata["choices"], None
        flag = f"--{prefix}{field.name}".replace("_", "-")
        group.add_argument(
            flag, dest=f"{prefix}{field.name}", default=argparse.SUPPRESS, help=text + said.replace("%", "%%"), **how
        )


def _reader(hint: Any) -> tuple[Callable[[str], Any], str]:
    """How the text of a flag becomes a value of this type, and what to call it."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inside = [part for part in typing.get_args(hint) if part is not type(None)]
        if len(inside) > 1:  # one number, or several
            return _number_or_numbers, "N[,N...]"
        return _reader(inside[0])
    if typing.get_origin(hint) is tuple:
        return _numbers, "N[,N...]"
    names = {int: "N", float: "X", str: "NAME"}
    return hint, names.get(hint, "VALUE")


def _numbers(text: str) -> tuple[int, ...]:
    """`500,500`; nothing at all is no layer."""
    return tuple(int(part) for part in text.split(",") if part.strip())


def _number_or_numbers(text: str) -> int | tuple[int, ...]:
    numbers = _numbers(text)
    return numbers[0] if len(numbers) == 1 else numbers


def _shown(value: Any) -> str:
    if isinstance(value, Estimator):
        return type(value).__name__
    return (",".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


# argparse names a type by its function when a value is refused
_numbers.__name__ = _number_or_numbers.__name__ = "list of whole numbers"
