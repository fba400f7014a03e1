"""A classifier in the run folder of its model: `heads/NAME.json` says what it is, `heads/NAME.safetensors` holds it."""

import re
from typing import Any

import numpy as np
import torch

from isthmus import discover
from isthmus.classify.classifier import Classifier
from isthmus.classify.features import Features
from isthmus.classify.usual import Usual
from isthmus.contract import Fitted
from isthmus.errors import RunError, UsageError
from isthmus.run import Run
from isthmus.stats.intervals import Interval
from isthmus.stats.spectrum import Components
from isthmus.train.checkpoint import load_tensors, save_tensors

__all__ = ["check_name", "load_classifier", "save_classifier"]

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
    tensors = {key: torch.from_numpy(np.ascontiguousarray(value).reshape(value.shape)) for key, value in arrays.items()}
    save_tensors(run, f"heads/{name}.safetensors", tensors, {})
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
