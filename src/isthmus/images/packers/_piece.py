"""Pieces of a source, each of which becomes one shard whoever reads it and whenever: what the packers share."""

import glob
import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from isthmus.errors import DataError
from isthmus.images.blob import Blob
from isthmus.images.decode import decode
from isthmus.images.guard import SKIP, reading, some
from isthmus.images.options import ReadOptions
from isthmus.images.plan import Look, Plan
from isthmus.images.shards import Facts
from isthmus.images.tiles import tile_ids

__all__ = ["LOOKED_AT", "Block", "Decoder", "Listing", "Piece", "class_of", "files_of", "joined"]

LOOKED_AT = 4096
"""The shape of all is decided by a look at so many pictures, spread over the source."""

_BLOCK = 64


@dataclass
class Block:
    """Some pictures in the shape of all, and what is known of each."""

    pixels: np.ndarray
    facts: list[Facts]


class Piece(ABC):
    """Part of a source. `mark` changes when what it stands for does."""

    name: str
    mark: str

    @abstractmethod
    def blocks(self, decoder: "Decoder") -> Iterator[Block]:
        """Its pictures, a few at a time."""


@dataclass
class Listing:
    """What a source holds, before any of it is decoded."""

    kind: str
    name: str
    looks: list[Look]
    names: list[str]
    cut: Callable[[int], Sequence[Piece]]
    columns: list[str] = field(default_factory=list)
    classes: list[str] | None = None
    source: dict[str, Any] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    features: int | None = None
    elsewhere: bool = True
    """Whether pieces can be read in another process."""


@dataclass
class Decoder:
    """Encoded pictures to pictures in the shape of all; remembers what it left out and what it had to change."""

    plan: Plan
    options: ReadOptions
    bad: dict[str, str] = field(default_factory=dict)
    tiles: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    changed: int = 0

    def block(self, file: Path | Blob, name: str, rest: Facts) -> Block | None:
        """The pages and tiles of one file; None where it is bad and may be left out."""
        near = None if self.plan.tile else (self.plan.height, self.plan.width)
        try:
            with reading(name, SKIP):
                pixels = decode(file, self.options.axes, near)
                return self.shaped(pixels, [name] if len(pixels) == 1 else _pages(name, len(pixels)), rest)
        except DataError as error:
            if not self.options.skip_bad:
                raise
            self.bad[name] = error.what
            return None

    def shaped(self, pixels: np.ndarray, names: list[str], *rests: Facts) -> Block:
        """Pictures `(k, channels, height, width)` as the plan wants them; facts are for each of them, or for all."""
        plan, count = self.plan, len(pixels)
        seen = Look(pixels.shape[2], pixels.shape[3], pixels.shape[1], str(pixels.dtype), count)
        if not plan.keeps(seen):
            _refuse_odd(names[0], seen, plan)
            pixels = plan.apply(pixels)
            self.changed += count
        rests = rests * count if len(rests) == 1 else rests
        if plan.tile:
            self.tiles.update((name, [seen.height, seen.width]) for name in names)
            cut = [tile_ids(name, seen.height, seen.width, plan.tile, plan.step) for name in names]
            rests = tuple(rest for rest, tiles in zip(rests, cut, strict=True) for _ in tiles)
            names = [tile for tiles in cut for tile in tiles]
        return Block(pixels, [(name, *rest) for name, rest in zip(names, rests, strict=True)])

    def told(self, where: str) -> list[str]:
        """What is to be known of a piece."""
        notes = list(self.notes)
        if self.bad:
            notes.append(f"left out {len(self.bad):,} pictures of {where} that could not be read: {some(self.bad)}")
        if self.changed and not self.plan.rule:
            notes.append(f"{self.changed:,} pictures of {where} differ from those looked at first and were made alike")
        return notes


def files_of(source: str, endings: tuple[str, ...]) -> list[str]:
    """The files that a name, a pattern or a folder of nothing else means; none where one ends in another way."""
    if os.path.isdir(source):
        with os.scandir(source) as entries:
            shown = (entry.name for entry in entries if not entry.name.startswith("."))
            found = sorted(itertools.takewhile(lambda name: name.lower().endswith(endings), shown))
            return [os.path.join(source, name) for name in found] if next(shown, None) is None else []
    if not source.lower().endswith(endings):
        return []
    if os.path.exists(source):
        return [source]
    names = [name for name in _expanded(source) if name.lower().endswith(endings)]
    stars = {name: sorted(glob.glob(name)) for name in names if "*" in name and "://" not in name}
    return [file for name in names for file in stars.get(name, [name])]


def _expanded(pattern: str) -> list[str]:
    """`a-{00..12}.tar`, `{x,y}.tar` and both together as names, in order; a plain name is itself."""
    before, brace, rest = pattern.partition("{")
    inner, closed, after = rest.partition("}")
    if not brace or not closed:
        return [pattern]
    first, dots, last = inner.partition("..")
    if dots and first.isdecimal() and last.isdecimal():
        words = [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
    else:
        words = inner.split(",")
    return [before + word + tail for word in words for tail in _expanded(after)]


def joined(blocks: Iterator[Block | None]) -> Iterator[Block]:
    """Single pictures brought together, so that files are written in larger pieces."""
    held: list[Block] = []
    for block in blocks:
        if block is not None:
            held.append(block)
        if len(held) == _BLOCK:
            yield _one(held)
            held = []
    if held:
        yield _one(held)


def class_of(name: str) -> str:
    """The first folder in a picture's path."""
    folders = PurePosixPath(name).parts[:-1]
    return folders[0] if folders and folders[0].casefold() not in ("unlabelled", "unlabeled", "unknown") else ""


def _one(blocks: list[Block]) -> Block:
    return Block(np.concatenate([block.pixels for block in blocks]), [row for block in blocks for row in block.facts])


def _pages(name: str, count: int) -> list[str]:
    return [f"{name}#{page}" for page in range(count)]


def _refuse_odd(name: str, seen: Look, plan: Plan) -> None:
    """What cannot be brought to the shape of all without a loss that nobody asked for."""
    odd = seen.channels != plan.channels and (seen.channels, plan.channels) not in ((1, 3), (3, 1))
    if odd:
        raise DataError(
            f"{name} has {seen.channels} channels and the others have {plan.channels}",
            "Only grey and RGB can be turned into each other: pack them apart, or leave it out with --skip-bad.",
        )
    if seen.dtype != plan.dtype and (seen.dtype, plan.dtype) != ("uint8", "uint16"):
        raise DataError(
            f"{name} holds {seen.dtype} values and the others {plan.dtype}",
            "Pack them apart, or leave it out with --skip-bad.",
        )
