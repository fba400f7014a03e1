"""An open run: model, pictures, codes and maps in memory, ready for a hand on the mouse."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from isthmus.contract import check_encodes, decoded
from isthmus.errors import IsthmusError, RunError, UsageError
from isthmus.images.label_log import LabelLog, laid_over
from isthmus.images.pictures import Pictures
from isthmus.look.cache import kept_codes
from isthmus.look.codes import codes_again
from isthmus.look.inverse import Inverse
from isthmus.look.maps import Map, load_map, map_names, save_map, weights_of
from isthmus.look.strangeness import Strangeness
from isthmus.models._classes import in_classes
from isthmus.models._loading import load, pictures_of
from isthmus.models._saving import fingerprint
from isthmus.report.grid import to_rgb
from isthmus.run import Run

__all__ = ["LOG", "Room", "Told", "as_bytes"]

Told = Callable[[int, int, str], None]

LOG = "labels.jsonl"
"""What people called pictures, in the studio: it only grows."""

_THUMB = 64
_PATIENCE = 20.0
"""Seconds that what was made waits for another process to end its writing before it is given up."""
_FAR = 1e4
"""So many times as far as a map is wide there is nothing to decode, and numbers overflow."""
_WRITTEN = ("labels.jsonl", "cache", "maps", "samples", "designs", ".lock", ".studio")
_STRANGE = (AttributeError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError, IndexError, RuntimeError)
"""What a file that is not as we write it makes happen."""


class Room:
    """Opened once, by a job; everything that takes long is made when it is first asked for, and kept."""

    def __init__(self, name: str, run: Run) -> None:
        self.name, self.run = name, run
        self.ready = False
        self.kept: dict[str, Any] = {}
        self.notes: list[str] = []
        self.why_not, self._claimed = "", False
        self._held = contextlib.ExitStack()
        self._guard, self._making = threading.RLock(), dict[str, threading.Lock]()
        self._writing, self._unsaved = threading.Lock(), dict[str, Map]()

    def open(self, told: Told) -> None:
        """Model, pictures and codes; a second call does nothing."""
        with self._guard:
            if self.ready:
                return
            told(0, 1, "loading the model")
            self._written, self.weights = _written(self.run), weights_of(self.run)
            self.described = Run.open(self.run.path).read_json("run.json")
            self._check_inside()
            try:
                self.model: Any = load(self.run.path)
                check_encodes(self.model)
                self.pictures: Pictures = pictures_of(self.run, progress=told)
            except IsthmusError:
                raise
            except _STRANGE as error:
                what = f"{self.name} is not as a run is written ({type(error).__name__}: {error})"
                raise RunError(what, "Restore it from a copy, or fit the run again.") from error
            self.stamp = fingerprint(self.pictures, labels=False)
            self.codes = self._codes(told)
            told(0, 1, "looking at the codes")
            self.strangeness = Strangeness(self.codes, partial(codes_again, self.model))
            self.rows = {str(name): row for row, name in enumerate(self.pictures.ids)}
            self.ready = True

    def current(self) -> bool:
        """Whether the run is still the one that was opened, as far as its files tell at a glance."""
        return not self.ready or self._written == _written(self.run)

    def close(self) -> None:
        desk = self.kept.pop("desk", None)
        if desk is not None:
            desk.close()
        self._held.close()

    def keep(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once; nobody waits for it who asks for something else."""
        with self._guard:
            making = self._making.setdefault(name, threading.Lock())
        with making:
            if name not in self.kept:
                self.kept[name] = make()
            return self.kept[name]

    @property
    def alone(self) -> bool:
        return self.claim()

    def check_alone(self) -> None:
        """Two studios that write the labels of one run would overwrite each other's."""
        if not self.claim():
            raise RunError(self.why_not, "Close what else writes there, or look only.")

    def claim(self) -> bool:
        """Of several studios on one run the first writes labels; when it ends, the next that asks."""
        with self._guard:
            if not self._claimed:
                try:
                    self._held.enter_context(self.run.writing(".studio"))
                    self._claimed = True
                except RunError as error:
                    locked = "another studio has this run open: here it can be looked at, not labelled"
                    self.why_not = error.what if "cannot be written" in error.what else locked
            return self._claimed

    @contextlib.contextmanager
    def writing(self) -> Iterator[Run]:
        """The folder's lock, which one job has after another, however long each writes. Another process that has it is
        waited for a while."""
        with self._writing, contextlib.ExitStack() as held:
            end = time.monotonic() + _PATIENCE
            while True:
                try:
                    held.enter_context(self.run.writing())
                    break
                except RunError as error:
                    if "cannot be written" in error.what or time.monotonic() > end:
                        raise
                    time.sleep(0.1)
            yield self.run

    def called_now(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """The labels that came with the pictures, and over them those that people gave here."""
        given = LabelLog(self.run.path / LOG).labels()
        return laid_over(self.pictures.labels, self.pictures.classes, self.rows, given)

    # -- maps ---------------------------------------------------------------------------------------------------------

    def maps(self) -> list[str]:
        return sorted({*map_names(self.run), *self._unsaved})

    def take(self, made: Map) -> str:
        """Keep a map in the run; where that cannot be, here, as long as the room is open, and the sentence says why."""
        pictures = self.pictures
        try:
            with self.writing() as run:
                save_map(made, run, pictures.labels, pictures.classes, self.weights, self.stamp)
        except IsthmusError as error:
            why = f"the map {made.name!r} is there until the studio ends, and was not saved: {error.what}"
            with self._guard:
                self._unsaved[made.name] = made
                self.kept.pop(f"inverse {made.name}", None)
                self.notes += [] if why in self.notes else [why]
            return why
        with self._guard:
            if self._unsaved.pop(made.name, None):
                self.kept.pop(f"stamp {made.name}", None)
        return ""

    def map(self, name: str) -> Map:
        """Read once, and again when its file was written anew; one that could not be saved is as it was made."""
        unsaved = self._unsaved.get(name)
        if unsaved is not None:
            return unsaved
        stamp = 0
        with contextlib.suppress(FileNotFoundError):
            stamp = (self.run.path / "maps" / f"{name}.json").stat().st_mtime_ns if name in self.maps() else 0
        with self._guard:
            if self.kept.get(f"stamp {name}") != stamp or not stamp:
                found = self._read(name)
                self.kept |= {f"map {name}": found, f"stamp {name}": stamp}
                self.kept.pop(f"inverse {name}", None)
            found = self.kept[f"map {name}"]
        return found

    def _read(self, name: str) -> Map:
        remedy = f"Draw it again: isthmus map {self.name} --name {name}"
        try:
            found = load_map(self.run, name, self.stamp)
        except IsthmusError:
            raise
        except _STRANGE as error:
            raise RunError(f"the map {name!r} is not as maps are written ({type(error).__name__})", remedy) from error
        if not found.ids or not all(one in self.rows for one in found.ids):
            raise RunError(f"the map {name!r} shows other pictures than the run has now", remedy)
        if found.of == "codes" and found.guidance.width != self.codes.shape[1]:
            raise RunError(f"the map {name!r} is of codes of another size", remedy)
        return found.over(self.rows)

    def codes_at(self, name: str, points: np.ndarray) -> np.ndarray:
        """The codes of places on a map, which are on it or near it."""
        points = np.asarray(points, np.float64).reshape(-1, 2)
        found = self.map(name)
        places = found.places[found.placed].astype(np.float64)
        middle, wide = places.mean(axis=0), max(float(np.ptp(places, axis=0).max()), 1e-12)
        if not (np.abs(points - middle) <= _FAR * wide).all():  # NaN neither
            raise UsageError("a place is far off the map", "Give two numbers that lie on it or near it.")
        with np.errstate(over="ignore", invalid="ignore"):
            codes = self.inverse(name).codes_at(points)
        if not np.isfinite(codes).all():
            raise RunError(f"the map {name!r} leads to codes that are not finite", "Draw it again.")
        return codes

    def inverse(self, name: str) -> Inverse:
        """From places to codes."""
        found = self.map(name)
        guidance = found.guidance if found.of == "codes" else None
        there = found.placed
        made: Inverse = self.keep(f"inverse {name}", lambda: Inverse(found.places[there], self.codes[there], guidance))
        return made

    # -- pictures -----------------------------------------------------------------------------------------------------

    def seen(self, rows: np.ndarray) -> np.ndarray:
        """Pictures as they are shown: `(n, h, w, channels)` bytes, one channel or three."""
        with torch.inference_mode():
            x = self.model.tensor(self.pictures.take(rows)).float().cpu()
        return as_bytes(x if x.ndim == 4 else x[:, None, None])

    def thumbs(self, rows: np.ndarray) -> np.ndarray:
        """The same, at most 64 pixels a side."""
        with torch.inference_mode():
            x = self.model.tensor(self.pictures.take(rows)).float().cpu()
        return as_bytes(_small(x if x.ndim == 4 else x[:, None, None]))

    def called(self, rows: np.ndarray) -> np.ndarray | None:
        """The classes of pictures as a decoder that is told them counts; None for others."""
        if not self.model.conditional:
            return None
        return np.asarray(in_classes(self.pictures, tuple(self.model.classes_)).labels[rows])

    def drawn(self, codes: np.ndarray, small: bool = False, rows: np.ndarray | None = None) -> np.ndarray:
        """What codes decode to, in the same form; `small` as thumbnails are; those of `rows` as their classes."""
        pixels = decoded(self.model, codes, None if rows is None else self.called(rows))
        return as_bytes(_small(torch.from_numpy(pixels)) if small else pixels)

    def drawn_and_read(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What codes decode to, and the codes of that: one pass each, for a hand that is waiting."""
        with torch.inference_mode():
            z = torch.from_numpy(codes).unflatten(1, self.model.latent_shape_).to(self.model.device_)
            x = self.model.decode(z)
            read = self.model.encode(x).mean.flatten(1).float().cpu().numpy()
        x = x.float().cpu().clamp(0, 1)
        return as_bytes(x if x.ndim == 4 else x[:, None, None]), read

    # -- codes --------------------------------------------------------------------------------------------------------

    def _codes(self, told: Told) -> np.ndarray:
        tick = lambda done, total: told(done, total, "encoding the pictures")  # noqa: E731
        codes, note = kept_codes(self.run, self.model, self.pictures, self.stamp, tick)
        self.notes += [note] if note else []
        return codes

    def _check_inside(self) -> None:
        """What is written into a run stays there, also where somebody has sent it with links in it."""
        home = self.run.path.resolve()
        for name in _WRITTEN:
            if not (self.run.path / name).resolve().is_relative_to(home):
                what = f"{name} in {self.name} is a link that leads out of the run"
                raise RunError(what, "Put what it leads to in its place, or remove it.")


def _written(run: Run) -> list[tuple[int, int, int] | None]:
    """When, and as which files, description and weights were written."""
    found: list[tuple[int, int, int] | None] = []
    for name in ("run.json", "weights.safetensors"):
        try:
            about = (run.path / name).stat()
            found.append((about.st_mtime_ns, about.st_size, about.st_ino))
        except OSError:
            found.append(None)
    return found


def _small(x: torch.Tensor) -> torch.Tensor:
    largest = max(x.shape[2:])
    if largest <= _THUMB:
        return x
    high, wide = (max(1, round(side * _THUMB / largest)) for side in x.shape[2:])
    return F.adaptive_avg_pool2d(x, (high, wide))


def as_bytes(x: Any) -> np.ndarray:
    """`(n, c, h, w)` in [0, 1] to `(n, h, w, 1 or 3)`."""
    pixels = x.numpy() if hasattr(x, "numpy") else x
    if pixels.shape[1] == 1:
        return np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return to_rgb(pixels)
