"""Files written whole or not at all, and a full or read-only disk in one sentence."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from isthmus.errors import RunError, UsageError

__all__ = ["UNFINISHED", "clear_errors", "held", "whole_folder", "write_atomically"]

UNFINISHED = ".part"
"""How the name of a file ends while it is being written: what a killed process leaves is known by it."""


def write_atomically(path: Path, content: bytes) -> None:
    """The old file or the new one, whole, whatever happens in between."""
    with clear_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


@contextlib.contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """A full or read-only disk, in one sentence that names the file."""
    try:
        yield
    except OSError as error:
        remedy = "Free some space, or choose another folder; what was already written is whole."
        raise RunError(f"{path} cannot be written ({error.strerror or error})", remedy) from None


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A place to put the files of a new folder, which is there when all of them are, and not at all if one fails."""
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise UsageError(f"{path} is there already", "Choose another folder, or remove it.")
    with clear_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-", suffix=UNFINISHED))
        try:
            yield made
            made.chmod(0o755)
            if path.is_dir():
                path.rmdir()  # an empty one: not every system puts a folder in its place
            os.replace(made, path)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


@contextlib.contextmanager
def held(folder: Path, lock: str = ".lock") -> Iterator[None]:
    """Be the only one who writes a folder; a second one is told so. The lock dies with the process, however it dies."""
    with clear_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / lock, "a+b")
    with file:
        try:
            _lock(file.fileno())
        except OSError:
            raise RunError(f"another process is writing {folder}", "Wait for it, or choose another --out.") from None
        yield


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
