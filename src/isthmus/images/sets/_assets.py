"""Where the files of a named set are: the folder of ISTHMUS_DATA, the user's cache, or the network."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.errors import DataError
from isthmus.images.cache import cache_folder
from isthmus.images.fetch import fetch
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.readers.idx import read_folder

__all__ = ["Asset", "IdxSet", "find_files"]


@dataclass(frozen=True)
class Asset:
    """One file of a set; without addresses it is a repacked copy that only a local folder or a mirror can give."""

    name: str
    sha256: str
    urls: tuple[str, ...] = ()


def find_files(name: str, assets: Sequence[Asset], options: ReadOptions) -> Path:
    """A folder that holds all of the set's files."""
    local = os.environ.get("ISTHMUS_DATA")
    folders = [Path(local) / name] if local else []
    folders.append(cache_folder() / "data" / name)
    for folder in folders:
        if all((folder / asset.name).is_file() for asset in assets):
            return folder
    mirror = os.environ.get("ISTHMUS_MIRROR", "").rstrip("/")
    for asset in assets:
        urls = (f"{mirror}/{name}/{asset.name}",) if mirror else asset.urls
        if not urls:
            raise DataError(
                f"{name} is read from repacked files ({asset.name}) that have no public address",
                f"Set ISTHMUS_DATA to the folder that holds {name}/, or ISTHMUS_MIRROR to a server that does.",
            )
        fetch(urls, folders[-1] / asset.name, asset.sha256, progress=options.progress)
    return folders[-1]


@dataclass(frozen=True)
class IdxSet:
    """A set in the four files of MNIST."""

    name: str
    sha256: tuple[str, str, str, str]
    servers: tuple[str, ...]
    classes: tuple[str, ...]

    def __call__(self) -> "IdxSet":
        return self

    def read(self, options: ReadOptions) -> Pictures:
        names = [
            f"{part}-{what}.gz" for part in ("t10k", "train") for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
        ]
        assets = [
            Asset(name, digest, tuple(f"{server}/{name}" for server in self.servers))
            for name, digest in zip(names, self.sha256, strict=True)
        ]
        return read_folder(find_files(self.name, assets, options), options, self.classes)
