"""Parquet files whose rows hold encoded pictures, as Hugging Face's data sets are kept; other columns come along."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from isthmus.errors import DataError, UsageError
from isthmus.images.blob import Blob
from isthmus.images.decode import look
from isthmus.images.guard import SKIP, reading
from isthmus.images.labels import LABEL_NAMES
from isthmus.images.options import ReadOptions
from isthmus.images.packers._piece import LOOKED_AT, Block, Decoder, Listing, Piece, files_of, joined
from isthmus.images.plan import Look

__all__ = ["Packer", "ParquetPacker", "picture_column"]

_ENDINGS = (".parquet", ".pq")
_BATCH = 256
_KINDS = {b"\x89PN": ".png", b"\xff\xd8\xff": ".jpg", b"GIF": ".gif", b"BM": ".bmp", b"RIF": ".webp"}
_KINDS |= {b"II*": ".tif", b"MM\0": ".tif"}


@dataclass(frozen=True)
class _Columns:
    """Which column is what; `classes` where whole numbers stand for names."""

    picture: str
    label: str | None
    rest: list[str]
    classes: list[str] | None


@dataclass
class _Rows(Piece):
    """Some row groups of a file."""

    where: str
    groups: list[int]
    begins: int
    columns: _Columns

    def __post_init__(self) -> None:
        self.name = os.path.basename(self.where)
        facts = os.stat(self.where)
        self.mark = f"{facts.st_size}-{facts.st_mtime_ns}-{self.groups}"

    def blocks(self, decoder: Decoder) -> Iterator[Block]:
        return joined(self._each(decoder))

    def _each(self, decoder: Decoder) -> Iterator[Block | None]:
        row, wanted = self.begins, self.columns
        names = [name for name in (wanted.label, *wanted.rest) if name]
        with reading(self.name), _open(self.where) as file:
            for batch in file.iter_batches(_BATCH, self.groups, [wanted.picture, *names]):
                content = _bytes(batch.column(batch.schema.get_field_index(wanted.picture)))
                others = [batch.column(batch.schema.get_field_index(name)).to_pylist() for name in names]
                for data, *values in zip(content, *others, strict=True):
                    label = _class(values.pop(0), wanted.classes) if wanted.label else ""
                    blob = Blob(f"{row}{_kind(data)}", data)
                    yield decoder.block(blob, f"{self.name}/{row}", (label, "", *map(_text, values)))
                    row += 1


class ParquetPacker:
    """A file, a folder of them, or `{0000..0099}`; some row groups are a piece. Ids are `file.parquet/row`."""

    def accepts(self, source: str) -> bool:
        names = files_of(source, _ENDINGS)
        return bool(names) and picture_column(names[0]) is not None

    def listing(self, source: str, options: ReadOptions) -> Listing:
        names = files_of(source, _ENDINGS)
        lost = [name for name in names if not os.path.isfile(name)]
        if lost:
            raise DataError(f"there is no file {lost[0]}", "Check the pattern.")
        columns = _columns(names[0])
        looks = list(_looks(names, columns, options))
        if not looks:
            raise DataError(f"there are no pictures in {source}", "Check the files.")
        listing = Listing("parquet", os.path.basename(source), looks, [names[0]] * len(looks), lambda rows: [])
        listing.cut = partial(_cut, names, columns)
        listing.columns = columns.rest
        listing.classes = columns.classes
        return listing


def picture_column(path: str) -> str | None:
    """The column that holds encoded pictures; None where there is none, or nobody can tell."""
    try:
        import pyarrow

        with _open(path) as file:
            for column in file.schema_arrow:
                kind = column.type
                if pyarrow.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
                    kind = kind.field("bytes").type
                if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
                    return str(column.name)
    except (ImportError, OSError, ValueError):
        return None
    return None


def _open(path: str) -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise UsageError(f"{path} is Parquet, which needs pyarrow", "Run: pip install 'isthmus[parquet]'.") from None
    return pyarrow.parquet.ParquetFile(path)


def _columns(path: str) -> _Columns:
    picture = picture_column(path)
    assert picture is not None
    with reading(path), _open(path) as file:
        schema = file.schema_arrow
        plain = [c.name for c in schema if c.name != picture and _is_plain(c.type)]
        about = (schema.metadata or {}).get(b"huggingface", b"{}")
    label = next((name for name in plain if name.casefold() in LABEL_NAMES), None)
    return _Columns(picture, label, [name for name in plain if name != label], _class_names(about, label))


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
    return any(test(kind) for test in tests)


def _class_names(about: bytes, label: str | None) -> list[str] | None:
    """Names of classes where Hugging Face keeps them."""
    try:
        names = json.loads(about)["info"]["features"][label]["names"]
        return [str(name) for name in names]
    except (ValueError, KeyError, TypeError):
        return None


def _cut(names: list[str], columns: _Columns, rows: int) -> list[_Rows]:
    pieces = []
    for name in names:
        with reading(name), _open(name) as file:
            counts = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        groups, begins, held = list[int](), 0, 0
        for group, count in enumerate(counts):
            groups, held = [*groups, group], held + count
            if held >= rows or group == len(counts) - 1:
                pieces.append(_Rows(name, groups, begins, columns))
                groups, begins, held = [], begins + held, 0
    return pieces


def _looks(names: list[str], columns: _Columns, options: ReadOptions) -> Iterator[Look]:
    """Of the first row groups of up to 16 files spread over all."""
    step = -(-len(names) // 16)
    for name in names[::step]:
        with reading(name), _open(name) as file:
            batch = next(file.iter_batches(LOOKED_AT // 16, columns=[columns.picture]), None)
        for row, data in enumerate(_bytes(batch.column(0)) if batch is not None else []):
            try:
                with reading(f"{os.path.basename(name)}/{row}", SKIP):
                    yield look(Blob(f"{row}{_kind(data)}", data), options.axes)
            except DataError:
                if not options.skip_bad:
                    raise


def _bytes(column: Any) -> list[bytes]:
    rows = column.to_pylist()
    return [(row or {}).get("bytes") or b"" if isinstance(row, dict | None) else row for row in rows]


def _kind(data: bytes) -> str:
    """An ending for what begins so: TIFF is read by another decoder than the rest."""
    return _KINDS.get(data[:3], ".png")


def _class(value: Any, classes: list[str] | None) -> str:
    if classes is not None and isinstance(value, int) and not isinstance(value, bool):
        return classes[value] if 0 <= value < len(classes) else ""
    return "" if value is None or value == -1 or value != value else _text(value)


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


Packer = ParquetPacker
