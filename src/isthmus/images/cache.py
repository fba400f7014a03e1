"""Decoded pictures kept as memory-mapped arrays in the user's cache folder; without one, everything works, slower."""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Slot", "cache_folder", "slot"]

_KEPT_BYTES = 20 << 30
_SPARE_BYTES = 256 << 20
_VERSION = 1


def cache_folder() -> Path:
    """`ISTHMUS_CACHE`, or where this platform keeps caches."""
    chosen = os.environ.get("ISTHMUS_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "isthmus"


def slot(where: Path | str | bool | None, *facts: object) -> "Slot":
    """The place for pictures with this fingerprint; `where=False` means nowhere."""
    digest = hashlib.blake2b(digest_size=16)
    for fact in (_VERSION, *facts):
        digest.update(repr(fact).encode("utf-8", "surrogatepass") + b"\0")
    if where is False:
        return Slot(None, digest.hexdigest())
    try:
        folder = cache_folder() if where is None or where is True else Path(where)
    except RuntimeError:  # no home folder
        folder = None
    return Slot(folder / "decoded" if folder else None, digest.hexdigest())


class Slot:
    """One array on disk and what is known of it. The facts are written last: an array without them does not count."""

    def __init__(self, folder: Path | None, key: str) -> None:
        self.folder, self.key = folder, key
        self._writing: Path | None = None

    def load(self) -> tuple[np.ndarray, dict[str, Any]] | None:
        """The pixels, read-only and memory-mapped, with their facts; None where nothing usable is kept."""
        if self.folder is None:
            return None
        try:
            facts = json.loads((self.folder / f"{self.key}.json").read_text("utf-8"))
            pixels = np.load(self.folder / f"{self.key}.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError):
            return None
        if list(pixels.shape) != facts.get("shape") or str(pixels.dtype) != facts.get("dtype"):
            return None
        with contextlib.suppress(OSError):
            os.utime(self.folder / f"{self.key}.json")
        return pixels, facts

    def allocate(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """An array to decode into: on disk where there is room for it, else in memory."""
        need = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if self.folder is not None and need:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                _make_room(self.folder, need)
                self._writing = self.folder / f"{self.key}.{uuid.uuid4().hex}.part"
                return _reserve(self._writing, shape, dtype)
            except OSError:
                self.discard()
        return np.empty(shape, dtype)

    def keep(self, pixels: np.ndarray, facts: dict[str, Any]) -> np.ndarray:
        """Put what was decoded in its place, and give it back memory-mapped."""
        if self.folder is None or self._writing is None or not isinstance(pixels, np.memmap):
            return pixels
        facts = {**facts, "shape": list(pixels.shape), "dtype": str(pixels.dtype)}
        note = self._writing.with_suffix(".note")
        try:
            pixels.flush()
            os.replace(self._writing, self.folder / f"{self.key}.npy")
            note.write_text(json.dumps(facts), "utf-8")
            os.replace(note, self.folder / f"{self.key}.json")
        except OSError:  # Windows does not rename an open file: then the copy in hand is the only one
            with contextlib.suppress(OSError):
                note.unlink()
            self.discard()
            return pixels
        self._writing = None
        kept = self.load()
        return pixels if kept is None else kept[0]

    def discard(self) -> None:
        """Leave nothing behind of what was not finished."""
        if self._writing is not None:
            with contextlib.suppress(OSError):
                self._writing.unlink()
        self._writing = None


def _reserve(path: Path, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """A memory-mapped file whose blocks exist: writing to a hole on a full disk would kill the process."""
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return pixels


def _make_room(folder: Path, need: int) -> None:
    """Drop what was used longest ago where the cache grows too large; OSError where the disk is too full."""
    if shutil.disk_usage(folder).free < need + _SPARE_BYTES:
        raise OSError("the disk is too full for a cache")
    notes = sorted(folder.glob("*.json"), key=lambda note: note.stat().st_mtime, reverse=True)
    total = need
    for note in notes:
        array = note.with_suffix(".npy")
        total += array.stat().st_size if array.exists() else 0
        if total > _KEPT_BYTES:
            for old in (note, array):
                with contextlib.suppress(OSError):
                    old.unlink()
