"""Get a file from the network, once and whole: resumed when cut off, checked by its sha256, renamed when right."""

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

from isthmus.errors import DataError
from isthmus.images.options import Progress

__all__ = ["fetch"]

_TRIES = 4
_BLOCK = 1 << 18
_SECONDS = 30
_OFFLINE = "Connect to the network, or put the file into a folder of your own and name that in ISTHMUS_DATA."


def fetch(
    urls: Sequence[str], target: Path, sha256: str, size: int | None = None, progress: Progress | None = None
) -> Path:
    """`target`, from the first address that gives the right bytes; a file that is there already is kept."""
    if target.exists():
        return target
    part = target.with_name(target.name + ".part")
    why = "there is no address for it"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            why = _try(url, part, size, progress)
            if not why and _sha256(part) == sha256:
                os.replace(part, target)
                return target
            if not why:
                part.unlink()
                why = "its checksum is wrong"
    except OSError as error:
        why = f"it cannot be written: {(error.strerror or 'disk error').lower()}"
        raise DataError(f"{target.name} was not downloaded, {why}", "Free some space or set ISTHMUS_CACHE.") from error
    raise DataError(f"{target.name} was not downloaded, {why}", _OFFLINE)


def _try(url: str, part: Path, size: int | None, progress: Progress | None) -> str:
    """Download into `part`, going on where it stopped; why it failed, or nothing."""
    why = ""
    for _ in range(_TRIES):
        have = part.stat().st_size if part.exists() else 0
        try:
            total = _download(url, part, have, size, progress)
        except urllib.error.HTTPError as error:
            if error.code != 416:
                return f"the server answered {error.code} {error.reason}"
            if have == size:
                return ""
            part.unlink(missing_ok=True)  # longer than the file there: begin again
            continue
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ValueError) as error:
            why = f"the server cannot be reached ({getattr(error, 'reason', error)})"
            if part.exists() and part.stat().st_size > have:
                continue
            return why
        if total is None or part.stat().st_size >= total:
            return ""
        why = "the connection was cut"
    return why


def _download(url: str, part: Path, have: int, size: int | None, progress: Progress | None) -> int | None:
    """One connection's worth; the file's whole length where the server tells."""
    headers = {"User-Agent": "isthmus", **({"Range": f"bytes={have}-"} if have else {})}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_SECONDS) as answer:
        resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        length = answer.headers.get("Content-Length")
        total = int(length) + (have if resumed else 0) if length else None
        with part.open("ab" if resumed else "wb") as file:
            done = have if resumed else 0
            for block in _blocks(answer):
                file.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total or size or done, f"downloading {part.name.removesuffix('.part')}")
    return total


def _blocks(answer: Any) -> Iterator[bytes]:
    while block := answer.read1(_BLOCK):
        yield block


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
