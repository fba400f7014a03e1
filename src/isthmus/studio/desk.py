"""The desk at which labels are given: each is on the disk before anything else happens; then the head learns again.

The log `labels.jsonl` in the run is the truth: labels now are those that came with the pictures (unless the desk began
blank) with the log's laid over them. One thread learns, always from the newest labels; another looks for what to label
next. Both tell every browser what they found.
"""

import threading
import time
from typing import Any

import numpy as np

from isthmus.classify.classifier import Classifier
from isthmus.classify.draws import units
from isthmus.classify.features import Features
from isthmus.classify.heads._head import Pile
from isthmus.classify.heads.kernel import Kernel
from isthmus.classify.heads.linear import Linear
from isthmus.classify.suggest import Suggestion, suggest
from isthmus.errors import IsthmusError, UsageError
from isthmus.images.label_log import LabelLog
from isthmus.stats.intervals import Interval, wilson_interval
from isthmus.studio.columns import Column
from isthmus.studio.events import Hub
from isthmus.studio.room import Room, Told

__all__ = ["LOG", "Desk", "called_now"]

LOG = "labels.jsonl"
_NEXT = 24
_BLOCK = 8192
_KERNEL = 3000
"""Labels up to which the kernel's head is the fastest and best of those that learn at once."""
_LONGEST = 200


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
        self._newest = threading.Condition()
        self._asked, self._closed = 0, False
        self._wanted = threading.Event()
        self._read()
        for work in (self._learn, self._look):
            threading.Thread(target=work, daemon=True, name=f"desk {room.name}").start()
        self.again()

    # -- labels -------------------------------------------------------------------------------------------------------

    def label(self, rows: np.ndarray, name: str | None, by: str = "studio") -> None:
        """Written and flushed before this returns; None takes a label away."""
        self.room.check_alone()
        name = None if name is None else name.strip()
        if name == "" or (name is not None and (len(name) > _LONGEST or not name.isprintable())):
            raise UsageError("that is no name for a class", f"Use 1 to {_LONGEST} letters.")
        ids = self.room.pictures.ids
        self.log.add({str(ids[row]): name for row in rows}, by)
        self._read()
        self.again()

    def undo(self) -> list[int]:
        """Take back the last label; the rows that it was of."""
        self.room.check_alone()
        gone = self.log.undo()
        self._read()
        self.again()
        return [self.room.rows[one] for one in gone if one in self.room.rows]

    def again(self) -> None:
        """Learn from the labels as they are now."""
        with self._newest:
            self._asked += 1
            self._newest.notify()

    def close(self) -> None:
        with self._newest:
            self._closed = True
            self._newest.notify()
        self._wanted.set()

    def state(self) -> dict[str, Any]:
        counts = np.bincount(self.labels[self.labels >= 0], minlength=len(self.classes))
        return {
            "blank": self.blank,
            "classes": list(self.classes),
            "counts": counts.tolist(),
            "labels": int(counts.sum()),
            "given": len(self.log.labels()),
            "version": self.version,
            "curve": self.curve,
            "next": [{"row": one.row, "reason": one.reason} for one in self.next],
            "judged": "held-out pictures" if self._judges().any() else "leaving labels out",
        }

    # -- how it is done -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """What each picture is called now; held-out pictures keep what they came with, and nobody learns from it."""
        labels = np.full(len(self.room.pictures), -1) if self.blank else self.room.pictures.labels
        self.labels, self.classes = called_now(self.room, labels, self.log)
        self.room.kept["column label"] = Column("labels that are given now", labels, self.classes)

    def _judges(self) -> np.ndarray:
        """Held-out pictures whose labels came with the data."""
        return self.held & (self.room.pictures.labels >= 0)

    def _learn(self) -> None:
        done = 0
        while True:
            with self._newest:
                while self._asked == done and not self._closed:
                    self._newest.wait()
                if self._closed:
                    return
                done = self._asked
                labels, classes = self.labels.copy(), self.classes
            try:
                self._learnt(labels, classes, done)
            except IsthmusError as error:
                self.hub.tell("desk", run=self.room.name, version=done, note=f"{error}", **self.state())
            self._wanted.set()

    def _learnt(self, labels: np.ndarray, classes: tuple[str, ...], version: int) -> None:
        began = time.monotonic()
        labels = np.where(self.held, -1, labels)
        present = np.unique(labels[labels >= 0])
        if len(present) < 2:
            self.version, self.probabilities = version, None
            note = "two classes are needed before anything can be learnt"
            self.hub.tell("desk", run=self.room.name, note=note, **self.state())
            return
        place = np.full(len(classes) + 1, -1)
        place[present] = np.arange(len(present))
        head = Kernel() if (labels >= 0).sum() <= _KERNEL else Linear()
        known = tuple(classes[c] for c in present)
        made = Classifier(model=self.room.model, head=head).fit_pile(self.pile, place[labels], known, self.together)
        told = np.concatenate([made.predict_proba(part) for part in self._parts()])
        self.probabilities = told
        best = told.argmax(axis=1)
        self.room.kept["column prediction"] = Column("what the head tells", present[best], classes)
        sure = told[np.arange(len(told)), best].astype(np.float32)
        self.room.kept["column certainty"] = Column("how sure the head is", sure)
        right = self._right(present[best], made.expected_)
        if right is not None:
            point = {"labels": int((labels >= 0).sum()), "value": right.value, "low": right.low, "high": right.high}
            self.curve = [one for one in self.curve if one["labels"] != point["labels"]] + [point]
            self.curve.sort(key=lambda one: one["labels"])
        self.version = version
        self.hub.tell("desk", run=self.room.name, seconds=time.monotonic() - began, note="", **self.state())

    def _right(self, told: np.ndarray, expected: Interval | None) -> Interval | None:
        judges = self._judges()
        if not judges.any():
            return expected
        return wilson_interval(int((told == self.room.pictures.labels)[judges].sum()), int(judges.sum()))

    def _parts(self) -> list[Pile]:
        return self.room.keep(
            "parts", lambda: [self.pile.part(slice(i, i + _BLOCK)) for i in range(0, len(self.pile), _BLOCK)]
        )

    def _look(self) -> None:
        """What to label next, whenever something was learnt."""
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closed:
                return
            free = ~self.held
            rows = np.flatnonzero(free)
            labels = self.labels[rows]
            wanted = min(_NEXT, int((labels < 0).sum()))
            told = None if self.probabilities is None else self.probabilities[rows]
            found = suggest(Pile(self.pile.rows[rows]), labels, wanted, 0, told) if wanted else []
            self.next = [Suggestion(int(rows[one.row]), one.group, one.share, one.margin) for one in found]
            shown = [{"row": one.row, "reason": one.reason} for one in self.next]
            self.hub.tell("next", run=self.room.name, next=shown)


def called_now(room: Room, labels: np.ndarray, log: LabelLog) -> tuple[np.ndarray, tuple[str, ...]]:
    """The log's labels laid over these; classes that it brought are numbered after those there were."""
    labels, names = labels.copy(), list(map(str, room.pictures.classes))
    for one, name in log.labels().items():
        row = room.rows.get(one)
        if row is None:
            continue
        if name is not None and name not in names:
            names.append(name)
        labels[row] = -1 if name is None else names.index(name)
    return labels, tuple(names)


def _pile(room: Room, told: Told) -> Pile:
    told(0, 1, "learning what to look at")
    features = Features.learn(room.model, room.pictures)
    return features.pile(room.pictures, told)
