"""The pictures that a classifier learns from, and those it is judged on: what the verbs about labels share."""

import argparse
import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._talk import say
from isthmus.errors import DataError

__all__ = ["add_labelled", "pile_and_test"]

_MOST = 100_000


def add_labelled(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)


def pile_and_test(run: Any, arguments: argparse.Namespace, fewest: int = 50) -> tuple[Any, Any]:
    """The pile, and apart from it the run's test pictures if they are among these: no classifier learns from those.

    Where fewer than `fewest` of them have a label, too few to judge by, None stands for the test.
    """
    from isthmus.images.labels import attach, look_alikes, read_table
    from isthmus.images.numbers import label_by
    from isthmus.models._loading import splits_of

    pictures = of_run(run, arguments)
    numbers = getattr(arguments, "numbers", None)
    if arguments.labels and not arguments.path:
        attach(pictures, read_table(Path(arguments.labels), need_label=not numbers), arguments.labels)
    if numbers:
        label_by(pictures, numbers)
    if arguments.path and run.has("splits.csv"):
        # Other pictures than the run's keep the split of their source, if it has one.
        with contextlib.suppress(DataError):
            pictures.split = splits_of(run, pictures)
    for note in look_alikes(pictures.classes):
        say(f"note: {note}")
    _without_contradictions(pictures)
    held = np.zeros(len(pictures), bool) if pictures.split is None else pictures.split == "test"
    judging = int((pictures.labels[held] >= 0).sum())
    if numbers is None:
        _note_unseen(pictures, held)
    pile = _at_most(pictures.take(~held), _MOST)
    if judging >= fewest:
        return pile, pictures.take(held)
    if judging:
        say(f"note: labels of test pictures, too few to judge by and not to be learnt from: {judging}")
    return pile, None


def _note_unseen(pictures: Any, held: np.ndarray) -> None:
    """Classes that only test pictures have a label of."""
    learnt, judged = (np.unique(pictures.labels[part & (pictures.labels >= 0)]) for part in (~held, held))
    unseen = np.setdiff1d(judged, learnt) if len(learnt) else judged[:0]
    if len(unseen):
        count = int(np.isin(pictures.labels[held], unseen).sum())
        names = ", ".join(repr(pictures.classes[c]) for c in unseen[:4]) + (", ..." if len(unseen) > 4 else "")
        say(f"note: nothing labelled {names} can be learnt from: {count:,} test pictures count as wrong")


def _without_contradictions(pictures: Any) -> None:
    """Equal pictures with labels that differ teach nothing: nobody knows which label is right."""
    from isthmus.images.duplicates import contradicting

    rows = contradicting(pictures)
    if len(rows):
        say(
            f"note: {len(rows)} labelled pictures are equal to one that is labelled otherwise, and count as unlabelled:"
            f" {', '.join(str(pictures.ids[row]) for row in rows[:4])}{', ...' if len(rows) > 4 else ''}"
        )
        pictures.labels = np.where(np.isin(np.arange(len(pictures)), rows), -1, pictures.labels)


def _at_most(pile: Any, most: int) -> Any:
    """All that are labelled, and others spread evenly over the pile: a graph compares all pictures with all."""
    if len(pile) <= most:
        return pile
    from isthmus.contract import evenly

    free = np.flatnonzero(pile.labels < 0)
    labelled = np.flatnonzero(pile.labels >= 0)
    some = free[evenly(len(free), max(0, most - len(labelled)))]
    say(f"note: {len(labelled) + len(some):,} of {len(pile):,} pictures are looked at, with all that are labelled")
    return pile.take(np.sort(np.concatenate([labelled, some])))
