"""The idx format of MNIST and its kin, packed or not: a file, or a folder that keeps its own train and test."""

import gzip
import math
from pathlib import Path

import numpy as np

from isthmus.errors import DataError
from isthmus.images.guard import believable, reading
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import join, pile

__all__ = ["IdxReader", "Reader", "load_idx", "read_folder"]

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_REMEDY = "It is cut short or not what its name says: get it again."


class IdxReader:
    """`train-images-idx3-ubyte.gz` and the like; the labels are found beside the images."""

    def accepts(self, path: Path) -> bool:
        if path.is_dir():
            return bool(_image_files(path))
        return "idx" in path.name.lower() and path.suffix.lower() not in (".csv", ".npy", ".npz", ".mat", ".png")

    def read(self, path: Path, options: ReadOptions) -> Pictures:
        if path.is_dir():
            return read_folder(path, options)
        return _with_labels(path, options, ())


def read_folder(folder: Path, options: ReadOptions, classes: tuple[str, ...] = ()) -> Pictures:
    """All parts of an idx folder: files that begin with t10k or test are the test."""
    parts = {}
    for file in _image_files(folder):
        part = "test" if file.name.lower().startswith(("t10k", "test")) else "train"
        if part in parts:
            raise DataError(f"{folder} has several idx files for {part}: {file.name} is one", "Keep one of them.")
        parts[part] = _with_labels(file, options, classes)
    pictures = join({part: parts[part] for part in ("train", "test") if part in parts})
    pictures.source["name"] = folder.resolve().name
    return pictures


def load_idx(path: Path) -> np.ndarray:
    """The array; its header is checked against the file before anything is allocated."""
    shown = str(path)
    with reading(shown, _REMEDY), path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file = gzip.GzipFile(fileobj=raw) if packed else raw
        zeros, kind, axes = file.read(2), file.read(1), file.read(1)
        if zeros != b"\0\0" or not kind or not axes or kind[0] not in _TYPES or not axes[0]:
            raise DataError(f"{shown} is not an idx file", _REMEDY)
        shape = np.frombuffer(file.read(4 * axes[0]), ">u4", axes[0]).tolist()
        dtype = np.dtype(_TYPES[kind[0]])
        need = math.prod(shape) * dtype.itemsize
        believable(shown, need, path.stat().st_size, squeezed=packed)
        data = file.read(need + 1)
    if len(data) != need:
        have = f"only {len(data):,}" if len(data) < need else "more"
        raise DataError(f"{shown} says that it holds {need:,} bytes of pixels and holds {have}", _REMEDY)
    return np.frombuffer(data, dtype).reshape(shape)


def _image_files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if "images" in f.name.lower() and "idx3" in f.name.lower())


def _with_labels(path: Path, options: ReadOptions, classes: tuple[str, ...]) -> Pictures:
    array = load_idx(path)
    beside = _labels_beside(path)
    labels = load_idx(beside) if beside is not None else None
    if labels is not None and labels.shape != array.shape[:1]:
        raise DataError(
            f"{beside} has {labels.size:,} labels for the {len(array):,} pictures of {path.name}", "Get both again."
        )
    source = {"kind": "idx", "name": path.name}
    axes = "NHW" if array.ndim == 3 else None
    return pile(array, str(path), options, labels=labels, classes=classes, axes=axes, source=source)


def _labels_beside(path: Path) -> Path | None:
    if "images" not in path.name:
        return None
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    bare = name.removesuffix(".gz")
    return next((p for p in (path.with_name(n) for n in (name, bare, f"{bare}.gz")) if p.is_file()), None)


Reader = IdxReader
