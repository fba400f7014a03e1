"""Codes whose pictures score best where nobody can say why: a user's function, a simulation, a measure by formula.

The guides say for nothing whether a picture is one that was asked for; only those cost a call of the black box.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from isthmus.design.black_box._objective import Objective, Outcome
from isthmus.design.black_box._optimiser import AskTell
from isthmus.design.guide import Guide
from isthmus.design.wishes import Wish
from isthmus.errors import UsageError
from isthmus.images.arrays import in_layout
from isthmus.measure.attributes import measured

__all__ = ["Known", "Sought", "attribute_of", "margin_of", "maximise", "units_of"]

Known = tuple[torch.Tensor, torch.Tensor]
"""Codes and their scores, where scores are known already."""

_ASKS_WITHOUT = 20
_WIDER = 8
_FAR = 5.0


@dataclass
class Sought:
    """Every picture that was scored, in that order: its code, score (NaN where that failed) and margin (0 or more:
    what was asked for), and the picture in its own units.

    `drawn` counts the pictures decoded, `scored` those that cost a call of the black box; `said` tells what failed
    there, by row; `stopped` why it ended: "budget", "interrupted", or a sentence.
    """

    minimise: bool = False
    codes: list[torch.Tensor] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    pictures: list[np.ndarray] = field(default_factory=list)
    said: dict[int, str] = field(default_factory=dict)
    drawn: int = 0
    batches: int = 0
    stopped: str = "budget"

    @property
    def scored(self) -> int:
        return len(self.scores)

    @property
    def order(self) -> list[int]:
        """Rows from the best score to the worst, without those that failed."""
        good = np.flatnonzero(np.isfinite(self.scores))
        return [int(row) for row in good[np.argsort(np.array(self.scores)[good] * self._sign, kind="stable")]]

    @property
    def best(self) -> int | None:
        """The row of the best score so far."""
        return next(iter(self.order), None)

    @property
    def curve(self) -> np.ndarray:
        """The best score after each call of the black box; NaN before the first that worked."""
        reached = np.fmin.accumulate(np.array(self.scores, np.float64) * self._sign)
        return np.asarray(reached * self._sign)

    @property
    def _sign(self) -> float:
        return 1.0 if self.minimise else -1.0

    def add(self, codes: torch.Tensor, margins: torch.Tensor, pictures: np.ndarray, outcome: Outcome) -> dict[str, Any]:
        """One batch; returns its line for a file of what was found, in plain JSON."""
        first, self.batches = self.scored, self.batches + 1
        reached = slice(0, outcome.done)
        self.codes += list(codes[reached])
        self.margins += margins[reached].tolist()
        self.pictures += list(pictures[reached])
        self.scores += outcome.scores[reached].tolist()
        said = {first + row: sentence for row, sentence in outcome.said.items()}
        self.said |= said
        best = self.best
        return {
            "batch": self.batches,
            "scored": self.scored,
            "drawn": self.drawn,
            "best": None if best is None else self.scores[best],
            "scores": [score if np.isfinite(score) else None for score in self.scores[first:]],
            "margins": self.margins[first:],
            "codes": codes[reached].tolist(),
            "said": {str(row): sentence for row, sentence in said.items()},
        }


def maximise(
    decode: Callable[[torch.Tensor], torch.Tensor],
    objective: Objective,
    optimiser: AskTell,
    starts: torch.Tensor,
    *,
    budget: int,
    batch: int = 10,
    minimise: bool = False,
    feasible: Callable[[torch.Tensor], torch.Tensor] | None = None,
    units: Callable[[torch.Tensor], np.ndarray] | None = None,
    within: torch.Tensor | None = None,
    known: Known | None = None,
    told: Callable[[int, int], None] | None = None,
    keep: Callable[[dict[str, Any]], None] | None = None,
) -> Sought:
    """The best codes for at most `budget` calls of the black box, `batch` at a time.

    `decode` gives pictures in [0, 1]; `feasible` says of those which were asked for (true, or a margin of 0 or more);
    `units` makes of them what the black box sees. `starts` are scored first; no code lies far outside of `within`.
    `known` codes have scores already and cost nothing. `keep` is given a line of plain JSON after every batch: nothing
    found is lost, whatever happens, and Ctrl-C gives back what there is.
    """
    if budget < 1 or batch < 1:
        raise UsageError(f"a budget of {budget} in batches of {batch} buys nothing", "Both must be at least 1.")
    sought, sign = Sought(minimise), -1.0 if minimise else 1.0
    optimiser.begin(starts, within)
    if known is not None:
        optimiser.tell(known[0], sign * known[1], torch.ones(len(known[0]), dtype=torch.bool))
    without = 0
    try:
        while sought.scored < budget:
            wider = min(2**without, _WIDER)
            codes, x, margins = _asked(decode, optimiser, feasible, batch * wider)
            sought.drawn += len(codes)
            rows = torch.nonzero(margins >= 0).flatten()[: min(batch, budget - sought.scored)]
            _tell_refused(optimiser, codes, margins)
            without = 0 if len(rows) else without + 1
            if without == _ASKS_WITHOUT:
                sought.stopped = f"the last {without} times, no picture that was drawn is one that was asked for"
                break
            if len(rows) and not _score(sought, objective, optimiser, (codes, margins, x), rows, units, sign, keep):
                break
            if told:
                told(sought.scored, budget)
    except KeyboardInterrupt:
        sought.stopped = "interrupted"
    return sought


def _asked(
    decode: Callable[[torch.Tensor], torch.Tensor],
    optimiser: AskTell,
    feasible: Callable[[torch.Tensor], torch.Tensor] | None,
    k: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    codes = optimiser.ask(k)
    with torch.no_grad():
        x = decode(codes)
        margins = torch.ones(len(codes)) if feasible is None else feasible(x).cpu()
    return codes, x, margins.float() * 2 - 1 if margins.dtype == torch.bool else margins.float()


def _tell_refused(optimiser: AskTell, codes: torch.Tensor, margins: torch.Tensor) -> None:
    refused = margins < 0
    if refused.any():
        nothing = torch.full((int(refused.sum()),), torch.nan)
        optimiser.tell(codes[refused], nothing, margins[refused])


def _score(
    sought: Sought,
    objective: Objective,
    optimiser: AskTell,
    drawn: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    rows: torch.Tensor,
    units: Callable[[torch.Tensor], np.ndarray] | None,
    sign: float,
    keep: Callable[[dict[str, Any]], None] | None,
) -> bool:
    """Have these rows scored, keep and tell it; false where it is of no use to go on."""
    codes, margins, x = (part[rows] for part in drawn)
    pictures = x.cpu().numpy() if units is None else units(x)
    outcome = Outcome.of(len(rows))
    try:
        objective.fill(outcome, pictures)
    finally:
        line = sought.add(codes, margins, pictures, outcome)
        if keep and outcome.done:
            keep(line)
    reached = slice(0, outcome.done)
    optimiser.tell(codes[reached], sign * torch.from_numpy(outcome.scores[reached]), margins[reached])
    if outcome.hopeless:
        sought.stopped = f"the black box failed again and again; at last {sought.said[max(sought.said)]}"
    return not outcome.hopeless


def margin_of(guide: Guide, wishes: Sequence[Wish]) -> Callable[[torch.Tensor], torch.Tensor]:
    """What `feasible` is where wishes say what was asked for: how surely met, or minus how far from it."""

    def margins(x: torch.Tensor) -> torch.Tensor:
        seen = guide(x)
        loss = torch.stack([wish.weight * wish.loss(seen, x) for wish in wishes]).sum(0)
        met = torch.stack([wish.granted(seen, x) for wish in wishes]).all(0)
        return torch.where(met, (1 - loss).clamp_min(0), -loss.clamp(1e-3, _FAR))

    return margins


def units_of(model: Any) -> Callable[[torch.Tensor], np.ndarray]:
    """From scaled pictures to the layout, units and type of those that a model was fitted on."""

    def units(x: torch.Tensor) -> np.ndarray:
        return in_layout(model.scaling_.inverse(x), model.layout_)

    return units


def attribute_of(model: Any, name: str) -> Objective:
    """An attribute by formula as the black box, of pictures such as `units_of` gives."""

    def attribute(pictures: np.ndarray) -> np.ndarray:
        return measured(name, model.tensor(pictures).clamp(0, 1).cpu().numpy())

    return Objective(attribute, name)
