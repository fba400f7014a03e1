"""How recipes train and ask: progress out of the loop, accuracies and errors out of models and heads."""

import base64
import zlib
from typing import Any

import numpy as np
import torch

from isthmus.classify.heads._head import Head, Pile
from isthmus.contract import Fitted, evaluate
from isthmus.recipes._recipe import Told, at_work
from isthmus.train.watchers import Watcher

__all__ = [
    "Progress",
    "cross_entropy",
    "flags",
    "numbers_of",
    "packed",
    "packed_numbers",
    "pile_of",
    "squared_errors",
    "taught",
    "unpacked",
]


class Progress(Watcher):
    """Hands the steps of a model's training to whoever asked."""

    def __init__(self, told: Told, what: str) -> None:
        self.told, self.what, self.steps = told, what, 1

    def on_start(self, steps: int, done: int) -> None:
        self.steps = max(1, steps)

    def on_step(self, done: int) -> None:
        self.told(done / self.steps, self.what)


def pile_of(model: Fitted, pictures: Any, told: Told | None = None) -> Pile:
    """Pictures for heads that look for themselves: there are no rows."""
    return Pile(np.zeros((len(pictures), 1)), at_work(told) if told else None, model, pictures)


def taught(head: Head, model: Fitted, pictures: Any, labels: np.ndarray, classes: int, told: Told) -> Head:
    return head.fresh().fit(pile_of(model, pictures, told), labels, classes)


def flags(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which pictures were told rightly."""
    return np.asarray(probabilities.argmax(axis=1) == labels)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)).mean())


def squared_errors(model: Fitted, pictures: Any) -> np.ndarray:
    """Of what is decoded from the code, per pixel, a number for each picture."""

    def errors(x: torch.Tensor) -> torch.Tensor:
        return (model.decode(model.encode(x).mean).float() - x).square().flatten(1).mean(1)

    return np.asarray(evaluate(model, pictures, errors).double().numpy())


def packed(right: np.ndarray) -> str:
    """Flags as text, eight of them in two letters."""
    return np.packbits(right).tobytes().hex()


def unpacked(text: str, n: int) -> np.ndarray:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8), count=n).astype(bool)


def packed_numbers(values: np.ndarray) -> str:
    """A number for each picture as text, to three digits."""
    return base64.b64encode(zlib.compress(np.asarray(values, np.float16).tobytes(), 9)).decode()


def numbers_of(text: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.float16).astype(np.float64)
