"""A search beyond the data: now and then the model learns anew, the more of a picture the better that scored.

After Tripp, Daxberger and Hernandez-Lobato (2020, arXiv 2006.09191). A latent space has room for what the model was
trained on, and little for what is better than all of it. So the pictures are ranked; those of high rank, found ones
among them, are drawn more often when the model goes on learning; and the space opens where they are.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from isthmus.contract import Fitted, batches, evaluate
from isthmus.design.black_box._objective import Objective
from isthmus.design.black_box._optimiser import AskTell
from isthmus.design.maximise import Known, Sought, maximise, units_of
from isthmus.errors import DataError, IsthmusError
from isthmus.estimator import Estimator, option
from isthmus.images.arrays import canonical
from isthmus.images.pictures import UNKNOWN, Pictures
from isthmus.keys import stream

__all__ = ["Codes", "Pursued", "Retraining", "pursue", "weights_by_rank"]

_STARTS = 64
_TOLD = 400
_AT_ONCE = 16


def weights_by_rank(scores: np.ndarray, k: float, minimise: bool = False) -> np.ndarray:
    """Shares that sum to 1: proportional to 1 / (k n + rank), the best ranking 0; none where there is no score."""
    scores = np.asarray(scores, np.float64) * (-1.0 if minimise else 1.0)
    known = np.isfinite(scores)
    if not known.any():
        raise DataError("no picture has a score", "Score some, or let the black box do it.")
    rank = np.argsort(np.argsort(-scores[known], kind="stable"), kind="stable")
    weights = np.zeros(len(scores))
    weights[known] = 1.0 if math.isinf(k) else 1 / (k * known.sum() + rank)
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class Codes:
    """Codes of pictures in units of their own deviation, and the way back."""

    model: Any
    codes: torch.Tensor
    middle: torch.Tensor
    scale: torch.Tensor

    @classmethod
    def of(cls, model: Fitted, pictures: Any) -> "Codes":
        raw = evaluate(model, pictures, lambda x: model.encode(x).mean.flatten(1))
        middle, scale = raw.mean(0), raw.std(0).clamp_min(1e-6)
        return cls(model, (raw - middle) / scale, middle, scale)

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """Pictures in [0, 1]."""
        z = (codes * self.scale + self.middle).unflatten(1, self.model.latent_shape_)
        drawn: torch.Tensor = self.model.decode(z.to(self.model.device_)).float().cpu().clamp(0, 1)
        return drawn


@dataclass(kw_only=True, eq=False)
class Retraining(Estimator):
    """When the model learns anew, and from what. `k` infinite weighs all pictures alike; `every` 0 never retrains."""

    every: int = option(25, "scored pictures between two retrainings, 0 for none", low=0)
    k: float = option(1e-3, "how much the best count: 1 / (k n + rank) is a picture's weight, inf for all alike", low=0)
    first: float = option(1.0, "passes over the pictures before the first is asked for", low=0)
    epochs: float = option(1.0, "passes over the pictures at every further retraining", low=0)
    learning_rate: float | None = option(None, "of retraining (default: as the model was fitted)", low=0)
    seed: int = option(0, "of what is drawn", low=0)

    def retrained(self, model: Any, pictures: Pictures, scores: np.ndarray, number: int, minimise: bool = False) -> Any:
        """The model after one retraining, which is the `number`th; the one given stays as it is."""
        passes = self.epochs if number else self.first
        if not self.every or passes <= 0:
            return model
        weights = weights_by_rank(scores, self.k, minimise)
        rng = np.random.default_rng(stream(self.seed, "retraining", number))
        rows = rng.choice(len(pictures), max(2, math.ceil(min(passes, 1.0) * len(pictures))), p=weights)
        drawn = replace(pictures, split=None).take(rows)
        # A picture that is drawn twice is seen with other noise each time.
        drawn = replace(drawn, ids=np.array([f"{number}/{place}" for place in range(len(rows))], dtype=object))
        if not hasattr(model, "fine_tuned"):
            return type(model)(**model.get_params(deep=False)).fit(drawn)
        fields: dict[str, Any] = {} if self.learning_rate is None else {"learning_rate": self.learning_rate}
        # Without a held-out split there is nothing that patience or a plateau could watch.
        if getattr(model, "schedule", None) == "plateau":
            fields["schedule"] = "one-cycle"
        seed = stream(model.seed, "retraining", number) >> 32
        return model.fine_tuned(drawn, epochs=max(1.0, passes), patience=None, seed=seed, **fields)


@dataclass
class Pursued:
    """Everything found over all retrainings, in order; codes are those of the model of their own round.

    `calls` counts the calls of the black box for what was found; `known` those that scored the data beforehand.
    """

    model: Any
    minimise: bool = False
    rounds: list[Sought] = field(default_factory=list)
    known: int = 0

    @property
    def scores(self) -> np.ndarray:
        return np.concatenate([np.array(one.scores, np.float64) for one in self.rounds] or [np.empty(0)])

    @property
    def pictures(self) -> np.ndarray:
        """In their own units."""
        return np.stack([picture for one in self.rounds for picture in one.pictures])

    @property
    def calls(self) -> int:
        return sum(one.scored for one in self.rounds)

    @property
    def stopped(self) -> str:
        return self.rounds[-1].stopped if self.rounds else "budget"

    @property
    def best(self) -> int | None:
        """The row of the best score."""
        scores = self.scores
        if not np.isfinite(scores).any():
            return None
        return int(np.nanargmin(scores) if self.minimise else np.nanargmax(scores))

    @property
    def curve(self) -> np.ndarray:
        """The best score after each call."""
        return np.asarray((np.fmin if self.minimise else np.fmax).accumulate(self.scores))


def pursue(
    model: Any,
    pictures: Pictures,
    scores: np.ndarray | None,
    objective: Objective,
    optimiser: AskTell,
    retraining: Retraining,
    *,
    budget: int,
    batch: int = 10,
    minimise: bool = False,
    starts: np.ndarray | None = None,
    feasible: Callable[[torch.Tensor], torch.Tensor] | None = None,
    told: Callable[[int, int], None] | None = None,
    keep: Callable[[dict[str, Any]], None] | None = None,
) -> Pursued:
    """Look for the best pictures for `budget` calls, with retraining in between; what was found joins the pictures.

    `scores` are those of the pictures (NaN unknown), or None: then the black box scores them all first. `starts` are
    rows to begin at, the best of them first; by default any. Whatever interrupts, what was found is given back.
    """
    retraining.check_params()
    pursued = Pursued(model, minimise)
    if scores is None:
        scores = _scored(model, pictures, objective)
        pursued.known = len(scores)
    scores, allowed = np.asarray(scores, np.float64), np.ones(len(pictures), bool)
    if starts is not None:
        allowed = np.isin(np.arange(len(pictures)), starts)
    while pursued.calls < budget:
        left, number = budget - pursued.calls, len(pursued.rounds)
        try:
            pursued.model = retraining.retrained(pursued.model, pictures, scores, number, minimise)
            codes = Codes.of(pursued.model, pictures)
        except (KeyboardInterrupt, IsthmusError) as error:
            why = str(error) if isinstance(error, IsthmusError) else "interrupted"
            pursued.rounds.append(Sought(minimise, stopped=why))
            break
        begun, known = _begun(codes.codes, scores, allowed, minimise, stream(retraining.seed, "told", number))
        sought = maximise(
            codes.decode,
            objective,
            optimiser,
            begun,
            within=codes.codes,
            known=known,
            budget=min(left, retraining.every or left),
            batch=batch,
            minimise=minimise,
            feasible=feasible,
            units=units_of(pursued.model),
            told=_later(told, pursued.calls, budget),
            keep=_with_round(keep, number),
        )
        pursued.rounds.append(sought)
        pictures, scores, allowed = _joined(pictures, scores, allowed, sought, number)
        if sought.stopped != "budget":
            break
    return pursued


def _scored(model: Any, pictures: Pictures, objective: Objective) -> np.ndarray:
    """What the black box says of the pictures as they are; nothing of any means that it cannot work."""
    found, units = list[np.ndarray](), units_of(model)
    for _, x in batches(model, pictures, _AT_ONCE):
        outcome = objective(units(x))
        if outcome.hopeless:
            raise DataError(
                f"the pictures cannot be scored: {next(iter(outcome.said.values()))}", "Mend the black box."
            )
        found.append(outcome.scores)
    return np.concatenate(found)


def _begun(
    codes: torch.Tensor, scores: np.ndarray, allowed: np.ndarray, minimise: bool, seed: int
) -> tuple[torch.Tensor, Known]:
    """What a search begins with: the best as starts, and of all that is known the best and some of the rest."""
    rows = np.flatnonzero(np.isfinite(scores) & allowed)
    if not len(rows):
        raise DataError("no picture to start from has a score", "Give others to start from.")
    rows = rows[np.argsort(scores[rows] * (1.0 if minimise else -1.0), kind="stable")]
    rest = np.random.default_rng(seed).permutation(rows[_TOLD // 2 :])[: _TOLD // 2]
    told = np.concatenate([rows[: _TOLD // 2], rest])
    return codes[rows[:_STARTS]], (codes[told], torch.from_numpy(scores[told]))


def _joined(
    pictures: Pictures, scores: np.ndarray, allowed: np.ndarray, sought: Sought, number: int
) -> tuple[Pictures, np.ndarray, np.ndarray]:
    """The pictures with those found, except what has no score."""
    good = np.flatnonzero(np.isfinite(sought.scores))
    if not len(good):
        return pictures, scores, allowed
    layout = None if pictures.pixels.ndim == 2 else "NHW" if sought.pictures[0].ndim == 2 else "NHWC"
    found, _ = canonical(np.stack([sought.pictures[row] for row in good]), layout)
    found = found.reshape(len(found), *pictures.pixels.shape[1:]).astype(pictures.pixels.dtype)
    known = {name: [values, _unknown(values, len(good))] for name, values in pictures.columns.items()}
    return (
        replace(
            pictures,
            pixels=np.concatenate([pictures.pixels, found]),
            ids=np.concatenate([pictures.ids, np.array([f"found/{number}/{row}" for row in good], dtype=object)]),
            labels=np.concatenate([pictures.labels, np.full(len(good), UNKNOWN)]),
            columns={name: np.concatenate(parts) for name, parts in known.items()},
            split=None,
        ),
        np.concatenate([scores, np.array(sought.scores)[good]]),
        np.concatenate([allowed, np.ones(len(good), bool)]),
    )


def _unknown(values: np.ndarray, n: int) -> np.ndarray:
    return np.full(n, np.nan) if values.dtype.kind == "f" else np.full(n, "", dtype=object)


def _later(told: Callable[[int, int], None] | None, before: int, budget: int) -> Callable[[int, int], None] | None:
    return None if told is None else lambda done, _: told(before + done, budget)


def _with_round(keep: Callable[[dict[str, Any]], None] | None, number: int) -> Callable[[dict[str, Any]], None] | None:
    return None if keep is None else lambda line: keep({"round": number} | line)
