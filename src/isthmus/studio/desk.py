"""The desk at which labels are given: each is on the disk before anything else happens; then heads learn again.

The log `labels.jsonl` in the run is the truth: labels now are those that came with the pictures (unless the desk began
blank) with the log's laid over them. One thread learns at once, always from the newest labels, another learns well when
labels pause, a third looks for what to label next. All tell every browser what they found.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from isthmus.classify.classifier import Classifier
from isthmus.classify.draws import units
from isthmus.classify.features import Features
from isthmus.classify.heads._head import Pile
from isthmus.classify.heads.blend import Blend
from isthmus.classify.heads.kernel import Kernel
from isthmus.classify.heads.linear import Linear
from isthmus.classify.suggest import Suggestion, suggest
from isthmus.errors import IsthmusError, UsageError
from isthmus.images.label_log import LabelLog, laid_over
from isthmus.stats.intervals import Interval, wilson_interval
from isthmus.studio.columns import Column
from isthmus.studio.events import Hub
from isthmus.studio.jobs import Cancelled
from isthmus.studio.room import LOG, Room, Told

__all__ = ["Desk"]

_NEXT = 24
_BLOCK = 8192
_KERNEL = 3000
"""Labels up to which the kernel's head is the fastest and best of those that learn at once."""
_LONGEST, _TOLD = 200, 1000
_PATIENCE, _PAUSE = 2.0, 0.6


class Desk:
    """For one run; `blank` sets aside the labels that came with the pictures and keeps them to be judged by."""

    def __init__(self, room: Room, hub: Hub, blank: bool, told: Told) -> None:
        self.room, self.hub, self.blank = room, hub, blank
        self.log = LabelLog(room.run.path / LOG)
        self.pile: Pile = room.keep("pile", lambda: _pile(room, told))
        pictures = room.pictures
        self.held = np.zeros(len(pictures), bool) if pictures.split is None else pictures.split == "test"
        self.together = units(pictures)
        self.curve: list[dict[str, Any]] = []
        self.next: list[Suggestion] = []
        self.version = 0
        self.probabilities: np.ndarray | None = None
        self._newest, self._writing = threading.Condition(), threading.RLock()
        self._asked, self._closed, self._shown = 0, False, (0, 0)
        self._acts: list[int] = room.keep("acts", list)
        self._wanted = threading.Event()
        self.pile.told = self._going_on
        self._read()
        works: list[tuple[Any, ...]] = [(self._learn, self._at_once), (self._learn, self._well), (self._look,)]
        self._threads = [threading.Thread(target=work, args=given, daemon=True) for work, *given in works]
        for thread in self._threads:
            thread.start()

    # -- labels -------------------------------------------------------------------------------------------------------

    def label(self, rows: np.ndarray, name: str | None, by: str = "studio") -> None:
        """Written and flushed before this returns; None takes a label away."""
        self.room.check_alone()
        name = None if name is None else name.strip()
        if name == "" or (name is not None and (len(name) > _LONGEST or not name.isprintable())):
            raise UsageError("that is no name for a class", f"Use 1 to {_LONGEST} letters.")
        given = {str(self.room.pictures.ids[row]): name for row in rows}
        with self._writing:
            self.log.add(given, by)
            self._acts.append(len(given))
            self._read()
        self.hub.tell("labelled", run=self.room.name, rows=[int(row) for row in rows[:_TOLD]], back=False)

    def undo(self) -> list[int]:
        """Take back what was labelled last, all that was labelled at once; the rows that it was of."""
        self.room.check_alone()
        with self._writing:
            gone = self.log.undo(self._acts.pop() if self._acts else 1)
            self._read()
        rows = [self.room.rows[one] for one in gone if one in self.room.rows]
        self.hub.tell("labelled", run=self.room.name, rows=rows[:_TOLD], back=True)
        return rows

    def again(self) -> None:
        """Learn from the labels as they are now."""
        with self._newest:
            self._asked += 1
            self._newest.notify()

    def close(self) -> None:
        with self._newest:
            self._closed = True
            self._newest.notify_all()
        self._wanted.set()
        for thread in self._threads:  # one that computes on while the program ends would bring it down
            thread.join(_PATIENCE)

    def state(self) -> dict[str, Any]:
        labels, classes = self._now
        counts = np.bincount(labels[labels >= 0], minlength=len(classes))
        return {
            "blank": self.blank,
            "classes": list(classes),
            "counts": counts.tolist(),
            "labels": int(counts.sum()),
            "given": self.given,
            "version": self.version,
            "curve": self.curve,
            "next": [{"row": one.row, "reason": one.reason} for one in self.next],
            "judged": "held-out pictures" if self._judges().any() else "leaving labels out",
        }

    @property
    def labels(self) -> np.ndarray:
        """The class of each picture now, -1 unknown."""
        return self._now[0]

    @property
    def classes(self) -> tuple[str, ...]:
        return self._now[1]

    # -- how it is done -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """What each picture is called now; held-out pictures keep what they came with, and nobody learns from it."""
        pictures = self.room.pictures
        labels = np.full(len(pictures), -1) if self.blank else pictures.labels
        with self._writing:
            given = self.log.labels()
            self.given, self._now = len(given), laid_over(labels, pictures.classes, self.room.rows, given)
            self.room.kept["column label"] = Column("labels that are given now", *self._now)
        self.again()

    def _judges(self) -> np.ndarray:
        """Held-out pictures whose labels came with the data."""
        return self.held & (self.room.pictures.labels >= 0)

    def _learn(self, learnt: Callable[[int], None]) -> None:
        """Always from the newest labels: they may come faster than a head learns."""
        done = 0
        while True:
            with self._newest:
                while self._asked == done and not self._closed:
                    self._newest.wait()
                if self._closed:
                    return
                done = self._asked
            try:
                learnt(done)
            except Cancelled:
                return
            except Exception as error:  # the labels are safe; the next ones are learnt from all the same
                self._tell(done, _sentence(error))
                self._wanted.set()

    def _at_once(self, version: int) -> None:
        """By a head that takes part of a second."""
        began = time.monotonic()
        labels, classes, present = self._labels_to_learn()
        if len(present) < 2:
            unknown = np.full(len(labels), -1), np.full(len(labels), np.nan, np.float32)
            self._publish((version, 0), None, *unknown, classes)
            self._tell(version, "two classes are needed before anything can be learnt")
            return
        head = Kernel() if (labels >= 0).sum() <= _KERNEL else Linear()
        known = tuple(classes[c] for c in present)
        made = Classifier(model=self.room.model, head=head).fit_pile(self.pile, labels, known, self.together)
        told = np.concatenate([made.predict_proba(part) for part in self._parts()])
        self._learnt((version, 0), told, labels, present, classes, made.expected_, began)

    def _well(self, version: int) -> None:
        """After that by what few labels are worth most by, the graph of all pictures; what is overtaken is dropped."""
        self.pile.graph()
        with self._newest:
            self._newest.wait_for(lambda: self._overtaken(version), _PAUSE)
        labels, classes, present = self._labels_to_learn()
        if self._overtaken(version) or len(present) < 2:
            return
        began = time.monotonic()
        expected = None
        if self._judges().any():
            head = Blend().fit(self.pile, labels, len(present))
        else:
            known = tuple(classes[c] for c in present)
            made = Classifier(model=self.room.model, head=Blend()).fit_pile(self.pile, labels, known, self.together)
            head, expected = made.head_, made.expected_  # type: ignore[assignment]
        told = head.of_pile(self.pile)
        if not self._overtaken(version):
            self._learnt((version, 1), told, labels, present, classes, expected, began)

    def _going_on(self, done: int, total: int, what: str) -> None:
        """Asked now and then by what takes long: a desk that is closed waits for nothing."""
        if self._closed:
            raise Cancelled

    def _overtaken(self, version: int) -> bool:
        return self._closed or version < self._asked

    def _labels_to_learn(self) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
        """Labels numbered by the classes that have any, all names, and which of them those are."""
        labels, classes = self._now
        labels = np.where(self.held, -1, labels)
        present = np.unique(labels[labels >= 0])
        place = np.full(len(classes) + 1, -1)  # the last one is the unknown, -1
        place[present] = np.arange(len(present))
        return place[labels], classes, present

    def _learnt(
        self,
        rank: tuple[int, int],
        told: np.ndarray,
        labels: np.ndarray,
        present: np.ndarray,
        classes: tuple[str, ...],
        expected: Interval | None,
        began: float,
    ) -> None:
        best = told.argmax(axis=1)
        sure = told[np.arange(len(told)), best].astype(np.float32)
        if not self._publish(rank, told, present[best], sure, classes):
            return
        right, count = self._right(present[best], expected), int((labels >= 0).sum())
        if right is not None:
            point = {"labels": count, "value": right.value, "low": right.low, "high": right.high}
            self.curve = [one for one in self.curve if one["labels"] < count] + [point]
        self._tell(rank[0], seconds=time.monotonic() - began)

    def _publish(
        self, rank: tuple[int, int], told: np.ndarray | None, best: np.ndarray, sure: np.ndarray, classes: Any
    ) -> bool:
        """Colours, and what to label next by; not where something newer, or better of the same labels, is there."""
        with self._newest:
            if self._closed or rank < self._shown:
                return False
            self._shown, self.probabilities = rank, told
            self.room.kept["column prediction"] = Column("what the head tells", best, classes)
            self.room.kept["column certainty"] = Column("how sure the head is", sure)
        self._wanted.set()
        return True

    def _tell(self, version: int, note: str = "", **more: Any) -> None:
        """Nothing, once another desk has taken the place of this one."""
        if not self._closed:
            self.version = max(self.version, version)
            self.hub.tell("desk", run=self.room.name, note=note, **more, **self.state())

    def _right(self, told: np.ndarray, expected: Interval | None) -> Interval | None:
        judges = self._judges()
        if not judges.any():
            return expected
        return wilson_interval(int((told == self.room.pictures.labels)[judges].sum()), int(judges.sum()))

    def _parts(self) -> list[Pile]:
        starts = range(0, len(self.pile), _BLOCK)
        return self.room.keep("parts", lambda: [self.pile.part(slice(i, i + _BLOCK)) for i in starts])

    def _look(self) -> None:
        """What to label next, whenever something was learnt."""
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closed:
                return
            try:
                self.next = self._useful()
            except Exception as error:
                self._tell(self.version, _sentence(error))
                continue
            if not self._closed:
                self.hub.tell("next", run=self.room.name, next=self.state()["next"])

    def _useful(self) -> list[Suggestion]:
        rows = np.flatnonzero(~self.held)
        labels, probabilities = self.labels[rows], self.probabilities
        wanted = min(_NEXT, int((labels < 0).sum()))
        told = None if probabilities is None else probabilities[rows]
        found = suggest(Pile(self.pile.rows[rows]), labels, wanted, 0, told) if wanted else []
        return [Suggestion(int(rows[one.row]), one.group, one.share, one.margin) for one in found]


def _sentence(error: Exception) -> str:
    if isinstance(error, IsthmusError):
        return str(error)
    traceback.print_exception(error, file=sys.stderr)
    return f"something unexpected happened ({type(error).__name__}); labels are written all the same"


def _pile(room: Room, told: Told) -> Pile:
    told(0, 1, "learning what to look at")
    features = Features.learn(room.model, room.pictures)
    return features.pile(room.pictures, told)
