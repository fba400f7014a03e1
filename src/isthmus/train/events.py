"""TensorBoard's event files, written without TensorBoard: a record is a length, a checksum and a small message."""

import struct
import time
from pathlib import Path
from typing import Any, BinaryIO

from isthmus.train.watchers import Watcher

__all__ = ["TensorBoard"]

_CASTAGNOLI = 0x82F63B78


class TensorBoard(Watcher):
    """Every number of the history, under the names of the history file, one file each time training starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: BinaryIO | None = None

    def on_epoch(self, line: dict[str, Any]) -> None:
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = open(self.folder / f"events.out.tfevents.{time.time_ns()}.isthmus", "wb")
            self._write(_message((1, 1, struct.pack("<d", time.time())), (3, 2, b"brain.Event:2")))
        groups = {**line["players"], "validation": line.get("validation", {}), "guard": line.get("guard", {})}
        for group, terms in groups.items():
            for name, value in terms.items():
                self._scalar(f"{group}/{name}", value, line["step"])
        self._file.flush()

    def on_end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _scalar(self, tag: str, value: float, step: int) -> None:
        scalar = _message((1, 2, tag.encode()), (2, 5, struct.pack("<f", value)))
        summary = _message((1, 2, scalar))
        self._write(_message((1, 1, struct.pack("<d", time.time())), (2, 0, _varint(step)), (5, 2, summary)))

    def _write(self, record: bytes) -> None:
        assert self._file is not None
        length = struct.pack("<Q", len(record))
        checks = (struct.pack("<I", _masked_crc(part)) for part in (length, record))
        self._file.write(length + next(checks) + record + next(checks))


def _message(*fields: tuple[int, int, bytes]) -> bytes:
    """Protocol-buffer fields: (number, wire type, content); type 2 carries its length."""
    parts = []
    for number, kind, content in fields:
        parts.append(_varint(number << 3 | kind) + (_varint(len(content)) if kind == 2 else b"") + content)
    return b"".join(parts)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return table


_CRC = _table()


def _masked_crc(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
