"""A run as one file to be sent: what goes in, how large it may be, and the folder that it is written to."""

import contextlib
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isthmus import __version__
from isthmus.classify.oddness import decodes
from isthmus.errors import IsthmusError, RunError, UsageError
from isthmus.files import write_atomically
from isthmus.look.maps import Map
from isthmus.look.walks import grid_of
from isthmus.report.without_paths import without_paths
from isthmus.stats.knn import neighbours
from isthmus.studio.columns import value_in_words
from isthmus.studio.packing import packed
from isthmus.studio.room import Room, Told
from isthmus.studio.sending.choosing import about_run, chosen_rows, columns_sent, records_told
from isthmus.studio.sending.page import MARK, one_file
from isthmus.studio.sending.sheets import Sheets, best_quality, laid_out, quality_in_words

__all__ = ["Sent", "check_folder", "send"]

_FILE = "index.html"
_SIDE = 32
_NEAR = 8
_MOST_MAPS = 6
_CUT = 0.005
"""As the studio's scales of colours."""
_FULL = 1e6
"""Numbers as large are told as the studio tells them: six digits, and those of a float, are not all of theirs."""
_FIRST = ("latent", "umap", "tsne", "pca")
_SMALL, _ROOM_SMALL, _ROOM = 32 * 32, 17 * 2**20, 28 * 2**20
"""Pictures of at most so many numbers, and bytes for all pictures: a third more in the file."""


@dataclass(frozen=True)
class Sent:
    """What was written: where, how many bytes, and in sentences what it holds."""

    path: Path
    size: int
    holds: list[str]


def check_folder(folder: str | Path) -> Path:
    """A new folder, an empty one, or one that holds such a page and nothing else."""
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file", "Give --export a folder.")
    with _readable(path):
        inside = [one.name for one in path.iterdir()] if path.is_dir() else []
        mine = inside == [_FILE] and MARK.encode() in (path / _FILE).read_bytes()[:4096]
    if inside and not mine:
        raise UsageError(f"{path} holds something else ({min(inside)})", "Give --export a new folder.")
    return path


def send(room: Room, folder: str | Path, most: int, told: Told | None = None) -> Sent:
    """Write the page of an open room; whole, or not at all."""
    if most < _NEAR:
        raise UsageError(f"--pictures is {most}", f"Give {_NEAR} or more.")
    path, told = check_folder(folder), told or (lambda done, total, what: None)
    gathering = _Gathering(room, chosen_rows(room, most), told)
    content = gathering.file()
    fresh = not path.exists()
    try:
        write_atomically(path / _FILE, content)
    except IsthmusError:
        if fresh:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise
    return Sent(path / _FILE, len(content), gathering.holds)


class _Gathering:
    """All that one page shows, made step by step; `arrays` are its numbers, `sheets` its pictures."""

    def __init__(self, room: Room, rows: np.ndarray, told: Told) -> None:
        self.room, self.rows, self.told = room, rows, told
        self.arrays: dict[str, np.ndarray] = {}
        self.sheets: list[Sheets] = []
        self.draws = decodes(room.model)
        self.notes: list[str] = []
        self.maps = self._maps()

    def file(self) -> bytes:
        quality, redrawn = self._quality()
        columns = self._columns()
        maps = [self._map(number, one, quality) for number, one in enumerate(self.maps)]
        pictures = self._laid("pictures", lambda rows: self.room.thumbs(self.rows[rows]), len(self.rows), quality)
        drawn = self._laid("redrawn", self._redrawn, len(self.rows), quality) if redrawn else None
        self._near()
        self.holds = self._in_words(quality, redrawn)
        words = {one.name: one.words for one in self.maps}
        header = {
            "version": __version__,
            "room": about_run(self.room, self.made, words, self.rows),
            "ids": [str(self.room.pictures.ids[row]) for row in self.rows],
            "columns": columns,
            "maps": maps,
            "pictures": pictures,
            "redrawn": drawn,
            "sent": self._sent(),
        }
        self.told(0, 1, "packing")
        numbers = gzip.compress(packed(header, **self.arrays), 6, mtime=0)
        blocks = [("numbers", "application/gzip", numbers), *(b for sheets in self.sheets for b in sheets.blocks())]
        return one_file(f"{self.room.name} · Isthmus", blocks)

    # -- maps ---------------------------------------------------------------------------------------------------------

    def _maps(self) -> list[Map]:
        """The best first; one that is not of these pictures or this model any more stays behind."""
        names = self.room.maps()
        found = []
        for name in sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)):
            try:
                found.append(self.room.map(name))
            except IsthmusError as error:
                self.notes.append(without_paths(f"The map {name} was left out: {error.what}."))
        if not found:
            remedy = f"Draw one: isthmus map {self.room.run.path}"
            raise RunError(" ".join(self.notes) or f"{self.room.name} has no map yet", remedy)
        if found[_MOST_MAPS:]:
            self.notes.append(f"Left out: the maps {', '.join(one.name for one in found[_MOST_MAPS:])}.")
        return found[:_MOST_MAPS]

    def _map(self, number: int, found: Map, quality: int) -> dict[str, Any]:
        places = np.asarray(found.places[self.rows], np.float32)
        self.arrays[f"places {number}"] = places
        about: dict[str, Any] = {"name": found.name, "method": found.method, "words": found.words, "of": found.of}
        about |= {name: one and one.words() for name, one in (("scores", found.scores), ("distilled", found.distilled))}
        there = places[np.isfinite(places).all(axis=1)].astype(np.float64)
        about |= {"places": f"places {number}", "grid": None}
        if self.draws and len(there):
            about["grid"] = self._grid(number, found, there.min(axis=0), there.max(axis=0), quality)
        return about

    def _grid(self, number: int, found: Map, low: np.ndarray, high: np.ndarray, quality: int) -> dict[str, Any]:
        """Decoded at the knots of a grid over all that is shown, with how far each lies from the codes of pictures."""
        self.told(number, len(self.maps), f"decoding the map {found.name}")
        codes = np.asarray(self.room.inverse(found.name).codes_at(grid_of(low, high, _SIDE, _SIDE)), np.float32)
        self.arrays[f"share {number}"] = self.room.strangeness.share(codes).astype(np.float32)
        sheets = self._laid(f"grid{number}", lambda knots: self.room.drawn(codes[knots], True), len(codes), quality)
        about = {"low": low.tolist(), "high": high.tolist(), "across": _SIDE, "up": _SIDE}
        return about | {"share": f"share {number}", "sheets": sheets}

    # -- pictures -----------------------------------------------------------------------------------------------------

    def _redrawn(self, rows: np.ndarray) -> np.ndarray:
        return self.room.drawn(self.room.codes[self.rows[rows]], True, self.rows[rows])

    def _quality(self) -> tuple[int, bool]:
        """As good as fits; where nothing does with redrawn pictures beside the others, they stay behind."""
        self.told(0, 1, "looking at how large pictures are")
        seen = lambda rows: self.room.thumbs(self.rows[rows])  # noqa: E731
        numbers = int(np.prod(self.room.thumbs(self.rows[:1]).shape[1:]))
        room = _ROOM_SMALL if numbers <= _SMALL else _ROOM
        knots = _SIDE * _SIDE * len(self.maps)
        count = len(self.rows)
        kinds = [(seen, count, count)]
        if self.draws:
            both = [*kinds, (self._redrawn, count, count + knots)]
            quality = best_quality(both, room)
            if quality is not None:
                return quality, True
        return best_quality(kinds, room) or 50, False

    def _laid(self, name: str, pixels_of: Callable[[np.ndarray], np.ndarray], count: int, quality: int) -> Any:
        words = f"laying out {name}"
        made = laid_out(name, pixels_of, count, quality, lambda done, total: self.told(done, total, words))
        self.sheets.append(made)
        return made.about()

    # -- numbers ------------------------------------------------------------------------------------------------------

    def _columns(self) -> list[dict[str, Any]]:
        self.made = columns_sent(self.room, self.rows, self.told)
        told = []
        for number, (name, one) in enumerate(self.made.items()):
            about: dict[str, Any] = {"name": name, "kind": one.kind, "words": one.words, "values": f"column {number}"}
            if one.names is None:
                finite = one.values[np.isfinite(one.values)]
                low, high = np.quantile(finite, [_CUT, 1 - _CUT]) if len(finite) else (0.0, 1.0)
                about |= {"low": float(low), "high": float(high)}
                if len(finite) and np.abs(finite).max() >= _FULL:
                    about["said"] = [value_in_words(one, row) for row in range(len(one.values))]
            else:
                about |= {"names": list(one.names), "searched": name not in ("split", "prediction")}
            self.arrays[f"column {number}"] = one.values.astype(np.float32 if one.names is None else np.int32)
            told.append(about)
        return told

    def _near(self) -> None:
        codes, count = self.room.codes[self.rows], len(self.rows)
        self.told(0, count, "finding neighbours")
        away, near = neighbours(
            codes, codes, min(_NEAR, count - 1), skip_self=True,
            tick=lambda done, total: self.told(done, total, "finding neighbours"),
        )  # fmt: skip
        self.arrays |= {"near": near.astype(np.int32), "away": away.astype(np.float32)}
        self.arrays["share"] = self.room.strangeness.share(codes).astype(np.float32)

    # -- words --------------------------------------------------------------------------------------------------------

    def _in_words(self, quality: int, redrawn: bool) -> list[str]:
        count, of = len(self.rows), len(self.room.pictures)
        which = "all" if count == of else "those that people labelled first, the others evenly spread"
        high, wide = self.sheets[-1].shape[:2]
        how = quality_in_words(quality)
        lines = [
            f"{count:,} of the run's {of:,} pictures ({which}), {wide} x {high} pixels, kept {how}.",
            f"For each the {self.arrays['near'].shape[1]} nearest by their codes, among the pictures of this page.",
        ]
        if self.draws:
            knots = _SIDE * _SIDE
            lines.append(
                f"Pressing a map shows the nearest of a grid of {knots:,} pictures that were decoded when the page was "
                "made; a path shows those that it passes."
            )
        if not redrawn:
            lines.append("What the model makes of each picture was left out.")
        return lines + self.notes

    def _sent(self) -> dict[str, Any]:
        room, described = self.room, self.room.described
        shape = " x ".join(map(str, room.model.shape_))
        facts = [
            ["made", str(described.get("made") or "")[:16].replace("T", " ")],
            ["model", str(described["model"].get("name"))],
            ["numbers of a code", f"{room.codes.shape[1]:,}"],
            ["pictures", f"{without_paths((described.get('data') or {}).get('name') or 'pictures')}, {shape}"],
            *(["remark", without_paths(one)] for one in described.get("remarks") or []),
            ["isthmus", __version__],
        ]
        params = described["model"].get("params") or {}
        plain = [[str(name), without_paths(value)] for name, value in params.items() if value is not None]
        maps = [[f"{one.words} of {one.of}", one.scores.words() if one.scores else ""] for one in self.maps]
        told = {"title": room.name, "facts": [pair for pair in facts if pair[1]], "holds": self.holds}
        return told | {"maps": maps, "records": records_told(room), "model": plain}


@contextlib.contextmanager
def _readable(path: Path) -> Any:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror or error})", "Give --export a new folder.") from None
