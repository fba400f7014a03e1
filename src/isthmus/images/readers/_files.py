"""From gathered picture files to `Pictures`: what the readers of folders, tables and single files share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.images.gather import gather
from isthmus.images.labels import encode
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.scanning import Found

__all__ = ["Listed", "one_file", "read_files"]


@dataclass
class Listed:
    """Files below a folder; labels, columns and split have a value for each, which all its pages and tiles share."""

    root: Path
    files: Sequence[Found]
    labels: Sequence[str]
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    split: Sequence[str] | None = None
    source: dict[str, Any] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)


def read_files(listed: Listed, options: ReadOptions) -> Pictures:
    """Decode them all; what is to be known of the list goes before what is to be known of the pictures."""
    got = gather(listed.root, listed.files, options)
    codes, classes = encode(listed.labels)
    return Pictures(
        pixels=got.pixels,
        ids=got.ids,
        labels=codes[got.files],
        classes=classes,
        columns={name: values[got.files] for name, values in listed.columns.items()},
        split=None if listed.split is None else np.array(listed.split, dtype=object)[got.files],
        source={**listed.source, **got.source},
        trouble=[*listed.trouble, *got.trouble],
    )


def one_file(path: Path, options: ReadOptions, kind: str) -> Pictures:
    """The picture or the pages of one file."""
    facts = path.stat()
    found = Found(path.name, facts.st_size, facts.st_mtime_ns)
    return read_files(Listed(path.parent, [found], [""], source={"kind": kind, "name": path.name}), options)
