"""What is learnt from and what judges, for every named set; and encoders that several benchmarks share."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from isthmus import Contrastive, load, open_pictures
from isthmus.images.pictures import Pictures
from isthmus.train.watchers import Lines

__all__ = ["encoder", "train_and_test"]

_FOUR_BATCHES, _FIVE = 40_000, 50_000


def train_and_test(name: str) -> tuple[Pictures, Pictures]:
    """The set's own test split, whole; digits have none and give every fifth picture.

    Of CIFAR-10's test only a tenth is at hand: its fifth training batch judges, and the other four teach.
    """
    pictures = open_pictures(name)
    split, rows = pictures.split, np.arange(len(pictures))
    pictures.split = None
    if name == "cifar10":
        return pictures.take(rows < _FOUR_BATCHES), pictures.take((rows >= _FOUR_BATCHES) & (rows < _FIVE))
    held = rows % 5 == 4 if split is None else split == "test"
    return pictures.take(~held), pictures.take(held)


def encoder(name: str, train: Pictures, seed: int, kept: Path | None) -> tuple[Any, float]:
    """The default contrastive encoder of a set's training pictures, and the CPU-seconds it took.

    With a folder it is fitted once and then found there by whoever asks next.
    """
    run = None if kept is None else kept / f"{name}-{seed}"
    if run is not None and (run / "cpu.json").exists():
        return load(run), float(json.loads((run / "cpu.json").read_text())["seconds"])
    started = time.process_time()
    model = Contrastive(seed=seed).fit(train, run=run, watchers=[Lines()])
    seconds = round(time.process_time() - started, 1)
    if run is not None:
        (run / "cpu.json").write_text(json.dumps({"seconds": seconds}))
    return model, seconds
