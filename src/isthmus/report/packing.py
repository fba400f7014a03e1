"""A run as one file: all of it, for another machine of one's own; or what can be sent to a stranger.

What is sent is chosen by name, not left out by name: a file that nobody thought of stays at home. The weights, what
training and measuring said, and the classifiers go. Pictures do not, neither given nor drawn; nor ids, which are file
names; nor maps and designs, which hold either; nor any path from the root. Classifiers hold rows of features of the
pictures that they compare with: no pictures, but whoever may not know those should not get these (`heads=False`).
"""

import hashlib
import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.errors import RunError, UsageError
from isthmus.files import UNFINISHED, clear_errors
from isthmus.report.card import run_card
from isthmus.report.without_paths import names_a_place, plain_values
from isthmus.run import Run

__all__ = ["MANIFEST", "Packed", "pack"]

MANIFEST = "MANIFEST.json"
_CARD = "README.md"
_SENT = ("run.json", "weights.safetensors", "history.jsonl", "metrics.jsonl")
_HEAD = re.compile(r"heads/[A-Za-z0-9_.-]+\.(json|safetensors)")
_AT_HOME = ("cache/", "tensorboard/")
_TEXT = (".json", ".jsonl", ".md", ".csv")
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"RIFF", b"BM")
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The same run makes the same file, to the byte."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Packed:
    """What is in the file, with its size, and what was left out."""

    path: Path
    size: int
    files: tuple[str, ...]
    left_out: tuple[str, ...]


def pack(run: Run, out: Path, *, share: bool = False, heads: bool = True) -> Packed:
    """Write the run to `out`, a .zip that is not there yet; with `share` only what can be sent."""
    if out.suffix.lower() != ".zip":
        raise UsageError(f"{out} is no .zip", "Give a name that ends with .zip.")
    if out.exists():
        raise UsageError(f"{out} is there already", "Choose another name, or remove it.")
    Run.open(run.path)
    if share and not run.has("weights.safetensors"):
        raise RunError(f"{run.path} has not finished training", f"Continue it: isthmus fit --resume {run.path}")
    there = list(_files(run.path))
    chosen = [name for name in there if (_sent(name, heads) if share else not name.startswith(_AT_HOME))]
    left_out = tuple(name for name in there if name not in chosen)
    card = run_card(run).encode()
    with clear_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-", suffix=UNFINISHED)
        try:
            with os.fdopen(handle, "w+b") as file:
                _write(file, run, chosen, card, left_out, share)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, out)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    return Packed(out, out.stat().st_size, (*chosen, _CARD, MANIFEST), left_out)


def _files(folder: Path) -> Iterator[str]:
    """Everything below the folder that is a file of its own: a link may lead anywhere, and is not followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not Path(place, name).is_symlink())
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink() and not name.endswith(UNFINISHED) and name != ".lock":
                yield path.relative_to(folder).as_posix()


def _sent(name: str, heads: bool) -> bool:
    return name in _SENT or (heads and _HEAD.fullmatch(name) is not None)


def _write(file: Any, run: Run, names: list[str], card: bytes, left_out: tuple[str, ...], share: bool) -> None:
    sums, described = dict[str, str](), run.read_json("run.json")
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            if name == _CARD:
                continue
            source = _cleaned(run, name) if share and name.endswith(_TEXT) else None
            sums[name] = _add(archive, name, run.path / name if source is None else source, share)
        sums[_CARD] = _add(archive, _CARD, card, share)
        said = {
            "isthmus": described.get("isthmus"),
            "format": described.get("format"),
            "shared": share,
            "files": sums,
            "left_out": len(left_out) if share else list(left_out),
        }
        _add(archive, MANIFEST, json.dumps(said, indent=1).encode() + b"\n", share)


def _cleaned(run: Run, name: str) -> bytes:
    """Text without a path from the root; `run.json` also without where its pictures lie and which options they had."""
    if name.endswith(".jsonl"):
        lines = (json.dumps(plain_values(one), ensure_ascii=False) + "\n" for one in run.read_lines(name))
        return "".join(lines).encode()
    content = plain_values(run.read_json(name))
    data = content.get("data")
    if name == "run.json" and isinstance(data, dict):
        data.pop("relative_path", None)
        options = data.get("options")
        if isinstance(options, dict):
            options.pop("labels", None)
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def _add(archive: zipfile.ZipFile, name: str, source: Path | bytes, share: bool) -> str:
    """The file's SHA-256; what is sent is looked through while it is written."""
    told = zipfile.ZipInfo(name, _WHEN)
    told.external_attr = 0o644 << 16
    told.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_TEXT) else zipfile.ZIP_STORED
    digest, first = hashlib.sha256(), True
    with archive.open(told, "w", force_zip64=True) as file, _opened(source) as content:
        while block := content.read(_BLOCK):
            if share and first and block.startswith(_PICTURES):
                raise RunError(f"{name} is a picture, and nothing of the kind is sent", "Remove it from the run.")
            if share and name.endswith(_TEXT) and names_a_place(block.decode("utf-8", "replace")):
                raise RunError(f"{name} names a folder of this machine", "Remove that from the run first.")
            first = False
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _opened(source: Path | bytes) -> Any:
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")
