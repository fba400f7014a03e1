"""A table of paths and labels: `path,label[,columns...]`, blank where unknown, paths relative to the table."""

import os
from pathlib import Path

from isthmus.errors import DataError
from isthmus.images.decode import SUFFIXES
from isthmus.images.guard import some
from isthmus.images.labels import as_column, read_table
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.readers._files import Listed, read_files
from isthmus.images.scanning import Found

__all__ = ["Reader", "TableReader"]


class TableReader:
    """CSV or Parquet; ids are the paths as the table has them."""

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() in (".csv", ".tsv", ".parquet", ".pq")

    def read(self, path: Path, options: ReadOptions) -> Pictures:
        return read_files(self.listing(path, options), options)

    def listing(self, path: Path, options: ReadOptions) -> Listed:
        """The files, before any is decoded."""
        table = read_table(path)
        if not table.ids:
            raise DataError(f"{path} has no rows", "Give a line for each picture: path,label.")
        twice = len(table.ids) - len(set(table.ids))
        if twice:
            raise DataError(f"{path} names {twice:,} pictures more than once", "Keep one line for each.")
        root, names = _relative(path.parent, table.ids)
        rows, files, trouble = _existing(root, names, path, options)
        columns = {name: as_column([values[row] for row in rows]) for name, values in table.columns.items()}
        labels = [table.labels[row] for row in rows]
        source = {"kind": "table", "name": path.name}
        return Listed(root, files, labels, columns, source=source, trouble=trouble)


def _relative(folder: Path, names: list[str]) -> tuple[Path, list[str]]:
    """Absolute paths, and paths that leave the folder, become relative to what they have in common."""
    inside = [not os.path.isabs(name) and ".." not in name.split("/") for name in names]
    if all(inside):
        return folder, names
    whole = [os.path.normpath(os.path.join(os.path.abspath(folder), name)) for name in names]
    try:
        root = os.path.commonpath([os.path.dirname(name) for name in whole])
    except ValueError as error:  # Windows: two drives
        raise DataError("the table names pictures on several drives", "Bring them together on one.") from error
    return Path(root), [Path(os.path.relpath(name, root)).as_posix() for name in whole]


def _existing(
    root: Path, names: list[str], path: Path, options: ReadOptions
) -> tuple[list[int], list[Found], list[str]]:
    rows, files, missing = [], [], []
    for row, name in enumerate(names):
        try:
            facts = os.stat(root / name)
        except (OSError, ValueError):
            missing.append(name)
            continue
        if Path(name).suffix.lower() not in SUFFIXES:
            raise DataError(f"row {row + 1} of {path} names {name!r}, which is no picture file", "Correct that row.")
        rows.append(row)
        files.append(Found(name, facts.st_size, facts.st_mtime_ns))
    said = f"{len(missing):,} of {len(names):,} pictures in {path.name} are not there: {some(missing)}"
    if missing and (not options.skip_bad or not files):
        raise DataError(said, "Paths are relative to the table; leave missing ones out with --skip-bad.")
    return rows, files, [f"{said}; they were left out"] if missing else []


Reader = TableReader
