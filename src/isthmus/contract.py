"""What uses ask of a fitted model, and how pictures are handed to it a batch at a time."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from isthmus.errors import MissingError
from isthmus.keys import keys_of

__all__ = [
    "Dense",
    "Fitted",
    "Tick",
    "batches",
    "check_encodes",
    "decoded",
    "evaluate",
    "evenly",
    "keys_for",
    "part_of",
    "shown",
    "some",
    "some_of",
]

_PART = 64
"""Codes decoded at once: what the layers of a net hold of a thousand large pictures is more than a machine may have."""

Tick = Callable[[int, int], None]
"""Called with (done, total) after every batch: what a progress bar hangs on."""


class Fitted(Protocol):
    """A fitted model as floors 5 and 6 know it."""

    latent_shape_: tuple[int, ...]

    @property
    def depth(self) -> int: ...

    def tensor(self, X: Any) -> torch.Tensor: ...

    def encode(self, x: torch.Tensor) -> Any: ...

    def features(self, x: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]: ...

    def decode(self, z: torch.Tensor) -> torch.Tensor: ...


class Dense(Fitted, Protocol):
    """One that says how likely a picture is, given a code."""

    def log_likelihood(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor: ...


def check_encodes(model: Any) -> None:
    """Refuse a model that draws pictures and reads none: it has no codes of given ones."""
    if not getattr(model, "encodes", True):
        what = f"{type(model).__name__} does not encode: it draws pictures and reads none"
        raise MissingError(what, "Fit a model that does, such as vae or contrastive.")


def part_of(X: Any, start: int, stop: int) -> Any:
    """A run of rows of an array, or of `Pictures`, which know their own layout and keep it."""
    return X.take(np.arange(start, min(stop, len(X)))) if hasattr(X, "pixels") else X[start:stop]


def some(X: Any, rows: np.ndarray) -> Any:
    """These rows of an array, or of `Pictures`."""
    return X.take(rows) if hasattr(X, "pixels") else X[rows]


def evenly(n: int, most: int) -> np.ndarray:
    """At most so many of `n` rows, spread evenly over all: sorted piles are seen from end to end."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(int)


def some_of(X: Any, most: int) -> Any:
    """At most so many pictures, spread evenly over the pile."""
    return some(X, evenly(len(X), most))


def keys_for(X: Any) -> np.ndarray:
    """The key of each picture: by its id where it has one, else by its row, as `Pictures.from_array` does."""
    keys = getattr(X, "keys", None)
    return keys_of(str(row) for row in range(len(X))) if keys is None else keys


def batches(model: Fitted, X: Any, size: int, tick: Tick | None = None) -> Iterator[tuple[int, torch.Tensor]]:
    """`(first row, scaled pictures)`, without gradients being asked for by anyone who only reads."""
    for start in range(0, len(X), size):
        x = model.tensor(part_of(X, start, start + size))
        yield start, x
        if tick:
            tick(start + len(x), len(X))


def evaluate(
    model: Fitted, X: Any, function: Callable[[torch.Tensor], torch.Tensor], size: int = 512, tick: Tick | None = None
) -> torch.Tensor:
    """`function` of every batch of scaled pictures, joined on the CPU, without gradients."""
    with torch.inference_mode():
        return torch.cat([function(x).float().cpu() for _, x in batches(model, X, size, tick)])


def shown(model: Fitted, pictures: Any) -> np.ndarray:
    """Pictures as figures show them: as the model sees them, cut to [0, 1], channels first."""
    return _as_figure(model.tensor(pictures))


def decoded(model: Any, codes: Any, y: Any = None) -> np.ndarray:
    """The pictures of these codes in the same form, for a conditional model of these class numbers."""
    with torch.no_grad():
        z = torch.as_tensor(np.asarray(codes, np.float32)).unflatten(1, model.latent_shape_)
        told = itertools.repeat(None) if y is None else torch.as_tensor(y).split(_PART)
        parts = zip(z.split(_PART), told, strict=False)
        drawn = [model.decode(part.to(model.device_), None if c is None else c.to(model.device_)) for part, c in parts]
        return np.concatenate([_as_figure(x) for x in drawn])


def _as_figure(x: torch.Tensor) -> np.ndarray:
    """A table's row is drawn as a picture one pixel high."""
    pixels = x.float().cpu().clamp(0, 1).numpy()
    return pixels if pixels.ndim == 4 else pixels[:, None, None]
