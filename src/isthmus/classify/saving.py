"""What was learnt with a model, in its run folder: a .json file says what it is, a .safetensors file holds the arrays.

Classifiers are `heads/NAME`; what tells odd pictures from normal ones is `anomalies`.
"""

import re
from typing import Any

import numpy as np
import torch

from isthmus import discover
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
from isthmus.stats.spectrum import Components
from isthmus.train.checkpoint import load_tensors, save_tensors

__all__ = ["check_name", "load_classifier", "load_detector", "save_classifier", "save_detector"]

_PLAIN = ("temperature_", "threshold_", "no_sets_")
_BLOCK = ("mean", "axes", "variance")


def save_classifier(classifier: Classifier, run: Run, name: str, about: dict[str, Any]) -> None:
    """Arrays first, then the description that says they are there."""
    check_name(name)
    features = classifier.features_
    arrays = {f"head/{key}": np.asarray(value) for key, value in classifier.head_.arrays().items()}
    arrays |= {"known": classifier.usual_.known, "usual": classifier.usual_.distances}
    for block, components in features.blocks.items():
        arrays |= {f"block/{block}/{key}": np.asarray(getattr(components, key)) for key in _BLOCK}
    _save_arrays(run, f"heads/{name}.safetensors", arrays)
    described = {
        "head": discover.name_of("classify.heads", type(classifier.head_)),
        "params": classifier.head_.get_params(),
        "level": classifier.level,
        "seed": classifier.seed,
        "classes": list(classifier.classes_),
        "mirrored": features.mirrored,
        "blocks": list(features.blocks),
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
    tensors, _ = load_tensors(run, f"heads/{name}.safetensors")
    arrays = {key: value.numpy() for key, value in tensors.items()}
    try:
        return _restored(described, arrays, model)
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.path}/heads/{name}.json is not whole ({error})", "Classify again.") from None


def _restored(described: dict[str, Any], arrays: dict[str, np.ndarray], model: Fitted) -> Classifier:
    head = discover.find("classify.heads", described["head"], "Head")(**described["params"])
    made = Classifier(model=model, head=head, level=described["level"], seed=described["seed"])
    head.restore({key.removeprefix("head/"): v for key, v in arrays.items() if key.startswith("head/")}, model)
    blocks = {block: _components(arrays, block) for block in described["blocks"]}
    made.features_ = Features(model, blocks, described["mirrored"])
    made.head_, made.classes_ = head, tuple(described["classes"])
    made.usual_ = Usual(arrays["known"], arrays["usual"])
    made.expected_ = None if described["expected"] is None else Interval(**described["expected"])
    for key in _PLAIN:
        setattr(made, key, described[key])
    return made


def _components(arrays: dict[str, np.ndarray], block: str) -> Components:
    mean, axes, variance = (arrays[f"block/{block}/{key}"] for key in _BLOCK)
    return Components(torch.from_numpy(mean), torch.from_numpy(axes), variance, float(variance.sum()), 0)


def save_detector(detector: Detector, heat: HeatMaps | None, run: Run, about: dict[str, Any]) -> None:
    """With the oddness of the normal pictures that were held out, so that another rate can be asked of it later."""
    way = detector.judge_.way
    assert isinstance(way, Kept)  # all that a detector has; baselines are not kept
    arrays = {f"way/{key}": value for key, value in way.arrays().items()}
    arrays["normal"] = detector.judge_.usual
    if heat is not None:
        arrays["heat"] = heat.usual
    _save_arrays(run, "anomalies.safetensors", arrays)
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
    tensors, _ = load_tensors(run, "anomalies.safetensors")
    arrays = {key: value.numpy() for key, value in tensors.items()}
    try:
        rate = described["alarms"] if alarms is None else alarms
        made = Detector(model=model, by=described["by"], alarms=rate, seed=described["seed"])
        made.check_params()
        way = WAYS[made.by].restore(
            model, {key.removeprefix("way/"): value for key, value in arrays.items() if key.startswith("way/")}
        )
        made.settle(Judge(way, arrays["normal"]), described["learnt_from"])
        heat = HeatMaps(model, arrays["heat"], described["heat_top"]) if "heat" in arrays else None
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.path}/anomalies.json is not whole ({error})", "Run isthmus anomalies again.") from None
    return made, heat


def _save_arrays(run: Run, name: str, arrays: dict[str, np.ndarray]) -> None:
    tensors = {key: torch.from_numpy(np.ascontiguousarray(value).reshape(value.shape)) for key, value in arrays.items()}
    save_tensors(run, name, tensors, {})
