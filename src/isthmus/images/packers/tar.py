"""Tar shards, as WebDataset writes them: here or in an object store, named one by one or by `{0000..0999}`.

Nothing is unpacked: only regular members are looked at, and their bytes are read where they lie.
"""

import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from isthmus.errors import DataError, UsageError
from isthmus.images.blob import Blob
from isthmus.images.decode import SUFFIXES, look
from isthmus.images.guard import SKIP, reading
from isthmus.images.options import ReadOptions
from isthmus.images.packers._piece import LOOKED_AT, Block, Decoder, Listing, Piece, class_of, files_of, joined
from isthmus.images.plan import Look

__all__ = ["Member", "Packer", "TarPacker", "members"]

_LARGE = 256 << 20
_BLOCK = 512
_LARGEST_LABEL = 1 << 16
_SHARDS_LOOKED_AT = 16


@dataclass(frozen=True)
class Member:
    """A picture in a tar file: where its bytes lie, and its label."""

    name: str
    begins: int
    size: int
    label: str


@dataclass
class _Tar(Piece):
    """A tar file, or some of the pictures in it, from number `first` on."""

    where: str
    first: int = 0
    some: list[Member] | None = None

    def __post_init__(self) -> None:
        self.name = PurePosixPath(self.where.replace("\\", "/")).name
        facts = os.stat(self.where) if os.path.exists(self.where) else None
        self.mark = f"{facts.st_size}-{facts.st_mtime_ns}-{self.first}" if facts else ""

    def blocks(self, decoder: Decoder) -> Iterator[Block]:
        """A dead file gives none, and is named."""
        try:
            with _local(self.where) as path:
                yield from joined(self._each(path, decoder))
        except _Dead as error:
            decoder.notes.append(f"left out {self.name}: {error}")

    def _each(self, path: Path, decoder: Decoder) -> Iterator[Block | None]:
        found, note = members(path) if self.some is None else (self.some, "")
        if note:
            decoder.notes.append(f"{self.name} {note}")
        elif not found:
            decoder.notes.append(f"{self.name} holds no pictures")
        with path.open("rb") as file:
            for member in found:
                file.seek(member.begins)
                blob = Blob(member.name, file.read(member.size))
                yield decoder.block(blob, f"{self.name}/{member.name}", (member.label, ""))


class TarPacker:
    """A tar file is a piece; a large one several. Ids are `file.tar/name.png`.

    Labels are those of members beside a picture (`.cls`, `.txt`, or `label` in `.json`), or else its first folder.
    """

    def accepts(self, source: str) -> bool:
        return bool(files_of(source, (".tar",))) and ("{" in source or "://" in source or _is_here(source))

    def listing(self, source: str, options: ReadOptions) -> Listing:
        tars = [_Tar(name) for name in files_of(source, (".tar",))]
        step = -(-len(tars) // (1 if "://" in source else _SHARDS_LOOKED_AT))
        looks, names, trouble = list[Look](), list[str](), list[str]()
        for number, tar in enumerate(tars):
            # where what is looked at first holds nothing, the rest is looked at too
            if number % step and looks:
                continue
            try:
                seen = list(_looks(tar, options, LOOKED_AT // min(len(tars), _SHARDS_LOOKED_AT)))
            except _Dead as error:
                trouble.append(f"{tar.name}: {error}")
                continue
            names += [name for name, _ in seen]
            looks += [one for _, one in seen]
        if not looks:
            why = f" ({trouble[0]})" if trouble else ""
            raise DataError(f"there are no pictures in {source}{why}", "Check the files.")
        return Listing("tar", PurePosixPath(source.replace("\\", "/")).name, looks, names, partial(_cut, tars))


class _Dead(Exception):
    """A file of which nothing can be read, and why."""


def members(path: Path) -> tuple[list[Member], str]:
    """The pictures in a tar file; the sentence is empty, or says that the file is cut short behind them."""
    stored, note = path.stat().st_size, ""
    pictures: dict[str, tarfile.TarInfo] = {}
    beside: dict[str, tarfile.TarInfo] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            try:
                for info in archive:
                    if not info.isreg() or info.issparse() or info.offset_data + info.size > stored:
                        continue
                    suffix = PurePosixPath(info.name).suffix.lower()
                    if suffix in SUFFIXES:
                        pictures[info.name.removeprefix("./")] = info
                    elif suffix in (".cls", ".txt", ".json") and info.size <= _LARGEST_LABEL:
                        beside[_key(info.name) + suffix] = info
            except tarfile.TarError:
                pass
            note = "" if _ends(path, archive.offset) else "has no end: it may be cut short, and what is there is kept"
    except (tarfile.TarError, OSError, EOFError) as error:
        if path.exists() and path.open("rb").read(2) in (b"\x1f\x8b", b"BZ", b"\xfd7"):
            raise _Dead("it is compressed; unpack it to a plain .tar first") from None
        raise _Dead(f"it is no tar file ({error})") from None
    with path.open("rb") as file:

        def text(info: tarfile.TarInfo) -> str:
            file.seek(info.offset_data)
            return file.read(info.size).decode("utf-8", "replace").strip()

        def label(name: str) -> str:
            key = _key(name)
            for suffix in (".cls", ".json", ".txt"):
                if key + suffix in beside:
                    return _label(text(beside[key + suffix]), suffix)
            return class_of(name)

        return [Member(name, i.offset_data, i.size, label(name)) for name, i in pictures.items()], note


def _ends(path: Path, begins: int) -> bool:
    """Whether the mark of the end, a block of zeros, lies here."""
    with path.open("rb") as file:
        file.seek(begins)
        return file.read(_BLOCK) == bytes(_BLOCK)


def _is_here(source: str) -> bool:
    return os.path.exists(source) or "*" in source


def _label(text: str, suffix: str) -> str:
    if suffix != ".json":
        return text if len(text) <= 200 and "\n" not in text else ""
    try:
        found = json.loads(text)
        return next(str(found[name]) for name in ("label", "class", "cls") if found.get(name) not in (None, -1))
    except (ValueError, AttributeError, StopIteration):
        return ""


def _key(name: str) -> str:
    """What the files of one sample share: all up to the first dot of the last name."""
    folder, slash, last = name.removeprefix("./").rpartition("/")
    return folder + slash + last.split(".", 1)[0]


def _looks(tar: _Tar, options: ReadOptions, most: int) -> Iterator[tuple[str, Look]]:
    with _local(tar.where) as path:
        found, _ = members(path)
        step = -(-len(found) // most) or 1
        with path.open("rb") as file:
            for member in found[::step]:
                file.seek(member.begins)
                name = f"{tar.name}/{member.name}"
                try:
                    with reading(name, SKIP):
                        blob = Blob(member.name, file.read(member.size))
                        yield name, look(blob, options.axes)
                except DataError:
                    if not options.skip_bad:
                        raise


def _cut(tars: list[_Tar], rows: int) -> list[_Tar]:
    pieces = []
    for tar in tars:
        if "://" in tar.where or not os.path.exists(tar.where) or os.path.getsize(tar.where) < _LARGE:
            pieces.append(tar)
            continue
        found, note = members(Path(tar.where))
        starts = range(0, len(found), rows)
        pieces += [_Tar(tar.where, first, found[first : first + rows]) for first in starts] if not note else [tar]
    return pieces


class _local:
    """A file here; one from elsewhere is fetched for as long as it is read."""

    def __init__(self, where: str) -> None:
        self.where, self.fetched = where, ""

    def __enter__(self) -> Path:
        if "://" not in self.where:
            if not os.path.isfile(self.where):
                raise _Dead("there is no such file")
            return Path(self.where)
        try:
            import fsspec
        except ImportError:
            remedy = "pip install 'isthmus[store]', and the package of that store, such as s3fs."
            raise UsageError(f"reading {self.where.split('://')[0]}:// needs fsspec", remedy) from None
        handle, self.fetched = tempfile.mkstemp(suffix=".tar")
        try:
            with os.fdopen(handle, "wb") as here, fsspec.open(self.where, "rb") as there:
                shutil.copyfileobj(there, here, 1 << 20)
        except BaseException as error:
            os.unlink(self.fetched)
            if isinstance(error, ImportError):
                raise UsageError(f"reading {self.where} needs another package", f"{error}") from None
            if not isinstance(error, Exception):
                raise
            raise _Dead(f"it cannot be fetched ({str(error) or type(error).__name__})") from None
        return Path(self.fetched)

    def __exit__(self, *why: object) -> None:
        if self.fetched:
            os.unlink(self.fetched)


Packer = TarPacker
