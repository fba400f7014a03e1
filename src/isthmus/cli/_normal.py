"""What is normal in a run: which of its pictures, what was learnt from them, how odd others are beside them."""

import argparse
import contextlib
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli._pictures import of_run
from isthmus.cli._talk import say
from isthmus.errors import DataError, UsageError

__all__ = ["Known", "Ranking", "compared", "learnt", "other_pictures", "recalled"]

_RATE = 0.01


@dataclass(frozen=True)
class Known:
    """A fitted detector and heat maps; the run's own pictures where they were read, and those it learnt from."""

    detector: Any
    heat: Any
    classes: tuple[str, ...]
    own: Any = None
    normal: Any = None


@dataclass(frozen=True)
class Ranking:
    """`order` are rows of `asked`, the oddest first."""

    asked: Any
    oddness: np.ndarray
    p: np.ndarray
    flagged: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, detector: Any, asked: Any, told: Any) -> "Ranking":
        from isthmus.classify.heads._head import stage

        oddness = detector.oddness(asked, stage(told, "looking at the pictures"))
        order = np.argsort(-oddness, kind="stable")
        return cls(asked, oddness, detector.p_of(oddness), detector.flagged(oddness), order)

    def lines(self, n: int) -> list[tuple[str, float, float, bool]]:
        """Id, score, p, flagged of the oddest."""
        rows = self.order[:n]
        return [(str(self.asked.ids[i]), self.oddness[i], self.p[i], bool(self.flagged[i])) for i in rows]


def recalled(run: Any, model: Any, arguments: argparse.Namespace) -> Known | None:
    """What was learnt before, if it is what is asked of other pictures; the run's own are always learnt from anew."""
    from isthmus.classify.saving import load_detector

    if not arguments.path or not run.has("anomalies.json"):
        return None
    described = run.read_json("anomalies.json")
    classes = tuple(described.get("normal", ()))
    if arguments.by not in (None, described.get("by")) or arguments.normal not in (None, classes):
        return None
    return Known(*load_detector(run, model, arguments.alarms), classes)


def learnt(run: Any, model: Any, arguments: argparse.Namespace, told: Any) -> Known:
    """From the run's own normal pictures; kept in the run folder."""
    from isthmus.classify.anomalies import Detector
    from isthmus.classify.heat import HeatMaps
    from isthmus.classify.oddness import decodes
    from isthmus.classify.saving import save_detector

    redraws, classes = decodes(model), arguments.normal or ()
    if arguments.maps and not redraws:
        raise UsageError(f"{type(model).__name__} does not decode, so there are no heat maps", "Drop --maps.")
    rate = _RATE if arguments.alarms is None else arguments.alarms
    by = arguments.by or ("blend" if redraws else "density")
    detector = Detector(model=model, by=by, alarms=rate, seed=arguments.seed)
    detector.check_params()
    own = _own_pictures(run, arguments)
    normal, aside = _parts(own, classes, rate, arguments.seed)
    detector.fit(normal, aside=aside, told=told)
    heat = HeatMaps.learn(model, aside) if redraws and len(model.shape_) == 3 else None
    with run.writing():
        save_detector(detector, heat, run, {"normal": list(classes)})
    return Known(detector, heat, classes, own, normal)


def other_pictures(run: Any, arguments: argparse.Namespace) -> Any:
    """Those of PATH; a split that they have says nothing, unless they are the run's own."""
    from isthmus.models._loading import splits_of

    asked = of_run(run, arguments)
    asked.split = None
    if run.has("splits.csv"):
        with contextlib.suppress(DataError):
            asked.split = splits_of(run, asked)
    return asked


def compared(model: Any, known: Known, ranking: Ranking, run: Any, arguments: argparse.Namespace, told: Any) -> Any:
    """Labelled pictures that nothing was learnt from, baselines beside; None where none are known to be odd."""
    from isthmus.classify.anomalies import Comparison
    from isthmus.classify.heads._head import stage
    from isthmus.classify.oddness import BASELINES

    asked, classes = ranking.asked, known.classes
    good = np.isin(asked.labels, [k for k, name in enumerate(asked.classes) if name in classes])
    odd = (asked.labels >= 0) & ~good
    if not classes or not odd.any():
        return None
    fresh = np.ones(len(asked), bool) if asked.split is None and arguments.path else _in_test(asked)
    split = "test" if asked.split is not None else "given"
    if not (odd & fresh).any():
        split = f"{split}, odd ones from all splits"
        say("note: no test picture is odd, so it is judged on odd ones that the model was trained with")
        fresh = fresh | odd
    rows = np.flatnonzero((odd | good) & fresh)
    if odd[rows].all():
        say("note: no normal picture is left to judge by. Fit the run with --test, or give others as PATH.")
        return None
    normal = known.normal
    if normal is None:
        normal, _ = _parts(_own_pictures(run, arguments), classes, known.detector.alarms, known.detector.seed)
    scores = {known.detector.title: ranking.oddness[rows]}
    for kind in BASELINES.values():
        scores[kind.title] = kind.learn(model, normal).of(asked.take(rows), stage(told, f"beside: {kind.title}"))
    return Comparison(scores, odd[rows], tuple(kind.title for kind in BASELINES.values()), split)


def _in_test(pictures: Any) -> np.ndarray:
    return np.zeros(len(pictures), bool) if pictures.split is None else pictures.split == "test"


def _own_pictures(run: Any, arguments: argparse.Namespace) -> Any:
    """The run's own, with the labels given unless those are for other pictures."""
    from isthmus.images.labels import attach, read_table

    own = of_run(run, argparse.Namespace(**(vars(arguments) | {"path": None})))
    if arguments.labels and not arguments.path:
        attach(own, read_table(Path(arguments.labels), need_label=True), arguments.labels)
    return own


def _parts(own: Any, classes: tuple[str, ...], rate: float, seed: int) -> tuple[Any, Any]:
    """Normal pictures to learn from and others set aside: validation pictures where there are enough, for the model
    was not trained on those. The run's test pictures are left for judging."""
    from isthmus.classify.anomalies import held_out
    from isthmus.classify.draws import units
    from isthmus.stats.conformal import fewest_for

    for name in classes:
        _check_class(name, own.classes)
    good = np.isin(own.labels, [own.classes.index(name) for name in classes]) if classes else np.ones(len(own), bool)
    split = np.full(len(own), "train", dtype=object) if own.split is None else own.split
    training, unseen = good & (split == "train"), good & (split == "validation")
    if unseen.sum() >= fewest_for(1 - rate) and training.sum() > 1:
        return own.take(training), own.take(unseen)
    both = own.take(training | unseen)
    held = held_out(units(both), rate, seed)
    say(
        f"note: {int(unseen.sum())} normal pictures were kept from training, too few to promise a rate of {rate:g}: "
        "it is learnt from some that the model knows, and new ones may give more alarms"
    )
    return both.take(~held), both.take(held)


def _check_class(name: str, classes: tuple[str, ...]) -> None:
    if name in classes:
        return
    if not classes:
        raise DataError("the run's pictures have no labels", "Give a table id,label with --labels, or drop --normal.")
    near = difflib.get_close_matches(name, classes, 1, 0.4)
    meant = f"Did you mean {near[0]!r}?" if near else f"The classes are: {', '.join(classes[:12])}."
    raise UsageError(f"there is no class {name!r}", meant)
