"""A regressor in the run folder of its model, beside classifiers: `heads/NAME.json` says `"kind": "numbers"`."""

from typing import Any

import numpy as np

from isthmus.classify._arrays import load_arrays, over, save_arrays, under
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

__all__ = ["KIND", "kind_of", "load_regressor", "save_regressor"]

KIND = "numbers"
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
    arrays |= over("features", rows.features.arrays()) | over("usual", regressor.usual_.arrays())
    if head.pile is not None and head.spread is not None:
        arrays |= {"bank": head.pile.rows.astype(np.float16), "spread": head.spread}
    save_arrays(run, f"heads/{name}.safetensors", arrays)
    described = {
        "kind": KIND,
        "ridge": {key: getattr(head.ridge, key) for key in _RIDGE},
        "graph_share": head.share,
        "level": regressor.level,
        "seed": regressor.seed,
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
    try:
        return _restored(described, load_arrays(run, f"heads/{name}.safetensors"), model)
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.path}/heads/{name}.json is not whole ({error})", "Classify again.") from None


def _restored(described: dict[str, Any], arrays: dict[str, np.ndarray], model: Fitted) -> Regressor:
    made = Regressor(model=model, level=described["level"], seed=described["seed"])
    made.rows_ = NumberRows(Features.restore(model, under("features", arrays)), arrays["scaling"])
    ridge = KernelRidge(arrays["centres"], arrays["weights"], **described["ridge"])
    kept = (Pile(arrays["bank"]), arrays["spread"]) if described["graph_share"] > 0 else (None, None)
    made.head_ = NumberHead(ridge, made.rows_.unit, described["graph_share"], *kept)
    made.usual_ = Usual(**under("usual", arrays))
    made.expected_ = None if described["expected"] is None else Interval(**described["expected"])
    made.reach_, made.no_intervals_ = described["reach"], described["no_intervals"]
    return made
