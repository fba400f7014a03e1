"""A run as one file: all of it, for another machine of one's own; or what can be sent to a stranger.

What is sent is chosen by name, not left out by name: a file that nobody thought of stays at home. The weights, what
training and measuring said, and the classifiers go. Pictures do not, neither given nor drawn; nor ids, which are file
names; nor maps and designs, which hold either; nor any path but its last name. Classifiers hold rows of features of the
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

from isthmus.card import public, public_head
from isthmus.errors import RunError, UsageError
from isthmus.files import UNFINISHED, clear_errors
from isthmus.report.card import card_of, run_card
from isthmus.report.without_paths import plain_values
from isthmus.run import Run

__all__ = ["MANIFEST", "Packed", "pack"]

MANIFEST = "MANIFEST.json"
_CARD, _BEGINS = "README.md", b'---\nlibrary_name: "isthmus"'
_DESCRIBED, _MEASURED = "run.json", "metrics.jsonl"
_SENT = (_DESCRIBED, "weights.safetensors", "history.jsonl", _MEASURED)
_HEAD = re.compile(r"heads/[A-Za-z0-9_.-]+\.(json|safetensors)")
_AT_HOME = ("cache/", "tensorboard/")
_TEXT = (".json", ".jsonl", ".md", ".csv")
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"RIFF", b"BM")
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The same run makes the same file, to the byte."""
_BLOCK = 1 << 20
_DEEP = 3
"""Parts of a path that tells something of whoever has it: `/tmp` or `/root` does not."""


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
    there = [name for name in _files(run.path) if name != MANIFEST]
    if share:
        names = [*(one for one in _SENT if _place(run, one) in there), *filter(_HEAD.fullmatch, there if heads else ())]
        texts = _to_send(run, names)
    else:
        names = [name for name in there if not name.startswith(_AT_HOME)]
        texts = {} if _is_own_card(run) else {_CARD: run_card(run).encode()}
    sources = {name: texts.get(name, run.file(name)) for name in (*names, *texts)}
    left_out = tuple(name for name in there if name not in {_place(run, one) for one in sources})
    with clear_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-", suffix=UNFINISHED)
        try:
            with os.fdopen(handle, "w+b") as file:
                _write(file, run, sources, left_out, share)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, out)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    return Packed(out, out.stat().st_size, (*sources, MANIFEST), left_out)


def _files(folder: Path) -> Iterator[str]:
    """Everything below the folder that is a file of its own: a link may lead anywhere, and is not followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not Path(place, name).is_symlink())
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink() and not name.endswith(UNFINISHED) and name != ".lock":
                yield path.relative_to(folder).as_posix()


def _place(run: Run, name: str) -> str:
    """Where that file lies: in the folders that model hubs keep, some have other names."""
    return run.file(name).relative_to(run.path).as_posix()


def _is_own_card(run: Run) -> bool:
    """Whether somebody has written a README of their own, which a card must not replace."""
    return run.has(_CARD) and not run.file(_CARD).read_bytes().startswith(_BEGINS)


def _to_send(run: Run, names: list[str]) -> dict[str, bytes]:
    """Every text as a stranger may have it, and the card made of these."""
    lines = {name: [plain_values(one) for one in run.read_lines(name)] for name in names if name.endswith(".jsonl")}
    heads = {name: plain_values(public_head(run.read_json(name))) for name in names if _is_head(name)}
    described = plain_values(_described(run))
    card = card_of(described, lines.get(_MEASURED, []), {Path(name).stem: one for name, one in heads.items()})
    texts = {name: "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in all_) for name, all_ in lines.items()}
    texts |= {
        name: json.dumps(one, indent=1, ensure_ascii=False) + "\n"
        for name, one in {_DESCRIBED: described, **heads}.items()
    }
    return {name: text.encode() for name, text in (texts | {_CARD: card}).items()}


def _is_head(name: str) -> bool:
    return name.startswith("heads/") and name.endswith(".json")


def _described(run: Run) -> dict[str, Any]:
    """Without where the pictures lie, nor that of another run that the model began with."""
    described = run.read_json(_DESCRIBED)
    try:
        places = [k for k, v in described["model"]["params"].items() if isinstance(v, str) and re.search(r"[/\\]", v)]
        return public(described, places) | {"machine": described.get("machine")}
    except (AttributeError, KeyError, TypeError):
        raise RunError(f"{run.path / _DESCRIBED} is not as it was written", "Restore it.") from None


def _write(file: Any, run: Run, sources: dict[str, Path | bytes], left_out: tuple[str, ...], share: bool) -> None:
    described, places = run.read_json(_DESCRIBED), _places(run) if share else []
    with zipfile.ZipFile(file, "w") as archive:
        sums = {name: _add(archive, name, source, places) for name, source in sources.items()}
        said = {
            "isthmus": described.get("isthmus"),
            "format": described.get("format"),
            "shared": share,
            "files": sums,
            "left_out": len(left_out) if share else list(left_out),
        }
        _add(archive, MANIFEST, json.dumps(said, indent=1).encode() + b"\n", places)


def _places(run: Run) -> list[bytes]:
    """Folders that nothing may name that is sent: that of the run, and whose machine it is."""
    found = [run.path.resolve().parent, Path.home()]
    return [str(path).encode() for path in found if len(path.parts) >= _DEEP]


def _add(archive: zipfile.ZipFile, name: str, source: Path | bytes, places: list[bytes]) -> str:
    """The file's SHA-256; what is sent, for which there are places, is looked through while it is written."""
    told = zipfile.ZipInfo(name, _WHEN)
    told.external_attr = 0o644 << 16
    told.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_TEXT) else zipfile.ZIP_STORED
    digest, seen = hashlib.sha256(), b""
    with archive.open(told, "w", force_zip64=True) as file, _opened(source) as content:
        while block := content.read(_BLOCK):
            if places and not seen and block.startswith(_PICTURES):
                raise RunError(f"{name} is a picture, and nothing of the kind is sent", "Remove it from the run.")
            seen = seen[-max(map(len, places), default=1) :] + block
            if any(place in seen for place in places):
                raise RunError(f"{name} names a folder of this machine", "Remove that from the run first.")
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _opened(source: Path | bytes) -> Any:
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")
