"""The flags that say which pictures, shared by all verbs that read some."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli._talk import say
from isthmus.errors import UsageError
from isthmus.images.pictures import Pictures

__all__ = ["Bar", "add_pictures", "of_run", "opened", "reading_options"]

_OPTIONS = ("labels", "group", "axes", "size", "channels", "tile", "stride", "skip_bad")


def add_pictures(
    parser: argparse.ArgumentParser,
    required: bool = True,
    axes: bool = True,
    flag: str | None = None,
    labelled: bool = True,
) -> None:
    """PATH, or a flag that takes it, and how to read it."""
    what = "a folder, a file, a table, or a named set"
    if flag:
        parser.add_argument(flag, dest="path", metavar="PATH", help=f"{what} (default: the run's own pictures)")
    else:
        parser.add_argument("path", nargs=None if required else "?", help=what)
    group = parser.add_argument_group("how the pictures are read")
    if labelled:
        group.add_argument("--labels", metavar="CSV", help="a table id,label[,columns...]; blank is unknown")
        group.add_argument("--group", metavar="COLUMN", help="pictures with one value of it stay in one split")
    group.add_argument("--size", type=_size, metavar="N|HxW", help="every picture in this size")
    group.add_argument("--channels", type=int, metavar="N", help="every picture with so many channels")
    group.add_argument("--tile", type=int, metavar="N", help="cut large pictures into squares of this size")
    group.add_argument("--stride", type=int, metavar="N", help="from one tile to the next (default: the tile)")
    group.add_argument("--skip-bad", action="store_true", help="leave out pictures that cannot be read, and count them")
    if axes:
        group.add_argument("--axes", metavar="NHWC", help="what the axes of an array are")


def reading_options(arguments: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(arguments, name, None) for name in _OPTIONS}
    return {name: value for name, value in given.items() if value not in (None, False)}


def opened(arguments: argparse.Namespace, path: Any = None, **options: Any) -> Pictures:
    """The pictures that were asked for, with a bar while they are read."""
    from isthmus.images.opening import open_pictures

    bar, path = Bar(), path or arguments.path
    try:
        pictures = open_pictures(path, **(reading_options(arguments) | options), progress=bar)
    finally:
        bar.close()
    for trouble in pictures.trouble:
        say(f"note: {trouble}")
    if pictures.source.get("kind") != "set":
        pictures.source["path"] = str(path)
    return pictures


def of_run(run: Any, arguments: argparse.Namespace, which: str | None = None) -> Pictures:
    """The pictures given, read as the run's own were; or the run's own, all or the split of this name, the latter with
    the labels given."""
    from isthmus.images.labels import attach, read_table
    from isthmus.models._loading import pictures_of, reading_of

    if arguments.path:
        return opened(arguments, **(reading_of(run) | reading_options(arguments)))
    bar = Bar()
    try:
        pictures = pictures_of(run, progress=bar)
    finally:
        bar.close()
    if which is not None and getattr(arguments, "labels", None):
        attach(pictures, read_table(Path(arguments.labels), need_label=True), arguments.labels)
    if which is None or pictures.split is None:
        return pictures
    rows = np.flatnonzero(pictures.split == which)
    if len(rows) == 0:
        raise UsageError(f"{run.path} kept no {which} pictures", "Give the path of some that it was not trained on.")
    return pictures.take(rows)


def _size(text: str) -> int | tuple[int, ...]:
    parts = tuple(int(part) for part in text.lower().split("x"))
    return parts[0] if len(parts) == 1 else parts


class Bar:
    """A progress bar that appears only when reading takes longer than a second."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bar: Any = None

    def __call__(self, done: int, total: int, what: str) -> None:
        if self._bar is None:
            if time.monotonic() - self._started < 1 or not sys.stderr.isatty():
                return
            from isthmus.cli._talk import bar

            self._bar = bar()
            self._bar.start()
            self._task = self._bar.add_task(what, total=total)
        self._bar.update(self._task, completed=done, total=total, description=what)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
