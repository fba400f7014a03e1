"""From gathered picture files to `Pictures`: what the readers of folders, tables and single files share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.images.gather import gather
from isthmus.images.labels import encode
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.scanning import Found

__all__ = ["one_file", "read_files"]


def read_files(
    root: Path,
    files: Sequence[Found],
    labels: Sequence[str],
    options: ReadOptions,
    *,
    columns: dict[str, np.ndarray] | None = None,
    split: Sequence[str] | None = None,
    source: dict[str, Any] | None = None,
) -> Pictures:
    """Decode `files`; labels, columns and split have a value for each file, which all of its pages and tiles share."""
    got = gather(root, files, options)
    codes, classes = encode(labels)
    return Pictures(
        pixels=got.pixels,
        ids=got.ids,
        labels=codes[got.files],
        classes=classes,
        columns={name: values[got.files] for name, values in (columns or {}).items()},
        split=None if split is None else np.array(split, dtype=object)[got.files],
        source={**(source or {}), **got.source},
        trouble=got.trouble,
    )


def one_file(path: Path, options: ReadOptions, kind: str) -> Pictures:
    """The picture or the pages of one file."""
    facts = path.stat()
    found = Found(path.name, facts.st_size, facts.st_mtime_ns)
    return read_files(path.parent, [found], [""], options, source={"kind": kind, "name": path.name})
