"""The oracle's fellow for numbers: reads attributes that no formula gives off pictures that others have made.

The same network by the same recipe, trained on the same half of the pictures as the oracle that stands beside it.
"""

from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.images.scaling import Scaling
from isthmus.keys import keys_of, stream
from isthmus.measure.oracle import RECIPE, SETTINGS, as_pictures, epochs_for, network
from isthmus.stats import Interval, mean_interval
from isthmus.train.feeding import Resident
from isthmus.train.loop import train
from isthmus.train.players import Batch, Feed, Phase, Player
from isthmus.train.watchers import Watcher

__all__ = ["Gauge"]

_FEWEST = 20


class Gauge:
    """Numbers by name, of `(n, c, h, w)` in [0, 1]; what nobody knows of a picture is NaN."""

    def fit(
        self, pictures: Any, numbers: dict[str, np.ndarray], seed: int = 0, watchers: tuple[Watcher, ...] = ()
    ) -> Self:
        """Train on the pictures of which any number is known."""
        self.names, x = tuple(numbers), as_pictures(pictures)
        table = np.stack([np.asarray(numbers[name], np.float32) for name in self.names], axis=1)
        known = np.flatnonzero(np.isfinite(table).any(axis=1))
        if len(known) < _FEWEST:
            what = f"{', '.join(self.names)}: known of {len(known)} pictures"
            raise DataError(what, f"Whoever judges learns from at least {_FEWEST}; fill in more of the column.")
        self.middle, self.scale = np.nanmean(table, axis=0), np.maximum(np.nanstd(table, axis=0), 1e-6)
        self.net = network(x.shape[1], len(self.names), seed)
        self.net.norm.observe(x[torch.as_tensor(known)])
        told = torch.from_numpy((table[known] - self.middle) / self.scale)
        keys = keys_of(str(row) for row in known)
        labels = np.full(len(known), -1)
        data = Resident.of(x[torch.as_tensor(known)].numpy(), labels, keys, Scaling(), torch.device("cpu"))
        player, feeds = Player("gauge", (self.net,), self._loss), {"batch": Feed(cache=told)}
        phase = Phase("gauge", (player,), epochs_for(len(known)), feeds)
        train(self.net, [phase], data, replace(SETTINGS, seed=stream(seed, RECIPE, "gauge") >> 32), watchers=watchers)
        return self

    def read(self, pictures: Any) -> dict[str, np.ndarray]:
        """What it reads off each picture."""
        self.net.eval()
        with torch.inference_mode():
            parts = [self.net(part) for part in as_pictures(pictures).split(512)]
        table = torch.cat(parts).numpy() * self.scale + self.middle
        return {name: table[:, k] for k, name in enumerate(self.names)}

    def missed(self, name: str, pictures: Any, values: np.ndarray) -> Interval:
        """How far it is from the true values, in the mean: print it beside whatever it judges."""
        known = np.isfinite(values)
        return mean_interval(np.abs(self.read(as_pictures(pictures)[torch.as_tensor(known)])[name] - values[known]))

    def _loss(self, batch: Batch) -> dict[str, torch.Tensor]:
        assert batch.codes is not None
        known = batch.codes.isfinite()
        off = (self.net(batch.x) - batch.codes.nan_to_num()).square() * known
        return {"numbers": off.sum(1) / len(self.names)}
