"""Whether shards are still what was written: every byte is read."""

from pathlib import Path

from isthmus.errors import UsageError
from isthmus.images.options import Progress
from isthmus.images.shards import INDEX, Index, checksum, header, is_index, read_facts

__all__ = ["broken"]


def broken(folder: Path, progress: Progress | None = None) -> dict[str, str]:
    """The shards that are not, and why."""
    if not is_index(folder / INDEX):
        raise UsageError(f"{folder} is no folder of shards", "Make one with: isthmus data pack SOURCE -o FOLDER.")
    index, found = Index.read(folder), dict[str, str]()
    shards = index.in_order()
    for number, shard in enumerate(shards, 1):
        path = folder / shard.file
        try:
            shape, dtype, begins = header(path)
            if shape != (shard.rows, *index.shape) or dtype != index.dtype:
                raise ValueError(f"it holds {shape} of {dtype}")
            if checksum(path, begins) != shard.crc32:
                raise ValueError("its pixels are not those that were written")
            read_facts(path.with_suffix(".csv"), shard.rows, index.columns)
        except (OSError, ValueError) as error:
            found[shard.file] = (getattr(error, "strerror", None) or str(error)).lower()
        if progress is not None:
            progress(number, len(shards), "checking shards")
    return found
