"""A setting as the command that fits it."""

import dataclasses
from collections.abc import Collection
from typing import Any

from isthmus import discover
from isthmus.estimator import Estimator
from isthmus.tune.space import applied, written

__all__ = ["command"]


def command(model: Any, values: dict[str, Any], shape: tuple[int, ...]) -> str:
    """What was searched or is not a default is a flag; PATH and RUN are for the user to name."""
    made = applied(model, values, shape)
    kind = type(made)
    words = [f"isthmus fit PATH --model {discover.name_of('models', kind)}"]
    net = made.net
    if isinstance(net, Estimator):
        words += [f"--net {discover.name_of('nets', type(net))}", *_flags(net, "net-", ())]
    elif net != kind().net:
        words.append(f"--net {net}")
    return " ".join([*words, *_flags(made, "", values), "--out RUN"])


def _flags(made: Any, prefix: str, said: Collection[str]) -> list[str]:
    usual, found = type(made)(), []
    for field in dataclasses.fields(made):
        value = getattr(made, field.name)
        if field.name == "net" or (value == getattr(usual, field.name) and field.name not in said):
            continue
        flag = f"{prefix}{field.name}".replace("_", "-")
        if isinstance(value, bool):
            found.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            found.append(f"--{flag} {written(value)}")
    return found
