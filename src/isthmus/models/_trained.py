"""Models that learn by steps: the fields that say how, and the way into the loop."""

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from isthmus import discover
from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.images.pictures import Pictures
from isthmus.keys import stream
from isthmus.models._base import Model
from isthmus.nets._net import Habits, Net
from isthmus.ranks import Ranks, current
from isthmus.run import Run
from isthmus.train.checkpoint import Store
from isthmus.train.devices import faster_in_bf16, memory_explained, why_device
from isthmus.train.diagnosis import dead_inputs
from isthmus.train.feeding import Resident
from isthmus.train.loop import train
from isthmus.train.optimisers import OPTIMISERS
from isthmus.train.players import Phase
from isthmus.train.schedules import SCHEDULES
from isthmus.train.stage import Settings, Stage
from isthmus.train.watchers import Watcher

__all__ = ["Trained", "draw_the_mean", "sample_rows"]

_BIG_ENOUGH_FOR_BF16 = 30_000
_WHOLE, _MOST_EPOCHS = 10, 200
_SMALLEST_BATCH, _FEWEST_STEPS = 16, 64
_OFF_THE_EDGE = 0.005


@dataclass(kw_only=True, eq=False)
class Trained(Model):
    """Networks moved by players in phases. A model says which; everything else is here or in the loop."""

    chooses_net: ClassVar[bool] = True

    net: str | Net = option("mlp", "kind of network")
    epochs: float | None = option(None, "passes over the pictures (default: by their number and the network)", low=0)
    batch_size: int | None = option(None, "pictures a step (default: by the network)", low=1)
    optimiser: str | None = option(None, "how weights move (default: by the network)", choices=tuple(OPTIMISERS))
    learning_rate: float | None = option(None, "step size (default: by the network, or the optimiser's own)", low=0)
    weight_decay: float = option(0.0, "L2, or decoupled decay with adamw and muon", low=0)
    schedule: str | None = option(
        None, "the learning rate over the epochs (default: by the network)", choices=SCHEDULES
    )
    warm_up: float = option(0.05, "share of the steps over which the learning rate rises", low=0)
    clip: float | None = option(None, "largest norm of a gradient", low=0)
    spikes: float | None = option(
        None, "clip a gradient at this many times its running mean norm, 0 never (default: by the network)", low=0
    )
    accumulate: int = option(1, "pieces a batch is computed in, where memory is short", low=1)
    ema: float = option(0.0, "decay of a running average of the weights that is kept instead of them", low=0)
    patience: int | None = option(None, "epochs without a better validation loss before stopping early", low=1)
    precision: str = option("auto", "of the products in training", choices=("auto", "float32", "bf16"))

    @abstractmethod
    def phases(self) -> tuple[Phase, ...]:
        """Who moves, when, on what."""

    def net_for(self) -> Net:
        return self.net if isinstance(self.net, Net) else discover.find("nets", self.net, "Net")()

    def habits(self) -> Habits:
        """How to train where nobody says: as the network likes it, unless a model knows better."""
        return self.net_for().habits

    def epochs_for(self, pictures: int) -> float:
        """Few pictures are seen more often: as many looks as the network needs, and no more than 200 times."""
        if self.epochs is not None:
            return self.epochs
        habits = self.habits()
        epochs = habits.looks / pictures
        return float(np.clip(round(epochs) if epochs > _WHOLE else epochs, habits.fewest, _MOST_EPOCHS))

    def _wants_pictures(self) -> bool:
        return not self.net_for().takes_tables

    def _fit(
        self, pictures: Pictures, validation: Pictures | None, run: Run | None, watchers: Sequence[Watcher]
    ) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(stream(self.seed, "weights"))
            self._settle(self._build().to(self.device_))
        data = self._resident(pictures)
        self._start_from(data)
        self._move(data, validation, run, watchers, current())

    def fine_tuned(self, pictures: Pictures, watchers: Sequence[Watcher] = (), **fields: Any) -> Self:
        """A model that goes on from these weights on these pictures, some fields changed; this one stays as it is.

        Its codes are codes of its own: what the encoder says of a picture moves with the weights.
        """
        self._check_fitted()
        # What was once measured stays: the same pictures and seed give the same weights again.
        measured = {"precision": vars(self).get("precision_") or self.precision}
        model = type(self)(**self.get_params(deep=False) | measured | fields)
        model.check_params()
        vars(model).update({name: value for name, value in vars(self).items() if name.endswith("_")})
        with torch.random.fork_rng():
            model._settle(model._build().to(self.device_))
        model.net_.load_state_dict(self.net_.state_dict())
        model._move(model._resident(model._fitting(pictures)), None, None, watchers)
        return model

    def _move(
        self,
        data: Resident,
        validation: Pictures | None,
        run: Run | None,
        watchers: Sequence[Watcher],
        ranks: Ranks | None = None,
    ) -> None:
        """From the weights as they are, through all phases; where `ranks` train together the first alone is watched."""
        watched = validation is not None and len(validation) > 0
        if not watched and (self.patience is not None or self.schedule == "plateau"):
            raise UsageError(
                "patience and plateau need validation pictures", "Give validation=, or pictures with a split."
            )
        self.pictures_ = len(data)
        phases = self.phases()
        settings = self._settings(phases, data, run, ranks)
        held = self._resident(validation) if validation is not None and watched else None
        watchers = watchers if ranks is None or ranks.rank == 0 else ()
        for watcher in watchers:
            watcher.on_model(self, data if held is None else held, learnt=held is None)
        with memory_explained(settings.batch_size, settings.accumulate, self.device_):
            train(self.net_, phases, data, settings, held, Store(run), watchers, ranks=ranks)
        with torch.no_grad():
            self._finish(data)
            self.remarks_ = [remark for remark in self._remarks(data.pictures(sample_rows(len(data)))) if remark]

    def _finish(self, data: Resident) -> None:
        """A chance to learn from the pictures what steps do not."""

    def _remarks(self, x: torch.Tensor) -> list[str | None]:
        """What a user should know of how training went, in sentences; `x` are some of the pictures."""
        return [dead_inputs(x)]

    def _start_from(self, data: Resident) -> None:
        """A chance to set the first weights by the pictures."""

    def _resident(self, pictures: Pictures) -> Resident:
        pixels = pictures.pixels.reshape(len(pictures), *self.shape_)
        return Resident.of(pixels, pictures.labels, pictures.keys, self.scaling_, self.device_)

    def _settings(self, phases: tuple[Phase, ...], data: Resident, run: Run | None, ranks: Ranks | None) -> Settings:
        """The fields that were set, and the network's habits for those that were not."""
        names = [
            "seed",
            "batch_size",
            "optimiser",
            "learning_rate",
            "weight_decay",
            "schedule",
            "warm_up",
            "clip",
            "spikes",
            "accumulate",
            "ema",
            "patience",
        ]
        habits = vars(self.habits())
        if self.optimiser not in (None, habits["optimiser"]):
            habits = habits | {"learning_rate": None}
        chosen = {name: getattr(self, name) for name in names}
        chosen = {name: habits.get(name) if value is None else value for name, value in chosen.items()}
        if self.batch_size is None:  # a small pile still gets some steps an epoch
            chosen["batch_size"] = min(chosen["batch_size"], max(_SMALLEST_BATCH, len(data) // _FEWEST_STEPS))
        if min(chosen["batch_size"], len(data)) == 1 and any(map(_normalises, self.net_.modules())):
            raise UsageError("batch norm knows nothing of a batch of one picture", "Use --batch-size 2, or more.")
        settings = Settings(**chosen)
        # What was once measured stays: a run that goes on must not change its arithmetic with the machine's load.
        recorded = run.read_json("run.json").get("precision") if run else None
        measured = partial(self._precision, phases, data, settings)
        self.precision_ = (
            (recorded or measured()) if ranks is None else ranks.from_first(lambda: recorded or measured())
        )
        if run:
            before = run.read_json("run.json")
            chosen_by = {"chosen": before.get("chosen") or self._reasons(settings)}
            run.write_json("run.json", before | {"precision": self.precision_} | chosen_by)
        return dataclasses.replace(settings, bf16=self.precision_ == "bf16")

    def _reasons(self, settings: Settings) -> dict[str, str]:
        """What was chosen for the user, and why, for the run's record."""
        asked, usual = "as it was asked for", self.habits().batch_size
        fewer = (
            f"not {usual}, so that a small pile gets some moves" if settings.batch_size < usual else "by the network"
        )
        why = asked
        if self.precision == "auto":
            measured = {"cuda": "as the card can", "cpu": "as was measured: bf16 has to be 1.2 times as fast"}
            small = sum(parameter.numel() for parameter in self.net_.parameters()) < _BIG_ENOUGH_FOR_BF16
            why = "by the size of the network" if small else measured.get(self.device_.type, "as this device does best")
        return {
            "device": why_device(self.device, self.device_),
            "precision": f"{self.precision_}, {why}",
            "batch_size": f"{settings.batch_size}, {asked if self.batch_size else fewer}",
        }

    def _precision(self, phases: tuple[Phase, ...], data: Resident, settings: Settings) -> str:
        if self.precision != "auto":
            return self.precision
        size = sum(parameter.numel() for parameter in self.net_.parameters())
        fast = size >= _BIG_ENOUGH_FOR_BF16 and self._measure_bf16(phases, data, settings)
        return "bf16" if fast else "float32"

    def _measure_bf16(self, phases: tuple[Phase, ...], data: Resident, settings: Settings) -> bool:
        """Time forward and backward both ways on the first batch; no weight moves."""
        stages = {
            bf16: Stage(self.net_, phases[0], 0, data, dataclasses.replace(settings, bf16=bf16), lambda o: o)
            for bf16 in (False, True)
        }
        before = {name: value.clone() for name, value in self.net_.state_dict().items()}

        def step(bf16: bool) -> None:
            stages[bf16].rehearse()

        fast = faster_in_bf16(step, self.device_)
        self.net_.load_state_dict(before)
        return fast


def sample_rows(rows: int, most: int = 2048) -> torch.Tensor:
    """Rows spread evenly over all: sorted piles are seen from end to end."""
    return torch.linspace(0, rows - 1, min(rows, most)).round().long()


def _normalises(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.batchnorm._BatchNorm)


@torch.no_grad()
def draw_the_mean(decoder: nn.Module, data: Resident, squashed: bool) -> None:
    """Before anything is learnt the decoder draws the mean picture: its last bias, if it has any, says so."""
    biases = [parameter for name, parameter in decoder.named_parameters() if name.split(".")[-1] == "bias"]
    if biases:
        x, bias = data.pictures(sample_rows(len(data))), biases[-1]
        mean = x.mean(0).flatten() if bias.numel() == x[0].numel() else x.mean((0, 2, 3))
        bias.copy_(mean.clamp(_OFF_THE_EDGE, 1 - _OFF_THE_EDGE).logit() if squashed else mean)
