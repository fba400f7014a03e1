"""Any source into a folder of shards: a piece a shard, in as many processes as are wanted, from where it stopped."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from isthmus import discover
from isthmus.errors import DataError, UsageError
from isthmus.files import UNFINISHED, held
from isthmus.images.cache import cache_folder
from isthmus.images.guard import quiet
from isthmus.images.labels import encode
from isthmus.images.options import Progress, ReadOptions
from isthmus.images.packers._piece import Decoder, Listing, Piece
from isthmus.images.plan import Plan, make_plan
from isthmus.images.shards import FORMAT, INDEX, PACKING, Facts, Index, Shard, header, write_facts, write_shard
from isthmus.workers import spread

__all__ = ["Packed", "must_be_packed", "pack", "pack_aside"]

_SHARD_BYTES, _MOST_ROWS = 64 << 20, 1 << 16


@dataclass(frozen=True)
class Packed:
    """What was made: pictures, shards, how many of these were there before, and what is to be known."""

    folder: Path
    pictures: int
    shards: int
    kept: int
    trouble: list[str]


@dataclass(frozen=True)
class _Shape:
    """What every shard is to hold; a plan where pictures are to be made alike."""

    shape: tuple[int, ...]
    dtype: str
    plan: Plan | None


@dataclass(frozen=True)
class _Order:
    """A source, the shape of all, and the pieces that become shards; the stamp says which these are."""

    listing: Listing
    wanted: _Shape
    pieces: Sequence[Piece]
    stamp: str
    options: ReadOptions


def pack(
    source: Any,
    out: str | os.PathLike[str],
    *,
    workers: int = 1,
    rows: int | None = None,
    progress: Progress | None = None,
    **how: Any,
) -> Packed:
    """Pack a source that `open_pictures` knows, tar shards, Parquet with pictures, or Zarr. `how` is as there.

    `rows` are the pictures of a shard (default: 64 MB of them). Whatever stops it, the same call goes on from there.
    """
    for name, value in (("workers", workers), ("rows", rows)):
        if value is not None and value < 1:
            raise UsageError(f"{name} is {value}", "Give 1 or more.")
    with quiet():
        return _packed(Path(out), _order(str(source), ReadOptions(**how, progress=progress), rows), workers)


def must_be_packed(source: str) -> bool:
    """Whether pictures in it cannot be reached at random where they lie: tar files, Parquet with pictures, Zarr."""
    names = [kind for kind in discover.names("images.packers") if kind not in ("arrays", "files")]
    return any(discover.find("images.packers", kind, "Packer")().accepts(source) for kind in names)


def pack_aside(source: str, options: ReadOptions) -> Path:
    """Pack into the cache folder, or find it packed there. What lies elsewhere is taken to be as it was."""
    place = Path(options.cache) if isinstance(options.cache, str | Path) else cache_folder()
    if "://" in source:
        about = repr((FORMAT, source, options.axes, options.tile, options.step))
        there = place / "packed" / hashlib.blake2b(about.encode(), digest_size=12).hexdigest()
        if (there / INDEX).is_file() and _is_as_asked(Index.read(there).shape, options):
            return there
    order = _order(source, options, None)
    whole = "://" in source and not options.size and not options.channels
    return _packed(there if whole else place / "packed" / order.stamp, order, 1).folder


def _is_as_asked(shape: Sequence[int], options: ReadOptions) -> bool:
    height_width = options.height_width
    return options.channels in (None, shape[0]) and (height_width is None or list(height_width) == shape[1:])


def _order(source: str, options: ReadOptions, rows: int | None) -> _Order:
    """All that is to be known before anything is written."""
    listing = _listed(source, options)
    wanted = _wanted(listing, options)
    row_bytes = int(np.prod(wanted.shape, dtype=np.int64)) * np.dtype(wanted.dtype).itemsize
    pieces = listing.cut(rows or max(1, min(_MOST_ROWS, _SHARD_BYTES // max(1, row_bytes))))
    return _Order(listing, wanted, pieces, _stamp(wanted, options, pieces), options)


def _listed(source: str, options: ReadOptions) -> Listing:
    from isthmus.images.opening import unknown

    kinds = ["arrays"] if source in discover.names("images.sets") else discover.names("images.packers")
    packers = [discover.find("images.packers", kind, "Packer")() for kind in kinds]
    for packer in sorted(packers, key=lambda packer: int(getattr(packer, "last", 0))):
        if packer.accepts(source):
            listing: Listing = packer.listing(source, options)
            return listing
    raise unknown(source, Path(source))


def _wanted(listing: Listing, options: ReadOptions) -> _Shape:
    if listing.features is not None:
        if options.size or options.channels or options.tile:
            raise UsageError("size, channels and tile are for pictures, and this is a table of features", "Leave out.")
        return _Shape((listing.features,), listing.looks[0].dtype, None)
    plan = make_plan(listing.looks, options, listing.names)
    return _Shape((plan.channels, plan.height, plan.width), plan.dtype, plan)


def _stamp(wanted: _Shape, options: ReadOptions, pieces: Sequence[Piece]) -> str:
    """Of what goes in and what is to come out."""
    digest = hashlib.blake2b(repr((FORMAT, wanted.shape, wanted.dtype, options.axes)).encode(), digest_size=12)
    digest.update(repr(wanted.plan and (wanted.plan.tile, wanted.plan.step)).encode())
    for piece in pieces:
        digest.update(repr((piece.name, piece.mark)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _packed(folder: Path, order: _Order, workers: int) -> Packed:
    listing, wanted = order.listing, order.wanted
    source = {"kind": "shards", "of": {"kind": listing.kind, "name": listing.name}} | listing.source
    fresh = Index(list(wanted.shape), wanted.dtype, listing.columns, source, order.stamp, listing.classes)
    if wanted.plan is not None and wanted.plan.rule:
        fresh.source["rule"] = wanted.plan.rule
    fresh.trouble = listing.trouble
    with held(folder):
        index, done = _begun(folder, fresh)
        kept = len(index.shards)
        if not done:
            _fill(folder, index, order, workers if listing.elsewhere else 1)
            _finish(folder, index, wanted)
    made = index.in_order()
    return Packed(folder, sum(shard.rows for shard in made), len(made), kept, list(index.trouble))


def _begun(folder: Path, fresh: Index) -> tuple[Index, bool]:
    """What was packed before, and whether that is all; shards that are no longer whole are packed again."""
    for name in (INDEX, PACKING):
        if not (folder / name).is_file():
            continue
        found = Index.read(folder, name)
        if found.stamp != fresh.stamp:
            raise UsageError(f"{folder} holds shards of something else, or in another shape", "Choose another -o.")
        if name == INDEX:
            return found, True
        for left in folder.glob(f".*{UNFINISHED}"):
            left.unlink(missing_ok=True)
        found.shards = {number: shard for number, shard in found.shards.items() if _is_whole(folder, found, shard)}
        return found, False
    others = [entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")]
    if others:
        raise UsageError(f"{folder} is not empty: it holds {others[0]}", "Choose another -o.")
    fresh.write(folder, PACKING)
    return fresh, False


def _is_whole(folder: Path, index: Index, shard: Shard) -> bool:
    if not shard.rows:
        return True
    try:
        shape, dtype, _ = header(folder / shard.file)
    except (OSError, ValueError):
        return False
    table = (folder / shard.file).with_suffix(".csv")
    return shape == (shard.rows, *index.shape) and dtype == index.dtype and table.is_file()


def _fill(folder: Path, index: Index, order: _Order, workers: int) -> None:
    """Pixels are written by whoever reads the piece; its table, and that it is done, here."""
    todo = [(number, piece) for number, piece in enumerate(order.pieces) if str(number) not in index.shards]
    total, before = len(order.pieces), len(index.shards)
    order.options.tell(before, total, "packing shards")
    given = (folder, order.wanted, replace(order.options, progress=None))
    for done, (place, (shard, facts)) in enumerate(spread(_start, given, todo, workers), 1):
        if shard.rows:
            write_facts((folder / shard.file).with_suffix(".csv"), facts, index.columns)
        index.shards[str(todo[place][0])] = shard
        index.write(folder, PACKING)
        order.options.tell(before + done, total, "packing shards")


def _start(folder: Path, wanted: _Shape, options: ReadOptions) -> Callable[[Any], tuple[Shard, list[Facts]]]:
    def work(job: tuple[int, Piece]) -> tuple[Shard, list[Facts]]:
        """A piece into its shard."""
        number, piece = job
        decoder, facts = Decoder(wanted.plan or Plan(0, 0, 0, ""), options), list[Facts]()

        def pixels() -> Iterator[np.ndarray]:
            for block in piece.blocks(decoder):
                facts.extend(block.facts)
                yield block.pixels

        name = f"{number:06d}.npy"
        with quiet():
            rows, sum_ = write_shard(folder / name, pixels(), wanted.shape, wanted.dtype)
        classes = sorted({row[1] for row in facts} - {""})
        return Shard(name, rows, sum_, classes, decoder.told(piece.name), decoder.tiles), facts

    return work


def _finish(folder: Path, index: Index, wanted: _Shape) -> None:
    """The index in place of the one of what was not finished."""
    shards = index.in_order()
    index.trouble += [note for number in sorted(index.shards, key=int) for note in index.shards[number].trouble]
    if not shards:
        why = f": {index.trouble[0]}" if index.trouble else ""
        raise DataError(f"not one picture was packed{why}", "Check the source.")
    if index.classes is None:
        index.classes = list(encode([name for shard in shards for name in shard.classes])[1])
    if wanted.plan is not None and wanted.plan.tile:
        tiles = {name: size for shard in shards for name, size in shard.tiles.items()}
        index.source["tiles"] = {"tile": wanted.plan.tile, "stride": wanted.plan.step, "pictures": tiles}
    kept = {number: shard for number, shard in index.shards.items() if shard.rows}
    index.shards = {number: replace(shard, tiles={}, trouble=[], classes=[]) for number, shard in kept.items()}
    index.write(folder, INDEX)
    (folder / PACKING).unlink(missing_ok=True)
