"""Many picture files to one array: look at every header, make one plan, decode in threads, keep the result."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from isthmus.errors import DataError
from isthmus.images.cache import slot
from isthmus.images.decode import decode, look
from isthmus.images.guard import SKIP, reading, some
from isthmus.images.options import ReadOptions
from isthmus.images.plan import Look, Plan, make_plan
from isthmus.images.scanning import Found
from isthmus.images.tiles import tile_ids

__all__ = ["Gathered", "gather"]

_T = TypeVar("_T")
_THREADS = 2
_CHUNK = 128
_WORTH_KEEPING = 32


@dataclass
class Gathered:
    """The pixels, the id of each row, and the file it came from as a position in the list that was given."""

    pixels: np.ndarray
    ids: np.ndarray
    files: np.ndarray
    source: dict[str, Any] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)


@dataclass
class _Bad:
    """Pictures that could not be read: the first is an error unless they may be skipped."""

    skip: bool
    names: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, error: DataError) -> None:
        if not self.skip:
            raise error
        self.names[name] = error.what

    def told(self, total: int) -> list[str]:
        if not self.names:
            return []
        return [f"left out {len(self.names):,} of {total:,} files that could not be read: {some(self.names)}"]


def gather(root: Path, files: Sequence[Found], options: ReadOptions) -> Gathered:
    """Decode `files` below `root`, from the cache where they were decoded before."""
    wanted = (options.axes, options.height_width, options.channels, options.tile, options.step, options.skip_bad)
    place = slot(options.cache if len(files) >= _WORTH_KEEPING else False, wanted, files)
    kept = place.load()
    if kept is not None:
        pixels, facts = kept
        return _gathered(pixels, facts)
    bad = _Bad(options.skip_bad)
    looks = _look_at_all(root, files, options, bad)
    _refuse_empty(looks, bad)
    plan = make_plan([seen for _, seen in looks], options, [files[i].name for i, _ in looks])
    facts = _facts(files, looks, plan)
    pixels = place.allocate((len(facts["ids"]), plan.channels, plan.height, plan.width), plan.dtype)
    try:
        facts["lost"] = _decode_all(root, files, looks, plan, options, pixels, bad)
        _refuse_empty([pair for pair in looks if files[pair[0]].name not in bad.names], bad)
    except BaseException:
        place.discard()
        raise
    facts["trouble"] = bad.told(len(files))
    return _gathered(place.keep(pixels, facts), facts)


def _gathered(pixels: np.ndarray, facts: dict[str, Any]) -> Gathered:
    ids, files = np.array(facts["ids"], dtype=object), np.array(facts["files"], np.int64)
    if facts["lost"]:
        left = np.setdiff1d(np.arange(len(ids)), facts["lost"])
        pixels, ids, files = pixels[left], ids[left], files[left]
    return Gathered(pixels, ids, files, dict(facts["source"]), list(facts["trouble"]))


def _look_at_all(root: Path, files: Sequence[Found], options: ReadOptions, bad: _Bad) -> list[tuple[int, Look]]:
    def one(found: Found) -> Look:
        with reading(found.name, SKIP):
            return look(root / found.name, options.axes)

    looks = []
    for i, seen in enumerate(_in_threads(one, files, options, "looking at pictures")):
        if isinstance(seen, DataError):
            bad.add(files[i].name, seen)
        else:
            looks.append((i, seen))
    return looks


def _decode_all(
    root: Path,
    files: Sequence[Found],
    looks: list[tuple[int, Look]],
    plan: Plan,
    options: ReadOptions,
    pixels: np.ndarray,
    bad: _Bad,
) -> list[int]:
    """Fill `pixels`; the rows of pictures that turned out to be bad are returned."""
    near = None if plan.tile else (plan.height, plan.width)
    starts = np.concatenate([[0], np.cumsum([plan.rows(seen) for _, seen in looks])]).tolist()

    def one(row: int) -> None:
        i, seen = looks[row]
        with reading(files[i].name, SKIP):
            shrinks = near is not None and seen.height > 2 * near[0] and seen.width > 2 * near[1]
            block = decode(root / files[i].name, options.axes, near if shrinks else None)
            pixels[starts[row] : starts[row + 1]] = block if plan.keeps(seen) else plan.apply(block)

    lost: list[int] = []
    for row, result in enumerate(_in_threads(one, range(len(looks)), options, "decoding pictures")):
        if isinstance(result, DataError):
            bad.add(files[looks[row][0]].name, result)
            lost.extend(range(starts[row], starts[row + 1]))
    return lost


def _in_threads(
    work: Callable[[Any], _T], items: Sequence[Any], options: ReadOptions, what: str
) -> Iterator[_T | DataError]:
    """Results in order, an error in place of a result that failed; chunks, because threads cost more than pictures."""

    def chunk(start: int) -> list[_T | DataError]:
        results: list[_T | DataError] = []
        for item in items[start : start + _CHUNK]:
            try:
                results.append(work(item))
            except DataError as error:
                results.append(error)
                if not options.skip_bad:
                    break
        return results

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for start, results in zip(
                range(0, len(items), _CHUNK), pool.map(chunk, range(0, len(items), _CHUNK)), strict=True
            ):
                yield from results
                options.tell(min(start + _CHUNK, len(items)), len(items), what)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _facts(files: Sequence[Found], looks: list[tuple[int, Look]], plan: Plan) -> dict[str, Any]:
    ids: list[str] = []
    origins: list[int] = []
    sizes: dict[str, list[int]] = {}
    for i, seen in looks:
        name = files[i].name
        pages = [name] if seen.count == 1 else [f"{name}#{page}" for page in range(seen.count)]
        if plan.tile:
            sizes.update((page, [seen.height, seen.width]) for page in pages)
            pages = [tile for page in pages for tile in tile_ids(page, seen.height, seen.width, plan.tile, plan.step)]
        ids.extend(pages)
        origins.extend([i] * len(pages))
    source: dict[str, Any] = {"rule": plan.rule} if plan.rule else {}
    if plan.tile:
        source["tiles"] = {"tile": plan.tile, "stride": plan.step, "pictures": sizes}
    return {"ids": ids, "files": origins, "source": source}


def _refuse_empty(left: Sequence[Any], bad: _Bad) -> None:
    if not left:
        name, why = next(iter(bad.names.items()))
        raise DataError(f"none of the {len(bad.names):,} pictures can be read; {name}: {why}", "Check the files.")
