"""Pictures in memory or in shards, gathered by index: no Python per picture, every batch a function of the step."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.images.scaling import Scaling
from isthmus.images.sharded import Sharded
from isthmus.rng import Noise, permutation
from isthmus.train.ahead import Ahead
from isthmus.train.devices import carried, fits
from isthmus.train.players import Batch, Feed

__all__ = ["Feeder", "Resident"]


@dataclass
class Resident:
    """Pixels in their own type, with labels and random keys, scaled on the device when they are gathered.

    Where a graphics card has room for all of it, `there` is a copy that batches are gathered from without the
    processor. What lies in shards stays there: a batch is read while the one before is learnt from.
    """

    pixels: torch.Tensor | Ahead
    labels: torch.Tensor
    keys: torch.Tensor
    scaling: Scaling
    device: torch.device
    there: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    @classmethod
    def of(
        cls, pixels: np.ndarray | Sharded, labels: np.ndarray, keys: np.ndarray, scaling: Scaling, device: torch.device
    ) -> "Resident":
        with warnings.catch_warnings():
            # A read-only memory map is what we want: nothing here writes to the pixels.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            known, numbers = (torch.from_numpy(np.asarray(array)) for array in (labels, keys))
            rows = Ahead(pixels) if isinstance(pixels, Sharded) else torch.from_numpy(np.asarray(pixels))
        found = cls(rows, known, numbers, scaling, device)
        if isinstance(rows, torch.Tensor) and fits(rows, device):
            found.there = rows.to(device), known.to(device), numbers.to(device)
        return found

    def __len__(self) -> int:
        return len(self.pixels)

    def pictures(self, rows: torch.Tensor) -> torch.Tensor:
        if self.there is not None:
            return self.scaling.forward(self.there[0].index_select(0, self.places(rows)))
        return self.scaling.forward(carried(self.pixels.index_select(0, rows), self.device))

    def places(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows where they are looked up."""
        return rows if self.there is None else carried(rows, self.device)

    def expect(self, rows: torch.Tensor) -> None:
        """These will be asked for next."""
        if isinstance(self.pixels, Ahead) and len(rows):
            self.pixels.expect(rows)

    def batch(self, rows: torch.Tensor, *parts: object) -> Batch:
        """These pictures with the noise that belongs to them and to `parts`."""
        if self.there is not None:
            rows = self.places(rows)
            labels, keys = (values.index_select(0, rows) for values in self.there[1:])
        else:
            labels, keys = (carried(values[rows], self.device) for values in (self.labels, self.keys))
        return Batch(self.pictures(rows), labels, Noise(keys, *parts))

    def batches(
        self, size: int, *parts: object, first: int = 0, every: int = 1
    ) -> Iterator[tuple[torch.Tensor, Batch]]:
        """Every picture once, in order; or, from the first of them on, every so many batches."""
        for start in range(first * size, len(self), every * size):
            rows = torch.arange(start, min(start + size, len(self)))
            batch = self.batch(rows, *parts)
            self.expect(torch.arange(len(self))[start + every * size : start + (every + 1) * size])
            yield rows, batch


class Feeder:
    """The batches of one feed. Which pictures move `t` sees depends on the seed and `t` alone, so resuming is exact."""

    def __init__(self, feed: Feed, data: Resident, batch_size: int, *parts: object) -> None:
        self.feed, self.data, self.parts = feed, data, parts
        self.rows = _rows(feed.rows, data.labels)
        if len(self.rows) == 0:
            kind = "" if feed.rows == "all" else f"{feed.rows} "
            raise DataError(f"there are no {kind}pictures to train on", "Check the labels: isthmus data info.")
        self.size = min(feed.batch_size or batch_size, len(self.rows))
        whole, rest = divmod(len(self.rows), self.size)
        # A last batch of one picture has no batch statistics: it joins the batch before it.
        self.length = whole if rest < 2 and whole else whole + 1
        self.codes: torch.Tensor | None = None
        self._shuffled: dict[str, tuple[int, torch.Tensor]] = {}

    def prepare(self) -> None:
        """Encode every picture once, where the feed asks for it."""
        if isinstance(self.feed.cache, torch.Tensor):
            self.codes = self.feed.cache.to(self.data.device)
        elif self.feed.cache is not None:
            with torch.no_grad():
                parts = [self.feed.cache(batch.x) for _, batch in self.data.batches(512)]
            self.codes = torch.cat(parts)

    def batch(self, move: int, stream: str = "") -> Batch:
        """The batch of move number `move` in the stream of this name."""
        found = self.gather(self.chosen(move, stream), move, stream)
        if (move + 1) % self.length:
            self.data.expect(self.chosen(move + 1, stream))
        return found

    def chosen(self, move: int, stream: str = "") -> torch.Tensor:
        """The rows of the pictures in that batch."""
        epoch, place = divmod(move, self.length)
        order = self._order(epoch, stream)
        return self._at(order, place)

    def gather(self, rows: torch.Tensor, move: int, stream: str = "") -> Batch:
        """These pictures as they are in that batch: noise goes with the picture, not with its company."""
        batch = self.data.batch(rows, *self.parts, stream, move // self.length)
        if self.feed.augment is not None:
            batch.x = self.feed.augment(batch.x, batch.noise)
        if self.codes is not None:
            batch.codes = self.codes.index_select(0, carried(rows, self.codes.device))
        return batch

    def _at(self, order: torch.Tensor, place: int) -> torch.Tensor:
        """The rows of a batch of the epoch; the last takes what is left."""
        stop = len(order) if place == self.length - 1 else (place + 1) * self.size
        return order[place * self.size : stop]

    def _order(self, epoch: int, stream: str) -> torch.Tensor:
        """The shuffle of this epoch; each stream remembers its own."""
        if stream not in self._shuffled or self._shuffled[stream][0] != epoch:
            shuffle = permutation(len(self.rows), *self.parts, "shuffle", stream, epoch)
            self._shuffled[stream] = (epoch, self.data.places(self.rows[shuffle]))
        return self._shuffled[stream][1]


def _rows(which: str, labels: torch.Tensor) -> torch.Tensor:
    if which == "labelled":
        return torch.nonzero(labels >= 0).flatten()
    if which == "unlabelled":
        return torch.nonzero(labels < 0).flatten()
    return torch.arange(len(labels))
