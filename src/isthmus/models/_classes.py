"""Classes when pictures are drawn, by name or by number; and labels of other pictures in the model's own numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from isthmus.errors import UsageError
from isthmus.images.pictures import Pictures

__all__ = ["class_numbers", "drawn_classes", "in_classes", "with_labels"]

_SHOWN = 20


def class_numbers(model: Any, y: Any, n: int) -> torch.Tensor | None:
    """`y` as n class numbers: it is one class for all or one each, by name or number; -1, None and "" are unknown."""
    if y is None:
        return None
    if not model.conditional:
        remedy = "Leave out y, or fit a model that does, such as conditional-vae, on labelled pictures."
        raise UsageError(f"{type(model).__name__} does not draw by class", remedy)
    values = y.detach().cpu().numpy() if isinstance(y, torch.Tensor) else np.asarray(y)
    if values.ndim and values.shape != (n,):
        raise UsageError(f"there are classes of shape {values.shape} for {n} pictures", "Give one, or one a picture.")
    numbers = [_number(value, model.classes_) for value in values.reshape(-1).tolist()]
    return torch.tensor(numbers if values.ndim else numbers * n, dtype=torch.long)


def in_classes(pictures: Pictures, classes: tuple[str, ...]) -> Pictures:
    """The same pictures with labels that count in these classes; a class that is none of them is unknown."""
    if pictures.classes == tuple(classes):
        return pictures
    numbers = [classes.index(name) if name in classes else -1 for name in pictures.classes]
    return replace(pictures, labels=np.array([*numbers, -1], np.int64)[pictures.labels], classes=tuple(classes))


def with_labels(given: Any) -> tuple[Any, Any]:
    """`(X, y)` as it is; pictures alone bring their own labels, or have none."""
    return given if isinstance(given, tuple) else (given, None)


def drawn_classes(model: Any) -> tuple[str, ...]:
    """The classes that one may ask a model to draw: those it was fitted on, unless it knows better."""
    known: tuple[str, ...] = getattr(model, "drawn_classes", tuple(model.classes_) if model.conditional else ())
    return known


def _number(value: Any, classes: tuple[str, ...]) -> int:
    if value is None or value == "":
        return -1
    if type(value) is int and -1 <= value < len(classes):
        return value
    if isinstance(value, str) and value in classes:
        return classes.index(value)
    if not classes:
        raise UsageError("the pictures it was fitted on have no labels, so it knows no class", "Label some of them.")
    few = ", ".join(map(str, classes[:_SHOWN])) + (", ..." if len(classes) > _SHOWN else "")
    raise UsageError(f"there is no class {value!r}", f"The classes are: {few}.")
