"""The drawing board of a room: the workshop for the labels as they are now, and the answers that it gave."""

import contextlib
import hashlib
import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus.contract import Tick
from isthmus.design.answer import Answer, answered, command_of, made_for
from isthmus.design.asked import Asked
from isthmus.design.guide import Guides
from isthmus.design.judge import Judge
from isthmus.design.saving import free_folder
from isthmus.design.spec import Spec, read_spec
from isthmus.design.wishes import attributes_of
from isthmus.design.workshop import Workshop
from isthmus.errors import UsageError
from isthmus.studio.room import LOG, Room, Told
from isthmus.train.watchers import Watcher

__all__ = ["Drafting", "Wanted"]

_KEPT = 12


@dataclass(frozen=True)
class Wanted:
    """What was asked for: the text, where to start from, how many, and what else they should mind."""

    want: str
    n: int = 16
    near: int | None = None
    seed: int = 0
    density: float = 0.0
    trust: float = 0.0
    apart: float = 0.0


class Drafting:
    """One a room. What takes long is told to whoever has the board: one order at a time."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.answers: dict[str, Answer] = {}
        self._told: Told = lambda done, total, what: None
        self._busy, self._numbers = threading.Lock(), itertools.count(1)
        self._shop: tuple[str, Workshop] | None = None
        self._makers: dict[tuple[str, ...], tuple[Guides, Judge]] = {}

    @property
    def shop(self) -> Workshop:
        """The one that was opened last."""
        if self._shop is None:
            raise UsageError("nothing is known yet of what can be wished", "Open the panel for designs first.")
        return self._shop[1]

    def current(self) -> bool:
        """Whether there is a workshop, and it knows the labels as they are now."""
        return self._shop is not None and self._shop[0] == _stamp(self.room)

    def open(self, told: Told) -> None:
        """The workshop for the labels as they are now: half of the pictures for guides, half for the judge."""
        with self._telling(told):
            stamp = _stamp(self.room)
            if self._shop is None or self._shop[0] != stamp:
                told(0, 2, "looking at the pictures")
                shop = _workshop(self.room, self._watching, self._counting)
                told(1, 2, "measuring what can be wished")
                _ = shop.words
                self._shop, self._makers = (stamp, shop), {}

    def read(self, text: str) -> tuple[Spec, list[str]]:
        """The wishes in a text, refused where nobody could meet them."""
        if text.lstrip().startswith("@"):
            raise UsageError("wishes are not read from files here", "Write them, or use isthmus design --want @FILE.")
        wishes, notes = read_spec(text, self.shop.words)
        self.shop.check(wishes)
        return wishes, notes

    def answer(self, wanted: Wanted, told: Told) -> str:
        """Look for designs; the number under which the answer is kept for a while."""
        wishes, notes = self.read(wanted.want)
        shop = self.shop
        near = None if wanted.near is None else shop.as_given(self.room.pictures.take(np.array([wanted.near])))
        weights = {name: getattr(wanted, name) for name in ("density", "trust", "apart")}
        asked = Asked(wishes, n=wanted.n, near=near, seed=wanted.seed, **weights)
        command = command_of(wanted.want, wanted.n, weights | {"near": None if near is None else "PICTURE"})
        with self._telling(told):
            names = attributes_of(wishes)
            if names not in self._makers:
                self._makers[names] = made_for(shop, asked)
            found = answered(shop, self.room.run, wanted.want, asked, command, notes=notes, makers=self._makers[names])
        number = str(next(self._numbers))
        self.answers[number] = found
        for old in list(self.answers)[:-_KEPT]:
            del self.answers[old]
        return number

    def get(self, number: str) -> Answer:
        if number not in self.answers:
            raise UsageError(f"the answer {number!r} is not kept any more", "Ask again.")
        return self.answers[number]

    def keep(self, number: str, chosen: list[int]) -> Path:
        """Write the chosen ones into the run, with the record of all that were tried."""
        answer = self.get(number)
        if not chosen or not all(0 <= one < len(answer.made) for one in chosen):
            raise UsageError("no design is chosen", "Tick those that are to be kept.")
        with self.room.writing() as run:
            folder = free_folder(run.path / "designs")
            answer.save(self.room.model, folder, sorted(set(chosen)))
            run.record(*answer.records())
        return folder

    # -- whoever waits is told ----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _telling(self, told: Told) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise UsageError("designs of this run are being looked for already", "Stop that first, or wait.")
        self._told = told
        try:
            yield
        finally:
            self._busy.release()

    def _watching(self, what: str) -> tuple[Watcher, ...]:
        return (_Moves(self, what),)

    @contextlib.contextmanager
    def _counting(self, what: str) -> Iterator[Tick]:
        yield lambda done, total: self._told(done, total, what)

    def tell(self, done: int, total: int, what: str) -> None:
        self._told(done, total, what)


class _Moves(Watcher):
    """Training, move by move; it is stopped where it reports."""

    def __init__(self, board: Drafting, what: str) -> None:
        self.board, self.what, self.steps = board, what, 1

    def on_start(self, steps: int, done: int) -> None:
        self.steps = steps
        self.board.tell(done, steps, self.what)

    def on_step(self, done: int) -> None:
        self.board.tell(done, self.steps, self.what)


def _stamp(room: Room) -> str:
    """Of the labels as they are now."""
    path = room.run.path / LOG
    return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest() if path.exists() else ""


def _workshop(room: Room, watching: Any, counting: Any) -> Workshop:
    labels, classes = room.called_now()
    pictures = replace(room.pictures, labels=labels, classes=classes)
    split = pictures.split
    train = np.arange(len(pictures)) if split is None else np.flatnonzero(split == "train")
    test = np.array([], int) if split is None else np.flatnonzero(split == "test")
    codes = torch.from_numpy(room.codes[train]).unflatten(1, room.model.latent_shape_)
    return Workshop(
        room.model,
        pictures.take(train),
        pictures.take(test) if len(test) else None,
        folder=room.run.path / "designs",
        watching=watching,
        counting=counting,
        encoded=codes,
    )
