"""One phase while it runs: its players with their optimisers, its feeds, its running sums."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from isthmus.keys import stream
from isthmus.train.capture import Capture
from isthmus.train.checkpoint import Tensors, pack_optimiser, unpack_optimiser
from isthmus.train.clipping import Clipping
from isthmus.train.devices import reseed
from isthmus.train.diagnosis import not_finite
from isthmus.train.feeding import Feeder, Resident
from isthmus.train.objective import Objective, Piece, is_checked, means, split
from isthmus.train.optimisers import build
from isthmus.train.players import Batch, Guard, Moment, Phase, Player, Seen, Terms
from isthmus.train.schedules import factor

__all__ = ["Settings", "Stage"]


@dataclass(frozen=True)
class Settings:
    """How to train, whatever is trained: the model's own fields of the same names."""

    seed: int = 0
    batch_size: int = 128
    optimiser: str = "adam"
    learning_rate: float | None = None
    weight_decay: float = 0.0
    schedule: str = "constant"
    warm_up: float = 0.0
    clip: float | None = None
    spikes: float = 0.0
    accumulate: int = 1
    ema: float = 0.0
    patience: int | None = None
    bf16: bool = False


class Stage:
    """Moves the players of one phase. Gradients reach only whoever moves; nobody else's statistics change."""

    def __init__(
        self, net: nn.Module, phase: Phase, number: int, data: Resident, settings: Settings, wrap: Callable[..., Any]
    ) -> None:
        self.net, self.phase, self.data, self.settings = net, phase, data, settings
        self.parts = (settings.seed, phase.name, number)
        self.feeders = {
            name: Feeder(feed, data, settings.batch_size, *self.parts, name) for name, feed in phase.feeds.items()
        }
        self.length = next(iter(self.feeders.values())).length
        self.steps = max(1, round(phase.epochs * self.length)) if phase.epochs else 0
        for parameter in net.parameters():
            parameter.requires_grad_(False)
            parameter.grad = None
        self.weights = {player.name: player.parameters() for player in phase.players}
        for weight in self._trained():
            weight.requires_grad_(True)
        self.optimisers = {player.name: self._optimiser(player) for player in phase.players}
        self.objectives = {player.name: wrap(Objective(player, settings.bf16, self._means)) for player in phase.players}
        self.capture = self._capture()
        self.average = [p.detach().clone() for p in self._trained()] if settings.ema else []
        self.sums: Tensors = {}
        self.counts: dict[str, int] = {}
        self.clipping = Clipping(settings.clip, settings.spikes)
        self.setbacks = 0
        self._in_turn: str | None = None

    def prepare(self) -> None:
        """Compute what the feeds cache, with every network as it is used: frozen and clean."""
        self.net.eval()
        if self.phase.before is not None:
            self.phase.before(self.data)
        for feeder in self.feeders.values() if self.steps else ():
            feeder.prepare()

    def moment(self, step: int) -> Moment:
        return Moment(step / self.length, step / max(1, self.steps), self.setbacks)

    def step(self, step: int, lowered: float) -> None:
        """Every player moves once, in turn, as often as it draws."""
        moment = self.moment(step)
        rate = lowered * factor(self.settings.schedule, moment.share, self.settings.warm_up)
        for player in self.phase.players:
            self._give_turn(player)
            for draw in range(player.draws):
                # A player who draws often sees fresh pictures each time: a stream of its own.
                name = player.name if player.draws > 1 else ""
                pieces = self._pieces(step * player.draws + draw, name)
                self._move(player, pieces, moment, rate, step, draw)
        if self.average:
            torch._foreach_lerp_(self.average, self._trained(), 1 - self.settings.ema)

    def rehearse(self) -> None:
        """Forward and backward of the first batch, moving nothing: for timing."""
        for player in self.phase.players:
            self._give_turn(player)
            batches = {name: feeder.batch(0) for name, feeder in self.feeders.items()}
            total, _ = self.objectives[player.name](self.moment(0), **batches)
            total.backward(inputs=self.weights[player.name])
            for parameter in self.weights[player.name]:
                parameter.grad = None

    def _pieces(self, move: int, stream: str) -> list[Piece]:
        """What a move is computed in: the batch of every feed, in as many pieces as memory asks for."""
        return split(
            {name: feeder.batch(move, stream) for name, feeder in self.feeders.items()}, self.settings.accumulate
        )

    def _move(self, player: Player, pieces: list[Piece], moment: Moment, rate: float, step: int, draw: int) -> None:
        optimiser, mine = self.optimisers[player.name], self.weights[player.name]
        reseed(stream(*self.parts, player.name, step, draw, *self._apart(pieces)), mine[0].device)
        for group in optimiser.param_groups:
            lr = group["initial_lr"] * rate
            group["lr"] = group["lr"].fill_(lr) if isinstance(group["lr"], torch.Tensor) else lr
        work = partial(self._work, player, moment)
        told = self.capture.move(self.objectives[player.name], optimiser, pieces[0][0], moment, step, work)
        if told is not None:
            self._sum_up(player.name, told)
            return
        self._learn(player, pieces, moment, step)
        self._advance(player)

    def _advance(self, player: Player) -> None:
        """From gradients to weights."""
        mine = self.weights[player.name]
        self.clipping(player.name, mine)
        self.optimisers[player.name].step()
        for parameter in mine:
            parameter.grad = None

    def _work(self, player: Player, moment: Moment, batches: dict[str, Batch]) -> Terms:
        """All that the device does for a move which is not looked at; what is to be summed up."""
        total, terms = self.objectives[player.name](moment, **batches)
        total.backward(inputs=self.weights[player.name])
        self._advance(player)
        with torch.no_grad():
            return {"loss": total.detach(), **self._means(terms)}

    def _apart(self, pieces: list[Piece]) -> tuple[int, ...]:
        """What sets noise of a layer's own apart in this process."""
        return ()

    def _learn(self, player: Player, pieces: list[Piece], moment: Moment, step: int) -> None:
        """The gradients of a move."""
        for part, share in pieces:
            total, terms = self.objectives[player.name](moment, **part)
            if is_checked(total, step) and not math.isfinite(total.item()):
                raise not_finite(terms, player, self._place(step + 1), part)
            (total * share).backward(inputs=self.weights[player.name])
            self._add(player.name, total, terms)

    def _give_turn(self, player: Player) -> None:
        """Only the networks of whoever moves are in training mode, so that no batch norm learns out of turn."""
        if self._in_turn != player.name:
            self.net.eval()
            for module in player.modules:
                module.train()
            self._in_turn = player.name

    def forget_turn(self) -> None:
        """Somebody has looked in between: every network is as it is used, until the next move."""
        self.net.eval()
        self._in_turn = None

    def _means(self, terms: Terms) -> Terms:
        """The mean of every term over the pictures of a piece."""
        return means(terms)

    def agreed(self, saves: bool, stops: Callable[[], bool]) -> tuple[Callable[[], bool], Callable[[], bool]]:
        """Whether to save after this move and to stop there, to be asked then: where many train, all do."""
        return lambda: saves, stops

    def look(self, guard: Guard, earlier: list[dict[str, float]]) -> Seen:
        """What a guard sees of the networks as they are used."""
        self.forget_turn()
        with torch.no_grad():
            return guard.look(self.data, earlier)

    def _add(self, player: str, total: torch.Tensor, terms: Terms) -> None:
        with torch.no_grad():
            self._sum_up(player, {"loss": total, **self._means(terms)})

    def _sum_up(self, player: str, means: Terms) -> None:
        for name, value in means.items():
            key = f"{player}/{name}"
            value = value.detach()
            self.sums[key] = self.sums[key].add_(value) if key in self.sums else value.clone()
            self.counts[key] = self.counts.get(key, 0) + 1

    def means(self) -> dict[str, dict[str, float]]:
        """The epoch's mean of every term of every player; the sums start anew."""
        means: dict[str, dict[str, float]] = {player.name: {} for player in self.phase.players}
        for key, value in self.sums.items():
            player, name = key.split("/", 1)
            means[player][name] = value.item() / self.counts[key]
        self.sums, self.counts = {}, {}
        return means

    def check(self, step: int) -> None:
        """Refuse to keep weights that are not finite: the move that spoilt them had a finite loss."""
        for player in self.phase.players:
            if not all(torch.isfinite(parameter).all() for parameter in self.weights[player.name]):
                raise not_finite({}, player, self._place(step), {})

    def _place(self, step: int) -> str:
        """Where move number `step`, counted from 1, is."""
        epoch, batch = divmod(step - 1, self.length)
        return f"phase {self.phase.name}, epoch {epoch + 1}, batch {batch + 1} of {self.length}"

    @torch.no_grad()
    def validate(self, data: Resident, step: int) -> dict[str, float]:
        """The watched player's terms on pictures not trained on, with the same noise every time."""
        player = next((p for p in self.phase.players if p.name == self.phase.watch), self.phase.players[0])
        if len(self.feeders) > 1:
            return {}
        self.forget_turn()
        return {name: value / len(data) for name, value in self._validated(player, data, step).items()}

    def _validated(self, player: Player, data: Resident, step: int, first: int = 0, every: int = 1) -> dict[str, float]:
        """The sums over the pictures of every so many blocks."""
        sums: dict[str, float] = {}
        for rows, batch in data.batches(512, *self.parts, "validation", first=first, every=every):
            total, terms = self.objectives[player.name](Moment(math.inf, 1.0), **{next(iter(self.feeders)): batch})
            if not math.isfinite(total.item()):
                raise not_finite(terms, player, f"{self._place(step)}, on the validation pictures", {"batch": batch})
            for name, value in {"loss": total, **terms}.items():
                sums[name] = sums.get(name, 0.0) + value.float().mean().item() * len(rows)
        return sums

    def swap_average(self) -> None:
        """Exchange the weights with their running average, to look at it or to keep it."""
        for parameter, average in zip(self._trained(), self.average, strict=bool(self.average)):
            kept = parameter.detach().clone()
            parameter.data.copy_(average)
            average.copy_(kept)

    def copy(self) -> Tensors:
        """The weights and their average as they are now."""
        tensors = dict(self.net.state_dict()) | {f"average/{i}": value for i, value in enumerate(self.average)}
        return {name: value.detach().clone() for name, value in tensors.items()}

    def put_back(self, tensors: Tensors) -> None:
        """What `copy` gave, with optimisers that remember nothing."""
        for i, average in enumerate(self.average):
            average.copy_(tensors[f"average/{i}"])
        self.net.load_state_dict({name: value for name, value in tensors.items() if not name.startswith("average/")})
        self.optimisers = {player.name: self._optimiser(player) for player in self.phase.players}
        for weight in self._trained():
            weight.grad = None
        self.capture = self._capture()
        # Where losses are looked at now and then only, the epoch's sums may have met what was not finite.
        self.sums = {key: value for key, value in self.sums.items() if torch.isfinite(value)}
        self.counts = {key: self.counts[key] for key in self.sums}

    def pack(self) -> Tensors:
        tensors = {f"net/{name}": value for name, value in self.net.state_dict().items()}
        for name, optimiser in self.optimisers.items():
            tensors |= pack_optimiser(optimiser, f"optimiser/{name}")
        tensors |= {f"average/{i}": value for i, value in enumerate(self.average)}
        tensors |= {f"norms/{name}": value for name, value in self.clipping.norms.items()}
        tensors |= {f"sums/{name}": value for name, value in self.sums.items()}
        return tensors | {f"counts/{name}": torch.tensor(value) for name, value in self.counts.items()}

    def unpack(self, tensors: Tensors) -> None:
        for name, optimiser in self.optimisers.items():
            unpack_optimiser(optimiser, tensors, f"optimiser/{name}")
        for i, average in enumerate(self.average):
            average.copy_(tensors.get(f"average/{i}", average))
        device = next(self.net.parameters()).device
        self.sums, self.clipping.norms = (
            {name.removeprefix(kind): value.to(device) for name, value in tensors.items() if name.startswith(kind)}
            for kind in ("sums/", "norms/")
        )
        self.counts = {name[7:]: int(value) for name, value in tensors.items() if name.startswith("counts/")}

    def _optimiser(self, player: Player) -> torch.optim.Optimizer:
        s = self.settings
        # A rate that was chosen for one optimiser says nothing about another.
        usual = None if player.optimiser else s.learning_rate
        rate = usual if player.learning_rate is None else player.learning_rate
        optimiser = build(player.optimiser or s.optimiser, self.weights[player.name], rate, s.weight_decay)
        for group in optimiser.param_groups:
            group["initial_lr"] = player.pace * group.get("initial_lr", group["lr"])
        return optimiser

    def _capture(self) -> Capture:
        """Nothing of a move has been recorded yet."""
        draws = max(player.draws for player in self.phase.players)
        return Capture.of(self.objectives, draws, self.settings.accumulate, self.optimisers)

    def _trained(self) -> list[torch.Tensor]:
        return [parameter for weights in self.weights.values() for parameter in weights]
