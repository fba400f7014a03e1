"""A phase that many processes train together: each has its share of every batch, and all make the same moves.

Torch's DistributedDataParallel averages the gradients. Means are weighted so that this average is the gradient of the
whole batch, whoever had how much of it; what is decided is decided from numbers that all have.
"""

import contextlib
import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import nn

from isthmus.errors import TrainingError
from isthmus.ranks import Ranks, noticing, shared_by, sharing
from isthmus.train.checkpoint import State, Store, Tensors
from isthmus.train.diagnosis import not_finite
from isthmus.train.feeding import Resident
from isthmus.train.norms import shared_statistics
from isthmus.train.objective import Piece, is_checked, means, pieces_of
from isthmus.train.players import Guard, Moment, Phase, Player, Seen, Terms
from isthmus.train.stage import Settings, Stage

__all__ = ["SharedStage", "joined", "received"]

_ASKED_EVERY = 10
"""Moves between questions to all, off the processor, where each answer would stall the device."""


class SharedStage(Stage):
    """A batch too small for everybody to have a picture of every feed is worked on whole by each."""

    def __init__(
        self,
        ranks: Ranks,
        net: nn.Module,
        phase: Phase,
        number: int,
        data: Resident,
        settings: Settings,
        wrap: Callable[..., Any],
    ) -> None:
        self.ranks, self._lengths, self._asked = ranks, dict[tuple[Any, ...], list[int]](), 0
        self._key: tuple[Any, ...] = ()
        self._rows: list[tuple[int, ...]] = []
        self._wishes: tuple[bool, Callable[[], bool]] = (False, lambda: False)
        self._agreed = (False, False)
        super().__init__(net, phase, number, data, settings, lambda objective: self._distributed(wrap(objective)))

    def _distributed(self, objective: nn.Module) -> nn.Module:
        """The loss in torch's wrapper, for one player's weights alone; statistics are equal everywhere as it is."""
        from torch.nn.parallel import DistributedDataParallel

        known = inspect.signature(DistributedDataParallel).parameters
        quiet = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        how: dict[str, Any] = {quiet: False, "find_unused_parameters": True}
        weight = next(objective.parameters())
        with noticing():
            return DistributedDataParallel(objective, process_group=self.ranks.group(weight), **how)

    def _pieces(self, move: int, stream: str) -> list[Piece]:
        """One's own part of each piece that one process alone would have."""
        rows = {name: feeder.chosen(move, stream) for name, feeder in self.feeders.items()}
        parts = pieces_of([len(chosen) for chosen in rows.values()], self.settings.accumulate)
        cut = [{name: _part(chosen, i, parts) for name, chosen in rows.items()} for i in range(parts)]
        self._rows = [tuple(map(len, piece.values())) for piece in cut]
        whole = len(next(iter(rows.values())))
        pieces = []
        for piece, lengths in zip(cut, self._rows, strict=True):
            if self._is_shared(lengths):
                piece = {name: _part(chosen, self.ranks.rank, self.ranks.size) for name, chosen in piece.items()}
            batches = {name: self.feeders[name].gather(chosen, move, stream) for name, chosen in piece.items()}
            pieces.append((batches, lengths[0] / whole))
        return pieces

    def _is_shared(self, lengths: tuple[int, ...]) -> bool:
        return min(lengths) >= self.ranks.size

    def _apart(self, pieces: list[Piece]) -> tuple[int, ...]:
        """Layers with noise of their own (dropout) draw by place, not by picture: no two processes draw alike."""
        alike = self.ranks.rank == 0 or not all(map(self._is_shared, self._rows))
        return () if alike else (self.ranks.rank,)

    def _learn(self, player: Player, pieces: list[Piece], moment: Moment, step: int) -> None:
        objective = self.objectives[player.name]
        for number, (part, share) in enumerate(pieces):
            shared = self.ranks if self._is_shared(self._rows[number]) else None
            self._key = (player.name, self._rows[number])
            last = number == len(pieces) - 1
            with noticing(), contextlib.nullcontext() if last else objective.no_sync():
                with sharing(shared):
                    total, terms = objective(moment, **part)
                checked = is_checked(total, step)
                wrong = checked and not math.isfinite(total.item())
                (total * share).backward(inputs=self.weights[player.name])
            self._agree(checked, wrong, partial(not_finite, terms, player, self._place(step + 1), part))
            with sharing(shared):
                self._add(player.name, total, terms)

    def _means(self, terms: Terms) -> Terms:
        """Of a shared batch: such that their average over the processes is the mean over its pictures."""
        ranks = shared_by()
        if ranks is None:
            return means(terms)
        if self._key not in self._lengths:
            counts = torch.tensor([len(value) for value in terms.values()])
            self._lengths[self._key] = ranks.add_up(counts).tolist()
        lengths = self._lengths[self._key]
        pairs = zip(terms.items(), lengths, strict=True)
        return {name: value.float().sum() * (ranks.size / length) for (name, value), length in pairs}

    def agreed(self, saves: bool, stops: Callable[[], bool]) -> tuple[Callable[[], bool], Callable[[], bool]]:
        self._asked, self._wishes, self._agreed = self._asked + 1, (saves, stops), (False, False)
        return lambda: self._agreed[0], lambda: self._agreed[1]

    def _agree(self, checked: bool, wrong: bool, said: Callable[[], TrainingError]) -> None:
        """One short message a move: whether to save, to stop, and whether a loss is not finite anywhere.

        That ends the move everywhere with one sentence, before any weight has moved.
        """
        if not checked and self._asked % _ASKED_EVERY:
            return
        saves, stops = self._wishes
        told = self.ranks.any(wrong, saves, stops())
        self._agreed = self._agreed[0] or told[1], self._agreed[1] or told[2]

        def tell() -> None:
            if wrong:
                raise said()

        if told[0]:
            self.ranks.together(tell)

    def look(self, guard: Guard, earlier: list[dict[str, float]]) -> Seen:
        """The first process looks, and all see what it saw."""
        self.forget_turn()
        return Seen(**self.ranks.from_first(lambda: vars(super(SharedStage, self).look(guard, earlier))))

    def means(self) -> dict[str, dict[str, float]]:
        self._add_up()
        return super().means()

    def put_back(self, tensors: Tensors) -> None:
        self._add_up()
        super().put_back(tensors)

    def pack(self) -> Tensors:
        self._add_up()
        return super().pack()

    def _add_up(self) -> None:
        """The epoch's sums become everybody's; what is the same everywhere stays as it is when averaged again."""
        if self.sums:
            told = torch.stack([value.double() for value in self.sums.values()]).cpu()
            told = self.ranks.add_up(told) / self.ranks.size
            device = next(iter(self.sums.values())).device
            self.sums = {key: value.float().to(device) for key, value in zip(self.sums, told, strict=True)}

    def _validated(self, player: Player, data: Resident, step: int, first: int = 0, every: int = 1) -> dict[str, float]:
        """Whole blocks go round, so that terms which compare pictures see the same company."""
        mine = super()._validated
        _, told = self.ranks.together(lambda: mine(player, data, step, self.ranks.rank, self.ranks.size))
        return {name: sum(one[name] for one in told if one) for name in told[0]}


def _part(rows: torch.Tensor, number: int, parts: int) -> torch.Tensor:
    return rows[number * len(rows) // parts : (number + 1) * len(rows) // parts]


@contextlib.contextmanager
def joined(net: nn.Module, ranks: Ranks | None) -> Iterator[None]:
    """In here batch norms see whole batches, and torch does not warn of what costs little here."""
    if ranks is None:
        yield
        return
    with shared_statistics(net), warnings.catch_warnings():
        for words in ("find_unused_parameters=True was specified", "Grad strides do not match bucket view strides"):
            warnings.filterwarnings("ignore", message=f".*{words}.*")
        yield


def received(ranks: Ranks, store: Store) -> tuple[State, Tensors]:
    """The checkpoint that the first process finds: the others need no run folder in reach."""
    found: list[Tensors] = []

    def read() -> dict[str, Any]:
        state, tensors = store.load()
        found.append(tensors)
        shapes = {name: (str(value.dtype), list(value.shape)) for name, value in tensors.items()}
        return {"state": asdict(state), "tensors": shapes}

    told = ranks.from_first(read)
    tensors = found[0] if found else {}
    for name, (kind, shape) in told["tensors"].items():
        values = tensors[name] if found else torch.empty(shape, dtype=getattr(torch, kind.removeprefix("torch.")))
        tensors[name] = ranks.receive(values.contiguous())
    return State(**told["state"]), tensors
