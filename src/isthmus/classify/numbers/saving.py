"""A regressor in the run folder of its model, beside classifiers: `heads/NAME.json` says `"kind": "numbers"`."""

from typing import Any

import numpy as np
import torch

from isthmus.classify.features import Features
from isthmus.classify.heads._head import Pile
from isthmus.classify.numbers.head import NumberHead
from isthmus.classify.numbers.regressor import Regressor
from isthmus.classify.numbers.rows import NumberRows
from isthmus.classify.saving import check_name
from isthmus.classify.usual import Usual
from isthmus.contract import Fitted
from isthmus.errors import RunError
from isthmus.run import Run
from isthmus.stats.intervals import Interval
from isthmus.stats.ridge import KernelRidge
from isthmus.stats.spectrum import Components
from isthmus.train.checkpoint import load_tensors, save_tensors

__all__ = ["KIND", "kind_of", "load_regressor", "save_regressor"]

KIND = "numbers"
_BLOCK = ("mean", "axes", "variance")
_RIDGE = ("bias", "bent", "width", "line", "penalty")


def kind_of(run: Run, name: str) -> str:
    """`classes` or `numbers`: what the head of this name tells, if there is one."""
    check_name(name)
    return str(run.read_json(f"heads/{name}.json").get("kind", "classes")) if run.has(f"heads/{name}.json") else ""


def save_regressor(regressor: Regressor, run: Run, name: str, about: dict[str, Any]) -> None:
    """Arrays first, then the description that says they are there."""
    check_name(name)
    head, rows = regressor.head_, regressor.rows_
    arrays = {"centres": head.ridge.centres, "weights": head.ridge.weights, "scaling": rows.scaling}
    arrays |= {"known": regressor.usual_.known, "usual": regressor.usual_.distances}
    if head.pile is not None and head.spread is not None:
        arrays |= {"bank": head.pile.rows.astype(np.float16), "spread": head.spread}
    for block, components in rows.features.blocks.items():
        arrays |= {f"block/{block}/{key}": np.asarray(getattr(components, key)) for key in _BLOCK}
    tensors = {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in arrays.items()}
    save_tensors(run, f"heads/{name}.safetensors", tensors, {})
    described = {
        "kind": KIND,
        "ridge": {key: getattr(head.ridge, key) for key in _RIDGE},
        "graph_share": head.share,
        "level": regressor.level,
        "seed": regressor.seed,
        "blocks": list(rows.features.blocks),
        "expected": None if regressor.expected_ is None else vars(regressor.expected_),
        "reach": regressor.reach_,
        "no_intervals": getattr(regressor, "no_intervals_", None),
    }
    run.write_json(f"heads/{name}.json", described | about)


def load_regressor(run: Run, model: Fitted, name: str = "labels") -> Regressor:
    """The regressor of this name, on the run's model."""
    if kind_of(run, name) != KIND:
        remedy = f"Make one: isthmus classify {run.path} --labels CSV --numbers"
        raise RunError(f"{run.path} has no regressor {name!r}", remedy)
    described = run.read_json(f"heads/{name}.json")
    tensors, _ = load_tensors(run, f"heads/{name}.safetensors")
    arrays = {key: value.numpy() for key, value in tensors.items()}
    try:
        return _restored(described, arrays, model)
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.path}/heads/{name}.json is not whole ({error})", "Classify again.") from None


def _restored(described: dict[str, Any], arrays: dict[str, np.ndarray], model: Fitted) -> Regressor:
    made = Regressor(model=model, level=described["level"], seed=described["seed"])
    blocks = {block: _components(arrays, block) for block in described["blocks"]}
    made.rows_ = NumberRows(Features(model, blocks, False), arrays["scaling"])
    ridge = KernelRidge(arrays["centres"], arrays["weights"], **described["ridge"])
    kept = (Pile(arrays["bank"]), arrays["spread"]) if described["graph_share"] > 0 else (None, None)
    made.head_ = NumberHead(ridge, made.rows_.unit, described["graph_share"], *kept)
    made.usual_ = Usual(arrays["known"], arrays["usual"])
    made.expected_ = None if described["expected"] is None else Interval(**described["expected"])
    made.reach_, made.no_intervals_ = described["reach"], described["no_intervals"]
    return made


def _components(arrays: dict[str, np.ndarray], block: str) -> Components:
    mean, axes, variance = (arrays[f"block/{block}/{key}"] for key in _BLOCK)
    return Components(torch.from_numpy(mean), torch.from_numpy(axes), variance, float(variance.sum()), 0)
