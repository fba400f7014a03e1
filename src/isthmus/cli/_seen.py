"""A run with the codes of its pictures, and pictures asked for by id or by file: what the verbs that look share."""

import argparse
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli._pictures import of_run
from isthmus.cli._talk import tick
from isthmus.errors import UsageError

__all__ = ["Seen", "asked_of", "check_draws_pictures", "encoded", "row_of", "seen"]

_MOST, _MEASURED = 10_000, 2000


@dataclass(frozen=True)
class Seen:
    """A fitted model, all the pictures that were given, those that were looked at, and the codes of these."""

    model: Any
    run: Any
    pictures: Any
    some: Any
    codes: np.ndarray

    @cached_property
    def nearest_the_middle(self) -> int:
        """The row, of those looked at, whose code is nearest to the mean of all."""
        return int(np.square(self.codes - self.codes.mean(axis=0)).sum(axis=1).argmin())

    @cached_property
    def numbers(self) -> dict[str, np.ndarray]:
        """Columns that hold numbers, and what can be measured on grey pictures, NaN where it was not."""
        from isthmus.contract import evenly, shown
        from isthmus.design.known import columns_of
        from isthmus.measure.attributes import ATTRIBUTES, measured

        found = {name: values.astype(np.float64) for name, values in columns_of(self.some).items()}
        if self.some.pixels.ndim == 4 and self.some.pixels.shape[1] == 1:
            rows = evenly(len(self.some), _MEASURED)
            drawn = shown(self.model, self.some.take(rows))
            for name in ATTRIBUTES.keys() - found.keys():
                found[name] = np.full(len(self.some), np.nan)
                found[name][rows] = measured(name, drawn)
        return dict(sorted(found.items()))

    def told(self, pictures: Any, times: int) -> np.ndarray | None:
        """The classes of pictures, so many times each, as a decoder that is told them counts; None for others."""
        from isthmus.models._classes import in_classes

        if not self.model.conditional:
            return None
        return np.repeat(in_classes(pictures, tuple(self.model.classes_)).labels, times)


def seen(arguments: argparse.Namespace, most: int | None = _MOST) -> Seen:
    """The run's own pictures, or those given, with the labels given; at most so many are encoded, spread over all."""
    from isthmus.contract import check_encodes, some_of
    from isthmus.images.labels import attach, read_table
    from isthmus.models._loading import load
    from isthmus.run import Run

    model, run = load(arguments.run_folder), Run.open(arguments.run_folder)
    check_encodes(model)
    pictures = of_run(run, arguments)
    if arguments.labels and not arguments.path:
        attach(pictures, read_table(Path(arguments.labels)), arguments.labels)
    if arguments.path is None and (most is None or len(pictures) <= most):
        return Seen(model, run, pictures, pictures, _kept(run, model, pictures))
    some = pictures if most is None else some_of(pictures, most)
    return Seen(model, run, pictures, some, encoded(model, some))


def _kept(run: Any, model: Any, pictures: Any) -> np.ndarray:
    """The codes of all the run's own pictures, encoded once and for all."""
    from isthmus.look.cache import kept_codes
    from isthmus.models._saving import fingerprint

    with tick("encoding") as told:
        return kept_codes(run, model, pictures, fingerprint(pictures, labels=False), told)[0]


def encoded(model: Any, pictures: Any) -> np.ndarray:
    """The codes, with a bar."""
    parts = []
    with tick("encoding") as told:
        for start in range(0, len(pictures), 2048):
            stop = min(start + 2048, len(pictures))
            parts.append(model.transform(pictures.take(np.arange(start, stop))))
            if told:
                told(stop, len(pictures))
    return np.concatenate(parts)


def check_draws_pictures(model: Any) -> None:
    """Refuse a model of a table: its rows are no pictures."""
    if len(model.shape_) == 1:
        what = f"this run's {model.shape_[0]} numbers a row are no picture, and nothing of them can be drawn"
        raise UsageError(what, "Use isthmus encode and isthmus decode, or fit a model on pictures.")


def row_of(pictures: Any, name: str) -> int | None:
    """The row of the picture with this id."""
    found = np.flatnonzero(pictures.ids == name)
    return int(found[0]) if len(found) else None


def asked_of(run: Any, pictures: Any, name: str) -> Any:
    """One picture: of this id, or else out of this file."""
    row = row_of(pictures, name)
    if row is not None:
        return pictures.take(np.array([row]))
    if not Path(name).exists():
        few = ", ".join(map(str, pictures.ids[:3]))
        raise UsageError(f"there is no picture with the id {name!r}, and no file", f"Ids look like: {few}.")
    found = of_run(run, argparse.Namespace(path=name))
    if len(found) != 1:
        raise UsageError(f"{name} holds {len(found):,} pictures", "Ask for one, or name each.")
    return found
