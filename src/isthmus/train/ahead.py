"""Rows that lie in files, gathered while the step before is still being computed."""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from isthmus.images.sharded import Sharded

__all__ = ["Ahead"]

_MOST = 4


class Ahead:
    """Shards as a tensor of rows, as far as feeding needs one; what was announced is read by a thread."""

    def __init__(self, pixels: Sharded) -> None:
        self.rows = pixels
        self._coming: OrderedDict[bytes, Future[torch.Tensor]] = OrderedDict()
        self._thread: ThreadPoolExecutor | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def expect(self, rows: torch.Tensor) -> None:
        """These rows will be asked for soon. A few such wishes are kept; one that nobody came back for is dropped."""
        self._thread = self._thread or ThreadPoolExecutor(1, "shards")
        self._coming[_mark(rows)] = self._thread.submit(self._read, rows)
        if len(self._coming) > _MOST:
            self._coming.popitem(last=False)[1].cancel()

    def index_select(self, dim: int, rows: torch.Tensor) -> torch.Tensor:
        """The same rows, in the same order, as a tensor in memory would give."""
        assert dim == 0
        coming = self._coming.pop(_mark(rows), None)
        return self._read(rows) if coming is None else coming.result()

    def _read(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.rows[rows.cpu().numpy()])


def _mark(rows: torch.Tensor) -> bytes:
    return rows.cpu().numpy().tobytes()
