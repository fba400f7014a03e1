"""Files written whole or not at all, and a full or read-only disk in one sentence."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from isthmus.errors import RunError

__all__ = ["UNFINISHED", "clear_errors", "write_atomically"]

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
