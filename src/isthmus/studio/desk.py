"""The desk at which labels are given: each is on the disk before anything else happens; then heads learn again.

The log `labels.jsonl` in the run is the truth: labels now are those that came with the pictures (unless the desk began
blank) with the log's laid over them. One thread learns at once, always from the newest labels, another learns well when
labels pause, a third looks for what to label next. All tell every browser what they found.
"""

import threading
import time
from collections.abc import Iterator
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
        for work in (self._learn, self._learn_well, self._look):
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
            self._newest.notify_all()

    def close(self) -> None:
        with self._newest:
            self._closed = True
            self._newest.notify_all()
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
        """At once, by a head that takes part of a second."""
        for version in self._versions():
            labels, classes, present = self._labels_to_learn()
            if len(present) < 2:
                self.version, self.probabilities = version, None
                note = "two classes are needed before anything can be learnt"
                self.hub.tell("desk", run=self.room.name, note=note, **self.state())
                self._wanted.set()
                continue
            began = time.monotonic()
            head = Kernel() if (labels >= 0).sum() <= _KERNEL else Linear()
            known = tuple(classes[c] for c in present)
            made = Classifier(model=self.room.model, head=head).fit_pile(self.pile, labels, known, self.together)
            told = np.concatenate([made.predict_proba(part) for part in self._parts()])
            self._publish(version, told, labels, present, classes, made.expected_, time.monotonic() - began)

    def _learn_well(self) -> None:
        """After that by what few labels are worth most by, the graph of all pictures; what is overtaken is dropped."""
        for version in self._versions():
            self.pile.graph()
            if self._overtaken(version):
                continue
            labels, classes, present = self._labels_to_learn()
            if len(present) < 2:
                continue
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
                self._publish(version, told, labels, present, classes, expected, time.monotonic() - began)

    def _versions(self) -> Iterator[int]:
        """The newest that was asked for, each time there is one; labels may come faster than a head learns."""
        done = 0
        while True:
            with self._newest:
                while self._asked == done and not self._closed:
                    self._newest.wait()
                if self._closed:
                    return
                done = self._asked
            try:
                yield done
            except IsthmusError as error:
                self.hub.tell("desk", run=self.room.name, note=f"{error}", **self.state())

    def _overtaken(self, version: int) -> bool:
        return self._closed or version < self._asked

    def _labels_to_learn(self) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
        """Labels numbered by the classes that have any, all names, and which of them those are."""
        labels, classes = np.where(self.held, -1, self.labels), self.classes
        present = np.unique(labels[labels >= 0])
        place = np.full(len(classes) + 1, -1)  # the last one is the unknown, -1
        place[present] = np.arange(len(present))
        return place[labels], classes, present

    def _publish(
        self,
        version: int,
        told: np.ndarray,
        labels: np.ndarray,
        present: np.ndarray,
        classes: tuple[str, ...],
        expected: Interval | None,
        seconds: float,
    ) -> None:
        """Colours, the curve, and what to label next follow."""
        best = told.argmax(axis=1)
        self.probabilities = told
        self.room.kept["column prediction"] = Column("what the head tells", present[best], classes)
        sure = told[np.arange(len(told)), best].astype(np.float32)
        self.room.kept["column certainty"] = Column("how sure the head is", sure)
        right = self._right(present[best], expected)
        if right is not None:
            point = {"labels": int((labels >= 0).sum()), "value": right.value, "low": right.low, "high": right.high}
            self.curve = [one for one in self.curve if one["labels"] != point["labels"]] + [point]
            self.curve.sort(key=lambda one: one["labels"])
        self.version = version
        self._wanted.set()
        self.hub.tell("desk", run=self.room.name, seconds=seconds, note="", **self.state())

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
    pile = features.pile(room.pictures, told)
    pile.told = None  # what is found later, nobody waits for
    return pile
