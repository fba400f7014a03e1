"""The heads of a run as functions of pictures, in torch: what each has learnt are its arrays, and no more is asked.

A head that compares a picture with the pile takes the pile's rows along.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from isthmus import discover
from isthmus.classify._arrays import under
from isthmus.classify.numbers.saving import KIND, kind_of
from isthmus.classify.saving import load_classifier
from isthmus.errors import IsthmusError, UsageError
from isthmus.export.graph import Graph, Inputs
from isthmus.export.numbers import number_graph
from isthmus.export.plain import ScaledPictures, plain_model
from isthmus.run import Run

__all__ = ["check_heads", "head_graphs", "names_of_heads"]

_VOTERS, _SHARPNESS, _KERNEL_SHARPNESS = 10, 4, 8.0
_LEAST = 1e-6
_MOST_BYTES = 1_500_000_000
"""A file of ONNX holds 2 GB; rows beyond that would need others beside it."""


def names_of_heads(run: Run) -> list[str]:
    """Of all classifiers and regressors of a run."""
    return sorted(path.stem for path in (run.path / "heads").glob("*.json"))


def check_heads(run: Run, names: list[str] | None) -> None:
    """Refuse one that the run does not have."""
    for name in names or ():
        if name not in names_of_heads(run):
            known = ", ".join(names_of_heads(run)) or f"none yet; make one: isthmus classify {run.path} --labels CSV"
            raise UsageError(f"{run.path} has no head {name!r}", f"There is: {known}.")


def head_graphs(
    run: Run, model: Any, pictures: np.ndarray, names: list[str] | None
) -> Iterator[Graph | tuple[str, str]]:
    """One for each head, or its name and why it cannot be exported; those that were asked for by name must be."""
    for name in names_of_heads(run) if names is None else names:
        try:
            made = number_graph if kind_of(run, name) == KIND else _head_graph
            yield made(run, model, pictures, name)
        except IsthmusError as reason:
            if names is not None:
                raise
            yield name, str(reason)


def _head_graph(run: Run, model: Any, pictures: np.ndarray, name: str) -> Graph:
    classifier, plain = load_classifier(run, model, name), plain_model(model)
    again = load_classifier(run, plain, name)

    def asked(n: int, start: int) -> Inputs:
        return (pictures[np.arange(start, start + n) % len(pictures)],)

    kind = discover.name_of("classify.heads", type(classifier.head_))
    about = {"head": kind, "classes": list(classifier.classes_), "temperature": classifier.temperature_}
    module = _Head(again, plain, _told_by(kind, again.head_))
    names = ("pictures",), ("probabilities",)
    return Graph(
        f"head-{name}", module, *names, asked, lambda x: {"probabilities": classifier.predict_proba(x[0])}, about
    )


class _Head(nn.Module):
    """Calibrated as the classifier is."""

    def __init__(self, classifier: Any, plain: Any, told: nn.Module) -> None:
        super().__init__()
        self.net, self.scaled, self.told = plain.net_, ScaledPictures(plain), told
        self.row, self.temperature = classifier.features_.row, classifier.temperature_

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        x = self.scaled(pictures)
        # Rows are rounded to half precision wherever heads see them.
        rows = self.row(x).half().float() if getattr(self.told, "sees_rows", True) else x
        return (self.told(rows, x).clamp(_LEAST, 1.0).log() / self.temperature).softmax(1)


def _told_by(kind: str, head: Any) -> nn.Module:
    """The head as a module `(rows, scaled pictures) -> probabilities`."""
    arrays = head.arrays()
    if sum(value.nbytes for value in arrays.values()) > _MOST_BYTES:
        remedy = "Classify with --head linear, which keeps none of them."
        raise UsageError(f"the {kind} head compares with more rows of pictures than one file holds", remedy)
    if kind == "kernel":
        return _Kernel(arrays, head.width)
    if kind in _BY_ROWS:
        made: nn.Module = _BY_ROWS[kind](arrays)
        return made
    if not hasattr(head, "told"):
        known = ", ".join(sorted([*_BY_ROWS, "kernel"]))
        raise UsageError(f"the {kind} head has no form outside of Python", f"Classify with one of: {known}.")
    return _Network(head, under("blend", arrays))


class _Linear(nn.Module):
    scale_: torch.Tensor
    weights_: torch.Tensor
    bias_: torch.Tensor

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        super().__init__()
        _hold(self, arrays, "scale_", "weights_", "bias_")

    def forward(self, rows: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return self.logits(rows).softmax(1)

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        return rows * self.scale_ @ self.weights_ + self.bias_


class _Bayes(_Linear):
    spread_: torch.Tensor

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        super().__init__(arrays)
        _hold(self, arrays, "spread_")

    def forward(self, rows: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        one = F.pad(rows * self.scale_, (0, 1), value=1.0)
        variance = torch.stack([(one @ spread * one).sum(1) for spread in self.spread_], dim=1)
        return (self.logits(rows) / (1 + np.pi / 8 * variance).sqrt()).softmax(1)


class _Kernel(nn.Module):
    centres_: torch.Tensor
    weights_: torch.Tensor

    def __init__(self, arrays: dict[str, np.ndarray], width: float = 0.2) -> None:
        super().__init__()
        self.width = width
        _hold(self, arrays, "centres_", "weights_")

    def forward(self, rows: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        squared = rows.square().sum(1, keepdim=True) + self.centres_.square().sum(1) - 2 * rows @ self.centres_.T
        return (_KERNEL_SHARPNESS * (-self.width * squared.clamp_min(0)).exp() @ self.weights_).softmax(1)


class _Graph(nn.Module):
    """The votes of the nearest rows of the pile, by angle."""

    bank: torch.Tensor
    spread: torch.Tensor

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        super().__init__()
        _hold(self, {"bank": arrays["bank_"].astype(np.float32), "spread": arrays["spread_"]}, "bank", "spread")
        self.bank = F.normalize(self.bank, dim=1)
        self.voters = min(_VOTERS, len(self.bank))

    def forward(self, rows: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        cosine, near = (F.normalize(rows, dim=1) @ self.bank.T).topk(self.voters, dim=1)
        weights = cosine.clamp(0.0, 1.0) ** _SHARPNESS + 1e-12
        votes = (weights.unsqueeze(2) * self.spread[near]).sum(1)
        return votes / votes.sum(1, keepdim=True)


class _Blend(nn.Module):
    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.graph = _Graph(arrays)
        self.other = _Kernel(arrays) if "centres_" in arrays else _Linear(arrays)
        self.weight = float(arrays["weight_"])

    def forward(self, rows: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        both = self.graph(rows, x) + self.weight * self.other(rows, x)
        return both / both.sum(1, keepdim=True)


class _Network(nn.Module):
    """A head that looks for itself; where it has learnt from a blend, their mean."""

    def __init__(self, head: Any, blend: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.of = head.told
        self.blend = _Blend(blend) if blend else None
        self.sees_rows = bool(blend)

    def forward(self, rows: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        told: torch.Tensor = self.of(x)
        return told if self.blend is None else (told + self.blend(rows, x)) / 2


_BY_ROWS: dict[str, Any] = {"bayes": _Bayes, "blend": _Blend, "graph": _Graph, "linear": _Linear}


def _hold(module: nn.Module, arrays: dict[str, np.ndarray], *names: str) -> None:
    for name in names:
        module.register_buffer(name, torch.from_numpy(np.array(arrays[name], np.float32)))
