"""What was learnt with a model, in its run folder: a .json file says what it is, a .safetensors file holds the arrays.

Classifiers are `heads/NAME`; what tells odd pictures from normal ones is `anomalies`.
"""

import re
from typing import Any

import numpy as np

from isthmus import discover
from isthmus.classify._arrays import load_arrays, over, save_arrays, under
from isthmus.classify.anomalies import Detector, Judge
from isthmus.classify.classifier import Classifier
from isthmus.classify.features import Features
from isthmus.classify.heat import HeatMaps
from isthmus.classify.oddness import WAYS, Kept
from isthmus.classify.usual import Usual
from isthmus.contract import Fitted
from isthmus.errors import RunError, UsageError
from isthmus.run import Run
from isthmus.stats.intervals import Interval

__all__ = ["check_name", "load_classifier", "load_detector", "save_classifier", "save_detector"]

_PLAIN = ("temperature_", "threshold_", "no_sets_")


def save_classifier(classifier: Classifier, run: Run, name: str, about: dict[str, Any]) -> None:
    """Arrays first, then the description that says they are there."""
    check_name(name)
    arrays = over("head", classifier.head_.arrays()) | over("features", classifier.features_.arrays())
    save_arrays(run, f"heads/{name}.safetensors", arrays | over("usual", classifier.usual_.arrays()))
    described = {
        "head": discover.name_of("classify.heads", type(classifier.head_)),
        "params": classifier.head_.get_params(),
        "level": classifier.level,
        "seed": classifier.seed,
        "classes": list(classifier.classes_),
        "expected": None if classifier.expected_ is None else vars(classifier.expected_),
        **{key: getattr(classifier, key, None) for key in _PLAIN},
    }
    run.write_json(f"heads/{name}.json", described | about)


def check_name(name: str) -> None:
    """A name is a file's name and nothing else."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise UsageError(f"{name!r} is no name for a classifier", "Use letters, digits, dots, dashes and underscores.")


def load_classifier(run: Run, model: Fitted, name: str = "labels") -> Classifier:
    """The classifier of this name, on the run's model."""
    check_name(name)
    if not run.has(f"heads/{name}.json"):
        raise RunError(f"{run.path} has no classifier {name!r}", f"Make one: isthmus classify {run.path} --labels CSV")
    described = run.read_json(f"heads/{name}.json")
    if described.get("kind") == "numbers":
        raise UsageError(f"{name!r} tells numbers, not classes", "Use load_regressor, or choose another --name.")
    try:
        return _restored(described, load_arrays(run, f"heads/{name}.safetensors"), model)
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.path}/heads/{name}.json is not whole ({error})", "Classify again.") from None


def _restored(described: dict[str, Any], arrays: dict[str, np.ndarray], model: Fitted) -> Classifier:
    head = discover.find("classify.heads", described["head"], "Head")(**described["params"])
    made = Classifier(model=model, head=head, level=described["level"], seed=described["seed"])
    head.restore(under("head", arrays), model)
    made.features_ = Features.restore(model, under("features", arrays))
    made.head_, made.classes_ = head, tuple(described["classes"])
    made.usual_ = Usual(**under("usual", arrays))
    made.expected_ = None if described["expected"] is None else Interval(**described["expected"])
    for key in _PLAIN:
        setattr(made, key, described[key])
    return made


def save_detector(detector: Detector, heat: HeatMaps | None, run: Run, about: dict[str, Any]) -> None:
    """With the oddness of the normal pictures that were held out, so that another rate can be asked of it later."""
    way = detector.judge_.way
    assert isinstance(way, Kept)  # all that a detector has; baselines are not kept
    arrays = over("way", way.arrays()) | {"normal": detector.judge_.usual}
    save_arrays(run, "anomalies.safetensors", arrays | ({} if heat is None else {"heat": heat.usual}))
    described = {
        "by": detector.by,
        "alarms": detector.alarms,
        "seed": detector.seed,
        "learnt_from": detector.learnt_from_,
        "threshold": detector.threshold_,
        "promise": vars(detector.promise_),
        "heat_top": None if heat is None else heat.top,
    }
    run.write_json("anomalies.json", described | about)


def load_detector(run: Run, model: Fitted, alarms: float | None = None) -> tuple[Detector, HeatMaps | None]:
    """As it was saved, at that false-alarm rate or another."""
    if not run.has("anomalies.json"):
        raise RunError(f"{run.path} has not learnt what is normal", f"First: isthmus anomalies {run.path}")
    described = run.read_json("anomalies.json")
    arrays = load_arrays(run, "anomalies.safetensors")
    try:
        rate = described["alarms"] if alarms is None else alarms
        made = Detector(model=model, by=described["by"], alarms=rate, seed=described["seed"])
        made.check_params()
        way = WAYS[made.by].restore(model, under("way", arrays))
        made.settle(Judge(way, arrays["normal"]), described["learnt_from"])
        heat = HeatMaps(model, arrays["heat"], described["heat_top"]) if "heat" in arrays else None
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.path}/anomalies.json is not whole ({error})", "Run isthmus anomalies again.") from None
    return made, heat
