"""What the one oracle says of pictures that a model redraws and of those that it draws: `evaluate --judge`."""

import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from isthmus.cli._records import record_of
from isthmus.cli._talk import image_out, say, stages, tick
from isthmus.contract import evaluate
from isthmus.errors import DataError
from isthmus.images.pictures import Pictures
from isthmus.measure.oracle import RECIPE, Oracle, as_pictures
from isthmus.rng import permutation
from isthmus.train.watchers import ProgressBar, Watcher

__all__ = ["Judge", "judge_for", "judged", "watchers_for"]

_SHOWN, _COLUMNS = 40, 10
_FILE = "oracle.safetensors"


@dataclass(frozen=True)
class Judge:
    """The oracle, the pictures that it learnt from and judges by, and both as it sees them.

    Labels of both are places in the classes of the training pictures.
    """

    oracle: Oracle
    training: Pictures
    test: Pictures
    seen_training: torch.Tensor
    seen_test: torch.Tensor


class _Said(Watcher):
    """Says what is being trained, once it is."""

    def __init__(self, what: str) -> None:
        self.what = what

    def on_start(self, steps: int, done: int) -> None:
        say(self.what)


def judge_for(model: Any, folder: Any, training: Any, test: Any) -> Judge:
    """The oracle of this run, trained once and kept in its folder; refused where it would learn or judge on nothing."""
    from isthmus.measure.redrawn import check_judgeable

    if training is None:
        raise DataError(
            "the run's own training pictures are not at hand, and the oracle learns from those",
            "Put them back where they were when the run was made.",
        )
    learnt = np.unique(training.labels[training.labels >= 0])
    if len(learnt) < 2:
        raise DataError(
            f"the run's training pictures have labels of {len(learnt)} classes, and the oracle tells two or more apart",
            "Give a table id,label of the run's pictures with --labels, and no PATH.",
        )
    test = _named_alike(test, training, learnt)
    check_judgeable(test.labels, len(test), len(training))
    seen = evaluate(model, training, as_pictures)
    known = int((training.labels >= 0).sum())
    watchers = watchers_for(f"training the oracle on {known:,} labelled training pictures, once")
    with folder.writing():
        oracle = Oracle.kept(folder.path / _FILE, seen, training.labels, watchers=watchers)
    return Judge(oracle, training, test, seen, evaluate(model, test, as_pictures))


def _named_alike(test: Any, training: Any, learnt: np.ndarray) -> Any:
    """The pictures to judge by, with their labels as places in the training's classes; other classes are unknown."""
    place = {str(training.classes[c]): int(c) for c in learnt}
    lookup = np.array([*(place.get(str(name), -1) for name in test.classes), -1])
    labels = lookup[test.labels]
    lost = int(((labels < 0) & (test.labels >= 0)).sum())
    if lost:
        say(f"note: {lost:,} pictures are of classes that no training picture has; they are judged without a label")
    return replace(test, labels=labels, classes=training.classes)


def watchers_for(what: str) -> tuple[Watcher, ...]:
    return (_Said(what), *([ProgressBar()] if sys.stderr.isatty() else []))


def judged(model: Any, folder: Any, judge: Judge, common: dict[str, Any]) -> list[Any]:
    """Records of what is redrawn, where the model redraws, and of what it draws."""
    common = common | {"command": f"{common['command']} --judge"}
    records = _redrawn(model, folder, judge, common) if model.encodes else []
    records += _drawn(model, judge, common)
    for record in records:
        record.extra["judge"] = f"{RECIPE}, seed {judge.oracle.seed}"
    return records


def _redrawn(model: Any, folder: Any, judge: Judge, common: dict[str, Any]) -> list[Any]:
    from isthmus.measure.redrawn import redrawn_quality

    test, training = judge.test, judge.training
    with tick("redrawn pictures") as told:
        found = redrawn_quality(
            model, test, test.labels, judge.oracle, training, training.labels, classes=test.classes, tick=told
        )
    records = _records("redrawn", found, len(test), common)
    records[0].extra["verdict"] = f"Redrawn: {found.verdict()}."
    records[-1].extra["by_class"] = [
        {"class": one.name, "n": one.n, "mse": round(one.error, 6), "mean_picture": _round(one.mean_picture)}
        for one in found.by_class
    ]
    _draw(model, folder, test, found)
    return records


def _records(what: str, found: Any, n: int, common: dict[str, Any]) -> list[Any]:
    capitals = {name: name.replace("fcd", "FCD").replace("mse", "MSE") for name in found.rows()}
    return [record_of(f"{what}, {capitals[name]}", value, n, **common) for name, value in found.rows().items()]


def _round(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def _draw(model: Any, folder: Any, test: Any, found: Any) -> None:
    """Pairs drawn by key, as many of each class as can be; each class has columns of its own where they are few."""
    from isthmus.contract import decoded, shown
    from isthmus.images.splits import draw_labels
    from isthmus.report.redrawn import Judged, redrawn_grid

    rows = draw_labels(test, min(_SHOWN, int((test.labels >= 0).sum())), 0)[:_SHOWN]
    labels = test.labels[rows]
    turn = np.array([(labels[:i] == c).sum() for i, c in enumerate(labels)])
    rows = rows[np.lexsort((labels, turn))]
    classes = len(np.unique(labels))
    columns = classes * max(1, _COLUMNS // classes) if classes <= _COLUMNS + 2 else _COLUMNS
    names = np.array([*map(str, test.classes)], dtype=object)
    asked = [Judged(*names[[test.labels[row], *found.answers[row]]]) for row in rows]
    some = test.take(rows)
    title = "Redrawn pictures, and what the oracle takes them for"
    subtitle = (
        f"{len(rows)} pairs drawn by key, balanced over classes. Of all {found.agreement.n:,} the oracle gives their "
        f"class to {found.agreement.value:.1%} redrawn and to {found.oracle_accuracy.value:.1%} as they are."
    )
    image = redrawn_grid(
        shown(model, some), decoded(model, model.transform(some)), asked, columns, title=title, subtitle=subtitle
    )
    image_out(image, str(folder.path / "redrawn.png"))


def _drawn(model: Any, judge: Judge, common: dict[str, Any]) -> list[Any]:
    from isthmus.measure.samples import MOST, sample_quality

    n = min(MOST, len(judge.test), len(judge.training))
    rows = _asked_for(model, judge.training, min(MOST, len(judge.training)))
    with stages() as told:
        if told:
            told(0, 5, "pictures drawn")
        if rows is None:
            samples = model.sample(n, 0)
        else:
            samples = model.sample(len(rows), 0, y=_codes(model, judge.training, rows))
        pictures = evaluate(model, samples, as_pictures)
        found = sample_quality(
            pictures, judge.seen_training, judge.seen_test, judge.oracle, judge.test.labels, told=told
        )
    records = _records("samples", found, found.n, common)
    records[0].extra["verdict"] = f"Samples: {found.verdict()}."
    return records if rows is None else records + _learnt_from(pictures, rows, judge, common)


def _asked_for(model: Any, training: Any, n: int) -> np.ndarray | None:
    """Labelled training pictures whose classes a model is asked to draw: as common as they are, again where too few.

    None for a model that draws no class one chooses, or fewer than two of those that are there.
    """
    from isthmus.models._classes import drawn_classes

    can = np.isin(np.array([*map(str, training.classes), ""])[training.labels], list(map(str, drawn_classes(model))))
    known = np.flatnonzero(can & (training.labels >= 0))
    if len(np.unique(training.labels[known])) < 2:
        return None
    shuffled = known[permutation(len(known), "asked for").numpy()]
    return np.sort(np.resize(shuffled, n))


def _codes(model: Any, training: Any, rows: np.ndarray) -> np.ndarray:
    """Their labels as the model counts its classes."""
    place = {str(name): number for number, name in enumerate(model.classes_)}
    return np.array([place[str(training.classes[c])] for c in training.labels[rows]])


def _learnt_from(pictures: torch.Tensor, rows: np.ndarray, judge: Judge, common: dict[str, Any]) -> list[Any]:
    """The classification accuracy score, beside the same recipe on the real pictures whose classes were asked for."""
    from isthmus.measure.samples import classification_accuracy_score

    labels, test = judge.training.labels[rows], judge.test.labels
    test = np.where(np.isin(test, labels), test, -1)
    scores = {}
    for kind, learnt in (("generated", pictures), ("real", judge.seen_training[torch.as_tensor(rows)])):
        watchers = watchers_for(f"training a classifier on {len(rows):,} {kind} pictures")
        scores[kind] = classification_accuracy_score(learnt, labels, judge.seen_test, test, watchers=watchers)
    records = [
        record_of(f"samples, accuracy of a classifier of {kind} ones", score, **common)
        for kind, score in scores.items()
    ]
    records[0].extra["verdict"] = (
        f"Samples by class: a classifier that learns from {len(rows):,} of them names {scores['generated'].value:.1%} "
        f"of real pictures rightly; from as many real ones, {scores['real'].value:.1%}."
    )
    return records
