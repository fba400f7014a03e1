"""Trial after trial: asked for, trained, given up or measured, and told to the study before the next begins."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import IsthmusError, RunError
from isthmus.keys import stream
from isthmus.stats import paired_difference
from isthmus.tune import folder as files
from isthmus.tune import storage
from isthmus.tune.answer import Answer, Fresh, reason
from isthmus.tune.beside import Beside
from isthmus.tune.choosing import Row, front, recommended
from isthmus.tune.command import command
from isthmus.tune.judging import Parts, errors_of, measured, trained
from isthmus.tune.space import Dimension, written
from isthmus.tune.watching import GaveUp, OutOfTime, Watching, beaten
from isthmus.tune.workers import BEAT, DEFAULT, Worker, try_again

__all__ = ["Search"]

_FRESH = (1, 2)
_STATES = {"COMPLETE": "finished", "PRUNED": "given up", "FAIL": "failed", "RUNNING": "running"}
_ROOM = 1.2


class Search:
    """What one process does for a study."""

    def __init__(
        self,
        study: Any,
        worker: Worker,
        model: Any,
        parts: Parts,
        space: Sequence[Dimension],
        about: dict[str, Any],
        path: Path,
        told: Callable[[float, int, str], None],
        ended: Callable[[Row], None] | None,
        prune: bool,
        deadline: float | None,
    ) -> None:
        self.study, self.worker, self.model, self.parts, self.space = study, worker, model, parts, space
        self.about, self.path, self.told, self.ended = about, path, told, ended
        self.prune, self.deadline, self.beat = prune, deadline, 0.0

    def rows(self) -> list[Row]:
        """All trials that are told apart from those that were merely interrupted."""
        found = (self._row(trial) for trial in self.study.get_trials(deepcopy=False) if trial.state.name in _STATES)
        return [row for row in found if row.state != "failed" or row.why]

    def go_on(self, trials: int, nothing: float, keep: float) -> None:
        """Until the study has so many trials, or the time that is left is needed to judge the answer."""
        while True:
            self.worker.takes_over(self.study, [t for t in self.study.get_trials() if t.state.name == "RUNNING"])
            rows = self.rows()
            files.write_trials(self.path, rows, front(rows, self.about["objectives"]), [one.name for one in self.space])
            if len(rows) >= trials or not self._fits(rows, recommended(rows, nothing, keep)):
                return
            try:
                self._one(rows, trials)
            except OutOfTime:
                return

    def answer(self, around: Beside, keep: float) -> Answer:
        """The recommended setting, trained anew beside the default; the default where it turns out to be better."""
        rows = self.rows()
        default = next((row for row in rows if row.default and row.finished), None)
        chosen = recommended(rows, float(around.pca[0]), keep)
        if default is None or chosen is None:
            failed = next((row.why for row in rows if row.default and row.state == "failed"), "")
            what = f"the default setting has not finished{': ' if failed else ''}{failed}"
            raise RunError(what, "Change it, and choose another --out." if failed else "The same command goes on.")
        said, fresh = reason(chosen, default, rows, around, keep), None
        if chosen.number != default.number:
            fresh = self._fresh(chosen, default)
            if fresh.lost:
                told = " and ".join(f"{value:.4g}" for value in fresh.errors.values())
                said = f"the default setting: trained anew it redraws better than what was found ({told}); {said}"
                chosen = default
        best, share = front(rows, self.about["objectives"]), float(self.about["share"])
        fit = command(self.model, chosen.values, self.parts.train.pixels.shape[1:])
        return Answer(chosen, default, rows, best, around, said, fresh, float(self.about["epochs"]), share, fit)

    def _row(self, trial: Any) -> Row:
        known = trial.user_attrs
        state = _STATES[trial.state.name]
        return Row(trial.number, trial.params, state, known.get("measured", {}), known.get("why", ""), DEFAULT in known)

    def _fits(self, rows: Sequence[Row], chosen: Row | None) -> bool:
        """Whether another trial, and then the answer's own training, fit into the time that is left."""
        seconds = [row.measured["seconds"] for row in rows if row.finished]
        if self.deadline is None or not seconds:
            return self.deadline is None or time.monotonic() < self.deadline
        first = next((row.measured["seconds"] for row in rows if row.default and row.finished), seconds[0])
        afresh = len(_FRESH) * (first + (chosen.measured["seconds"] if chosen else first))
        return time.monotonic() + _ROOM * (float(np.median(seconds)) + afresh) < self.deadline

    def _one(self, rows: Sequence[Row], trials: int) -> None:
        from optuna.trial import TrialState

        alone = all(row.state != "running" for row in rows)
        mark = "" if alone else self.worker.token  # two that ask at once must not be told the same
        drawn = stream(self.model.seed, "tune", len(self.study.get_trials(deepcopy=False)), mark)
        self.study.sampler = storage.sampler(drawn)
        trial = self.study.ask()
        self.worker.takes(trial)
        default = DEFAULT in trial.user_attrs
        cost: dict[str, float] = {}
        try:
            values = {one.name: one.ask(trial) for one in self.space}
            watching = self._watching(trial, rows, values, trials, cost, default)
            began = time.perf_counter()
            model, seconds = trained(self.model, values, self.parts, self.about["epochs"], [watching], self.model.seed)
            found = measured(model, self.parts, seconds, watching)
            trial.set_user_attr("measured", found)
            self.study.tell(trial, [found[name] for name in self.about["objectives"]])
        except GaveUp as stop:
            trial.set_user_attr("measured", cost | watching.seen_as() | {"seconds": time.perf_counter() - began})
            trial.set_user_attr("why", str(stop))
            self.study.tell(trial, state=TrialState.PRUNED)
        except (IsthmusError, MemoryError, RuntimeError) as error:  # torch's are of the last kind, memory among them
            trial.set_user_attr("why", (str(error).splitlines() or ["out of memory"])[0])
            self.study.tell(trial, state=TrialState.FAIL)
            if default:
                raise
        except BaseException:
            try_again(self.study, self.study.get_trials()[trial.number])
            raise
        if self.ended:
            self.ended(self._row(self.study.get_trials(deepcopy=False)[trial.number]))

    def _watching(
        self,
        trial: Any,
        rows: Sequence[Row],
        values: dict[str, Any],
        trials: int,
        cost: dict[str, float],
        default: bool,
    ) -> Watching:
        done = sum(row.state != "running" for row in rows)
        what = ", ".join(f"{name} {written(value)}" for name, value in values.items())
        cost["latent"] = float(values.get("latent", self.model.latent))
        if hasattr(self.model, "beta"):
            cost["beta"] = float(values.get("beta", self.model.beta))

        def look(share: str, error: float) -> None:
            better = beaten(cost, share, error, rows) if self.prune and not default else None
            if better is not None:
                then = better.measured[f"error at {share}"]
                raise GaveUp(f"at {float(share):.0%} of its steps {error:.4g}, trial {better.number} had {then:.4g}")

        def told(share: float) -> None:
            self.told(done + share, trials, f"trial {done + 1}: {what}")
            if self.deadline is not None and time.monotonic() > self.deadline and not default:
                raise OutOfTime

        def breathe(now: float) -> None:
            if now - self.beat > BEAT:
                self.beat = now
                self.worker.breathes(trial)

        return Watching(self.parts.validation, look, told, breathe)

    def _fresh(self, chosen: Row, default: Row) -> Fresh:
        """Both settings with seeds that no trial had, on pictures that none was compared on."""
        found: dict[str, list[np.ndarray]] = {"recommended": [], "default": []}
        for number, seed in enumerate(_FRESH):
            for name, row in (("recommended", chosen), ("default", default)):
                self.told(number, len(_FRESH), f"judging the {name} setting with a fresh seed")
                found[name].append(files.kept_errors(self.path, row.number, seed, partial(self._again, row, seed)))
        means = {name: np.mean(errors, axis=0) for name, errors in found.items()}
        seeds = [
            {"seed": float(seed)} | {name: float(errors[number].mean()) for name, errors in found.items()}
            for number, seed in enumerate(_FRESH)
        ]
        gain = paired_difference(means["recommended"], means["default"])
        return Fresh({name: float(values.mean()) for name, values in means.items()}, gain, seeds)

    def _again(self, row: Row, seed: int) -> np.ndarray:
        seed = self.model.seed + seed
        model, _ = trained(self.model, row.values, self.parts, self.about["epochs"], [], seed)
        return errors_of(model, self.parts.held)
