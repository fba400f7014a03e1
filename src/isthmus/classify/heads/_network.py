"""Heads that are networks: they look at pictures for themselves, and the one loop moves them."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from isthmus.augment import View, view
from isthmus.classify._arrays import over, under
from isthmus.classify.draws import folds, units
from isthmus.classify.features import row_layer, views_for
from isthmus.classify.heads._head import Head, Pile, stage
from isthmus.contract import Fitted, evaluate, keys_for, some, some_of
from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.images.scaling import Scaling
from isthmus.keys import stream
from isthmus.nets._net import dense, kaiming
from isthmus.nets._statistics import settle
from isthmus.train.feeding import Resident
from isthmus.train.loop import train
from isthmus.train.optimisers import OPTIMISERS
from isthmus.train.players import Batch, Feed, Phase, Player, Terms
from isthmus.train.stage import Settings
from isthmus.train.watchers import Watcher

__all__ = ["Network", "answers", "encoder_of", "learns_on", "resident"]

_SETTLED_ON = 4000
_LOOKS, _FEWEST_LOOKS, _MOST_LOOKS = 64, 20_000, 600_000
_MUON, _ADAMW = 0.02, 1e-3
_HELD = 10
"""With patience, one labelled picture in so many is held out."""
_NEVER = -1e9
"""The logit of a class that has no label."""


@dataclass(kw_only=True, eq=False)
class Network(Head, ABC):
    """A head says what it shows its network of a picture, and what network that is; views are drawn as suits them."""

    slow: ClassVar[bool] = True
    fixed: ClassVar[bool] = False
    """Whether what is shown of a picture is computed once, so that there are no views of it."""

    looks: int | None = option(
        None, "labelled pictures seen in training, each as often as that takes (default: by their number)", low=1
    )
    optimiser: str | None = option(None, "how weights move (default: by the network)", choices=tuple(OPTIMISERS))
    learning_rate: float | None = option(None, "largest step size (default: by the network)", low=0)
    batch_size: int = option(64, "pictures a step", low=2)
    weight_decay: float = option(5e-4, "decoupled decay of the weights", low=0)
    views: str = option("auto", "learn from views of the pictures, or from them as they are", choices=("auto", "none"))
    patience: int | None = option(
        None, "passes without a better loss on a tenth of the labels, held out, before stopping early", low=1
    )
    seed: int = option(0, "of weights, shuffles and views", low=0)

    @abstractmethod
    def build(self, model: Fitted, x: torch.Tensor, classes: int) -> nn.Module:
        """From what is shown to a logit for each class; `x` are two pictures, to know shapes by."""

    def shown(self, x: torch.Tensor) -> torch.Tensor:
        """What the network is given of scaled pictures."""
        return x

    def fit(self, pile: Pile, labels: np.ndarray, classes: int) -> "Network":
        held = self._held_out(pile, labels)
        known = np.setdiff1d(np.flatnonzero(labels >= 0), held)
        self._start(pile, labels[known], classes)
        data = resident(pile.part(known), labels[known])
        asked = resident(pile.part(held), labels[held], self.shown) if len(held) else None
        feed = Feed(cache=self.shown if self.fixed else None)
        player, passes = Player("head", (self._net,), self.loss), self.looks_for(len(known)) / len(known)
        self.train(Phase("head", (player,), passes, {"batch": feed}), data, pile, asked)
        self.settle(pile)
        return self

    def looks_for(self, labels: int) -> float:
        """Each label so often, and few labels oftener."""
        return self.looks or float(np.clip(_LOOKS * labels, _FEWEST_LOOKS, _MOST_LOOKS))

    def loss(self, batch: Batch) -> Terms:
        """Cross-entropy on views of the labelled pictures."""
        return {"cross-entropy": F.cross_entropy(self._seen(batch), batch.y, reduction="none")}

    def probabilities(self, asked: Pile) -> np.ndarray:
        told = evaluate(asked.model, asked.pictures, self.told, tick=stage(asked.told, "asking the network"))
        return told.double().numpy()

    def arrays(self) -> dict[str, np.ndarray]:
        weights = {name: value.cpu().numpy() for name, value in self._net.state_dict().items()}
        return over("net", weights) | super().arrays()

    def restore(self, arrays: dict[str, np.ndarray], model: Fitted | None = None) -> None:
        assert model is not None, "networks look through a model"
        super().restore({name: value for name, value in arrays.items() if "/" not in name}, model)
        self._build(model)
        self._net.load_state_dict({name: torch.from_numpy(value) for name, value in under("net", arrays).items()})

    # -- how it is done -------------------------------------------------------------------------------------------

    def _start(self, pile: Pile, labels: np.ndarray, classes: int) -> None:
        self.shape_ = np.array(pile.model.tensor(some_of(pile.pictures, 1)).shape[1:])
        allowed = None if self.fixed or self.views == "none" else views_for(pile.model, pile.pictures)
        self._view = None if allowed is None else _closer(allowed)
        self.mirrored_ = np.array(self._view is not None and self._view.mirror)
        self.absent_ = np.full(classes, _NEVER, np.float32)
        self.absent_[np.unique(labels)] = 0
        self._build(pile.model)

    def _build(self, model: Fitted) -> None:
        self._model = model
        with torch.random.fork_rng():
            torch.manual_seed(stream(self.seed, "head"))
            x = torch.zeros(2, *self.shape_, device=_device(model))
            self._net = self.build(model, x, len(self.absent_)).to(x.device)
        self._net.eval()

    def _held_out(self, pile: Pile, labels: np.ndarray) -> np.ndarray:
        """Rows that say when to stop: none without patience, nor where a class has a single label."""
        if self.patience is None:
            return np.empty(0, np.int64)
        return next(iter(folds(labels, units(pile.pictures), _HELD, self.seed)), np.empty(0, np.int64))

    def train(self, phase: Phase, data: Resident, pile: Pile, held: Resident | None = None) -> None:
        # Muon's steps do not shrink with the gradient: harmless where batch norm undoes the weights' size, else not.
        normed = any(isinstance(m, nn.modules.batchnorm._BatchNorm) and m.affine for m in self._net.modules())
        moves = self.optimiser or ("muon" if normed else "adamw")
        rate = self.learning_rate or {"muon": _MUON, "adamw": _ADAMW}.get(moves)
        size = min(self.batch_size, max(2, len(data)))
        bf16 = getattr(pile.model, "precision_", None) == "bf16"  # as was measured when the model learnt
        settings = Settings(stream(self.seed, "head") >> 32, size, moves, rate, self.weight_decay, "cosine", 0.05)
        settings = replace(settings, bf16=bf16, patience=self.patience if held else None)
        train(self._net, [phase], data, settings, held, watchers=[_Told(pile)])

    def settle(self, pile: Pile) -> None:
        """Batch norm has seen views of few pictures; it is shown the pictures as they are."""
        clean = some_of(pile.pictures, _SETTLED_ON)
        parts = np.array_split(np.arange(len(clean)), max(1, len(clean) // 512))
        settle(self._net, (self.shown(pile.model.tensor(some(clean, part))) for part in parts))

    def _seen(self, batch: Batch) -> torch.Tensor:
        if batch.codes is not None:
            return self._logits(batch.codes)
        if not self._net.training:  # held out, and already what is shown of a picture
            return self._logits(batch.x)
        return self._logits(self._viewed(batch, self._view, "label"))

    def _viewed(self, batch: Batch, how: View | None, name: str) -> torch.Tensor:
        return batch.x if how is None else view(batch.x, batch.noise, how, name)

    def _logits(self, shown: torch.Tensor) -> torch.Tensor:
        return self._net(shown).float() + torch.from_numpy(self.absent_).to(shown.device)

    def told(self, x: torch.Tensor) -> torch.Tensor:
        """Probabilities of scaled pictures, in torch."""
        told = self._logits(self.shown(x)).softmax(dim=1)
        return (told + self._logits(self.shown(x.flip(3))).softmax(dim=1)) / 2 if self.mirrored_ else told


def _closer(allowed: View) -> View:
    """Views that a label is still true of: they stray less than those that only need to be of the same picture."""
    cover = min(0.4, allowed.cover)
    return replace(allowed, zoom=(0.8, 1.15), shift=0.1, turn=0.15, gain=0.3, gamma=0.4, cover=cover)


class _Told(Watcher):
    """Hands the loop's progress to whoever asked the pile for it."""

    def __init__(self, pile: Pile) -> None:
        self._told = stage(pile.told, "teaching the network")

    def on_start(self, steps: int, done: int) -> None:
        self._steps = steps

    def on_step(self, done: int) -> None:
        if self._told:
            self._told(done, self._steps)


def resident(pile: Pile, labels: np.ndarray, shown: Callable[[torch.Tensor], torch.Tensor] = lambda x: x) -> Resident:
    """The pile's pictures in memory, scaled as its model scales them, or what is shown of them."""
    x = evaluate(pile.model, pile.pictures, shown)
    return Resident.of(x.numpy(), labels.astype(np.int64), keys_for(pile.pictures), Scaling(), _device(pile.model))


def _device(model: Fitted) -> torch.device:
    return torch.device(getattr(model, "device_", "cpu"))


def learns_on(model: Fitted) -> bool:
    """Whether it has an encoder that labels could teach."""
    return "encoder" in getattr(model, "net_", {})


def encoder_of(model: Fitted, x: torch.Tensor, at: str) -> tuple[nn.Module, int]:
    """A copy of the model's encoder up to its best row or to its code, and how many numbers that puts out."""
    if not learns_on(model):
        raise UsageError(f"{type(model).__name__} has no encoder that could learn on", "Use a head such as blend.")
    layers, encoder = model.features(x, range(model.depth)), model.net_["encoder"]  # type: ignore[attr-defined]
    row = row_layer(layers) if at == "row" else None
    if row is not None:
        return copy.deepcopy(encoder[: row + 1]), int(layers[row].shape[1])
    code = model.encode(x).mean
    return nn.Sequential(copy.deepcopy(encoder), _Mean(code.shape[1])), int(code[0].numel())


class _Mean(nn.Module):
    """Of what an encoder puts out, the code itself: the first channels, in a row."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, out: torch.Tensor) -> torch.Tensor:
        return out[:, : self.channels].flatten(1)


def answers(width: int, hidden: tuple[int, ...], dropout: float, classes: int) -> nn.Sequential:
    """Fully connected layers from a row to logits; the last one begins at no opinion."""
    widths = (width, *hidden)
    inside = [nn.Sequential(layer, nn.Dropout(dropout)) for layer in dense(widths, "relu")]
    last = kaiming(nn.Linear(widths[-1], classes))
    nn.init.zeros_(last.weight)
    return nn.Sequential(*inside, last)
