"""Laws of the one loop: who moves, on what, with which noise; and that nothing goes wrong in silence."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from isthmus import VAE, load, models, resume
from isthmus.errors import DataError, IsthmusError, TrainingError, UsageError
from isthmus.images.scaling import Scaling
from isthmus.keys import keys_of
from isthmus.nets.mlp import MLP
from isthmus.run import Run
from isthmus.train.checkpoint import Store, load_tensors
from isthmus.train.feeding import Feeder, Resident
from isthmus.train.loop import train
from isthmus.train.objective import Piece
from isthmus.train.optimisers import OPTIMISERS
from isthmus.train.players import Batch, Feed, Phase, Player, Terms
from isthmus.train.schedules import PLATEAU_FACTOR, PLATEAU_PATIENCE, SCHEDULES, factor
from isthmus.train.stage import Settings, Stage
from isthmus.train.watchers import Watcher

Halves = tuple[np.ndarray, np.ndarray]
Weights = dict[str, torch.Tensor]

TRAINED = [name for name in models.names() if hasattr(models.make(name), "epochs")]
TINY: dict[str, Any] = {"epochs": 2, "batch_size": 16, "precision": "float32", "latent": 3}


def copy(net: nn.Module) -> Weights:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def differing(one: Weights, other: Weights) -> set[str]:
    return {name for name in one if not torch.equal(one[name], other[name])}


def small(**fields: Any) -> VAE:
    return VAE(**({"net": MLP(hidden=(8,))} | TINY | fields))


def resident(pictures: np.ndarray, labels: np.ndarray | None = None) -> Resident:
    keys = keys_of(map(str, range(len(pictures))))
    labels = np.full(len(pictures), -1) if labels is None else labels
    return Resident.of(pictures.reshape(len(pictures), -1), labels, keys, Scaling(0, 16), torch.device("cpu"))


class Stop(Exception):
    """What a test throws to end training as a crash would."""


class At(Watcher):
    """Does something after a certain move."""

    def __init__(self, move: int, act: Callable[[], None]) -> None:
        self.move, self.act = move, act

    def on_step(self, done: int) -> None:
        if done == self.move:
            self.act()


def crash() -> None:
    raise Stop


def press_control_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def pressing(number: int) -> Callable[[Stage, int, float], None]:
    """A move during which, the given time, somebody presses Ctrl-C."""
    real = Stage.step

    def step(stage: Stage, move: int, lowered: float) -> None:
        real(stage, move, lowered)
        if move == number:
            press_control_c()

    return step


# -- who moves --------------------------------------------------------------------------------------------------------


@dataclass
class Move:
    phase: str
    player: Player
    before: Weights
    after: Weights
    batches: dict[str, Batch]


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[Move]:
    """Every move of every player, with all weights and statistics before and after it."""
    seen: list[Move] = []
    real = Stage._move

    def spied(stage: Stage, player: Player, pieces: list[Piece], *rest: Any) -> None:
        before = copy(stage.net)
        real(stage, player, pieces, *rest)
        ((batches, _),) = pieces
        seen.append(Move(stage.phase.name, player, before, copy(stage.net), batches))
        mine = {id(p) for p in player.parameters()}
        others = [p for p in stage.net.parameters() if id(p) not in mine]
        assert all(p.grad is None for p in others), f"{player.name}'s move left gradients on others"

    monkeypatch.setattr(Stage, "_move", spied)
    return seen


def owned(model: Any, player: Player) -> set[str]:
    """The names of the weights and statistics that are the player's."""
    mine = {id(module) for module in player.modules}
    tops = [name for name, module in model.net_.named_modules() if id(module) in mine]
    return {name for name in model.net_.state_dict() if any(not top or name.startswith(f"{top}.") for top in tops)}


def check_isolation(model: Any, moves: list[Move]) -> None:
    moved: dict[str, int] = {}
    for move in moves:
        changed, mine = differing(move.before, move.after), owned(model, move.player)
        assert changed <= mine, f"{move.player.name}'s move changed {sorted(changed - mine)}"
        moved[move.player.name] = moved.get(move.player.name, 0) + bool(changed)
    # The very first move of a phase may stand still: the learning rate rises from 0.
    assert moved
    assert all(count > 3 for count in moved.values())


def test_a_move_changes_the_player_who_moves_and_nobody_else(
    two_players: Any, half_labelled: Halves, moves: list[Move]
) -> None:
    model = two_players(**TINY).fit(*half_labelled)
    check_isolation(model, moves)
    assert {move.player.name for move in moves} == {"drawer", "critic", "mover"}


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_are_isolated_in_every_model(name: str, half_labelled: Halves, moves: list[Move]) -> None:
    short = {"decoder_epochs": 4} if "decoder_epochs" in models.make(name).get_params() else {}
    check_isolation(models.make(name, **TINY, **short).fit(*half_labelled), moves)


def test_a_frozen_part_keeps_its_weights_and_statistics(
    two_players: Any, half_labelled: Halves, moves: list[Move]
) -> None:
    two_players(**TINY).fit(*half_labelled)
    second = [move for move in moves if move.phase == "move"]
    changed = differing(second[0].before, second[-1].after)
    assert not {name for name in changed if name.startswith(("encoder", "decoder"))}
    assert any("running_mean" in name for name in changed), "the players' own batch norms should have learnt"


def test_a_player_moves_as_often_as_it_draws_and_on_fresh_pictures(
    two_players: Any, half_labelled: Halves, moves: list[Move]
) -> None:
    two_players(**TINY).fit(*half_labelled)
    second = [move for move in moves if move.phase == "move"]
    steps = 2 * (96 // 16)
    assert [move.player.name for move in second] == ["critic", "critic", "critic", "mover"] * steps
    first, other, third = (set(move.batches["free"].noise.keys.tolist()) for move in second[:3])
    assert not first & other
    assert not first & third
    assert not other & third
    # Three draws a step see all the pictures three times as often, each time in full.
    drawn = [key for move in second if move.player.draws == 3 for key in move.batches["free"].noise.keys.tolist()]
    assert all(drawn.count(key) == 6 for key in set(drawn))
    assert len(set(drawn)) == 96


def test_feeds_hold_their_own_pictures(two_players: Any, half_labelled: Halves, moves: list[Move]) -> None:
    two_players(**TINY).fit(*half_labelled)
    for move in moves:
        if move.phase == "move":
            assert (move.batches["free"].y == -1).all()
            assert len(move.batches["free"].x) == 16
            assert (move.batches["known"].y >= 0).all()
            assert len(move.batches["known"].x) == 8
        else:
            assert set(move.batches) == {"batch"}


def test_cached_codes_are_those_of_the_frozen_encoder(
    two_players: Any, half_labelled: Halves, moves: list[Move]
) -> None:
    model = two_players(**TINY).fit(*half_labelled)
    for move in moves:
        if move.phase == "move":
            batch = move.batches["free"]
            with torch.no_grad():
                torch.testing.assert_close(batch.codes, model.encode(batch.x).mean, rtol=1e-5, atol=1e-6)


def test_a_feed_without_pictures_is_refused_by_name(two_players: Any, digits: np.ndarray) -> None:
    with pytest.raises(DataError, match="no labelled pictures"):
        two_players(**TINY).fit(digits[:40])


@pytest.mark.parametrize(("pictures", "size"), [(1, 4), (4, 4), (5, 4), (6, 4), (7, 4), (9, 4), (3, 10)])
def test_an_epoch_shows_every_picture_once_and_no_batch_holds_only_one(pictures: int, size: int) -> None:
    feeder = Feeder(Feed(), resident(np.zeros((pictures, 2, 2), np.uint8)), size, 0)
    for epoch in range(2):
        batches = [feeder.batch(epoch * feeder.length + place) for place in range(feeder.length)]
        keys = [key for batch in batches for key in batch.noise.keys.tolist()]
        assert len(keys) == len(set(keys)) == pictures
        assert pictures == 1 or min(len(batch.x) for batch in batches) > 1


def test_every_epoch_has_another_order_and_other_noise() -> None:
    feeder = Feeder(Feed(), resident(np.zeros((20, 2, 2), np.uint8)), 20, 0)
    first, second = feeder.batch(0), feeder.batch(1)
    assert not torch.equal(first.noise.keys, second.noise.keys)
    one, other = (batch.noise.normal("latent", 2)[batch.noise.keys.argsort()] for batch in (first, second))
    assert not (one == other).any()


def test_streams_of_one_feed_do_not_disturb_each_other() -> None:
    feeder, alone = (Feeder(Feed(), resident(np.zeros((10, 2, 2), np.uint8)), 3, 0) for _ in range(2))
    for move in range(9):
        feeder.batch(3 * move, "often")
        assert torch.equal(feeder.batch(move).noise.keys, alone.batch(move).noise.keys)


# -- stopping and going on --------------------------------------------------------------------------------------------


def history(folder: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in Run(folder).read_lines("history.jsonl")]


@pytest.mark.parametrize("saves", [lambda store: True, lambda store: False], ids=["each-move", "never"])
@pytest.mark.parametrize("move", [3, 16, 23])
def test_a_crash_in_either_phase_and_a_resume_are_as_if_nothing_had_been(
    two_players: Any,
    half_labelled: Halves,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    move: int,
    saves: Callable[[Store], bool],
) -> None:
    how = TINY | {"ema": 0.9, "accumulate": 2}
    calm = two_players(**how).fit(*half_labelled, run=tmp_path / "calm")
    monkeypatch.setattr(Store, "due", saves)
    with pytest.raises(Stop):
        two_players(**how).fit(*half_labelled, run=tmp_path / "torn", watchers=[At(move, crash)])
    assert not (tmp_path / "torn" / "weights.safetensors").exists()
    again = resume(tmp_path / "torn", *half_labelled)
    assert not differing(copy(calm.net_), copy(again.net_))
    assert history(tmp_path / "calm") == history(tmp_path / "torn")


@pytest.mark.parametrize("optimiser", sorted(OPTIMISERS))
def test_control_c_keeps_the_place_exactly_with_every_optimiser(
    digits: np.ndarray, tmp_path: Path, optimiser: str
) -> None:
    how: dict[str, Any] = {"optimiser": optimiser, "learning_rate": 1e-3}
    calm = small(**how).fit(digits[:100])
    with pytest.raises(KeyboardInterrupt):
        small(**how).fit(digits[:100], run=tmp_path / "run", watchers=[At(8, press_control_c)])
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
    again = resume(tmp_path / "run", digits[:100])
    assert not differing(copy(calm.net_), copy(again.net_))


def test_early_stopping_goes_on_where_it_was(
    digits: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [5.0, 4.0, 4.5, 4.2, 3.0, 3.1, 3.2, 1.0]

    def validate(stage: Stage, data: Resident, step: int) -> dict[str, float]:
        return {"loss": losses[step // stage.length - 1]}

    monkeypatch.setattr(Stage, "validate", validate)
    how: dict[str, Any] = {"patience": 2, "epochs": 8}
    with pytest.raises(UsageError, match="validation"):
        small(**how).fit(digits[:48])
    held = digits[100:120]
    reached: list[Weights] = []
    model = small(**how)
    model.fit(digits[:48], validation=held, watchers=[At(m, lambda: reached.append(copy(model.net_))) for m in (6, 9)])
    assert not differing(copy(model.net_), reached[0]), "the second epoch was the best of the four that were run"
    for move in (7, 11):  # in the middle of an epoch, and during the very move after which patience runs out
        out = tmp_path / str(move)
        with monkeypatch.context() as patch:
            patch.setattr(Stage, "step", pressing(move))
            with pytest.raises(KeyboardInterrupt):
                small(**how).fit(digits[:48], validation=held, run=out)
        again = resume(out, digits[:48], validation=held)
        assert len(history(out)) == 4
        assert not differing(copy(model.net_), copy(again.net_))


def test_what_was_measured_about_precision_stays_when_a_run_goes_on(
    digits: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [True, False]
    monkeypatch.setattr("isthmus.models._trained._BIG_ENOUGH_FOR_BF16", 0)
    monkeypatch.setattr("isthmus.models._trained.faster_in_bf16", lambda step, device: answers.pop(0))
    with pytest.raises(KeyboardInterrupt):
        small(precision="auto").fit(digits[:100], run=tmp_path, watchers=[At(3, press_control_c)])
    assert resume(tmp_path, digits[:100]).precision_ == "bf16"
    assert Run(tmp_path).read_json("run.json")["precision"] == "bf16"


# -- what a move does -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [2, 3, 7])
def test_a_batch_in_pieces_is_the_whole_batch(digits: np.ndarray, pieces: int) -> None:
    how: dict[str, Any] = {"optimiser": "sgd", "batch_size": 25, "learning_rate": 0.01}
    whole, parts = (small(accumulate=n, **how).fit(digits[:110]) for n in (1, pieces))
    for one, other in zip(whole.net_.parameters(), parts.net_.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_more_pieces_than_a_feed_has_pictures_are_as_many_as_it_has(two_players: Any, half_labelled: Halves) -> None:
    model = two_players(**TINY | {"accumulate": 12}).fit(*half_labelled)
    assert all(torch.isfinite(p).all() for p in model.net_.parameters())


def test_the_average_of_the_weights_is_what_is_kept(digits: np.ndarray) -> None:
    model, path = small(ema=0.8, optimiser="sgd"), []

    class Walk(Watcher):
        def on_start(self, steps: int, done: int) -> None:
            path.append(copy(model.net_))

        def on_step(self, done: int) -> None:
            path.append(copy(model.net_))

    model.fit(digits[:64], watchers=[Walk()])
    assert len(path) == 1 + 2 * 4
    for name, kept in model.net_.named_parameters():
        average = path[0][name]
        for weights in path[1:]:
            average = 0.8 * average + 0.2 * weights[name]
        torch.testing.assert_close(kept.detach(), average)
        assert not torch.equal(kept, path[-1][name])


def length_of_the_first_step(digits: np.ndarray, **fields: Any) -> float:
    """With SGD at rate 1 the step is the gradient."""
    at: list[Weights] = []
    model = small(optimiser="sgd", learning_rate=1.0, schedule="constant", warm_up=0.0, **fields)

    class Once(Watcher):
        def on_start(self, steps: int, done: int) -> None:
            at.append(copy(model.net_))

        def on_step(self, done: int) -> None:
            at.append(copy(model.net_))
            raise Stop

    with pytest.raises(Stop):
        model.fit(digits[:64], watchers=[Once()])
    return sum((at[1][name] - at[0][name]).square().sum().item() for name in at[0]) ** 0.5


def test_clipping_bounds_the_gradient_that_moves_the_weights(digits: np.ndarray) -> None:
    free = length_of_the_first_step(digits)
    assert free > 0.1
    assert length_of_the_first_step(digits, clip=0.01) == pytest.approx(0.01, rel=1e-3)
    assert length_of_the_first_step(digits, clip=0.01, accumulate=3) == pytest.approx(0.01, rel=1e-3)
    assert length_of_the_first_step(digits, clip=10 * free) == pytest.approx(free, rel=1e-4)


def test_a_player_whose_first_gradient_is_zero_is_not_held_still(digits: np.ndarray) -> None:
    net = nn.ModuleDict({"one": nn.Linear(64, 1)})
    start = copy(net)

    def late(batch: Batch) -> Terms:
        calls.append(1)
        return {"square": net["one"](batch.x).square()[:, 0] * float(len(calls) > 2)}

    calls: list[int] = []
    phase = Phase("late", (Player("one", (net["one"],), late),), 2)
    train(net, [phase], resident(digits[:64]), Settings(batch_size=16, spikes=1.5))
    assert differing(start, copy(net))


def test_a_player_may_have_an_optimiser_a_rate_and_a_pace_of_its_own(digits: np.ndarray) -> None:
    net = nn.ModuleDict({name: nn.Linear(64, 1, bias=False) for name in ("usual", "own", "slow")})
    start, x = copy(net), resident(digits[:16])

    def loss(name: str) -> Callable[..., Terms]:
        return lambda batch: {"mean": net[name](batch.x)[:, 0]}

    players = (
        Player("usual", (net["usual"],), loss("usual")),
        Player("own", (net["own"],), loss("own"), optimiser="sgd", learning_rate=0.5),
        Player("slow", (net["slow"],), loss("slow"), optimiser="sgd", learning_rate=0.5, pace=0.1),
    )
    settings = Settings(batch_size=16, optimiser="adam", learning_rate=1e-3, schedule="constant", spikes=0.0)
    train(net, [Phase("one", players, 1)], x, settings)
    gradient = x.pictures(torch.arange(16)).mean(0)
    torch.testing.assert_close(net["own"].weight[0], start["own.weight"][0] - 0.5 * gradient)
    torch.testing.assert_close(net["slow"].weight[0], start["slow.weight"][0] - 0.05 * gradient)
    moved = (net["usual"].weight - start["usual.weight"]).abs().max().item()
    assert moved == pytest.approx(1e-3, rel=1e-3), "the first step of Adam is as long as its rate"


def test_the_learning_rate_and_the_decay_are_those_that_were_asked_for(digits: np.ndarray) -> None:
    full = length_of_the_first_step(digits)
    at: list[Weights] = []
    model = small(optimiser="sgd", learning_rate=0.25, schedule="constant", warm_up=0.0, weight_decay=0.0)
    for decay in (0.0, 0.5):
        model.set_params(weight_decay=decay)
        with pytest.raises(Stop):
            model.fit(digits[:64], watchers=[At(1, crash)])
        at.append(copy(model.net_))
    start = small(epochs=0.0001, optimiser="sgd", learning_rate=0.0).fit(digits[:64])
    step = sum((at[0][n] - w).square().sum().item() for n, w in copy(start.net_).items()) ** 0.5
    assert step == pytest.approx(full / 4, rel=1e-3)
    for name, first in copy(start.net_).items():
        torch.testing.assert_close(at[0][name] - at[1][name], 0.25 * 0.5 * first, rtol=1e-2, atol=1e-5)


def test_a_plateau_lowers_the_rate(digits: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered: list[float] = []
    real = Stage.step

    def spied(stage: Stage, step: int, by: float) -> None:
        lowered.append(by)
        real(stage, step, by)

    monkeypatch.setattr(Stage, "step", spied)
    # Nothing moves at rate 0, so that no epoch is better than the first.
    model = small(schedule="plateau", learning_rate=0.0, epochs=2 * PLATEAU_PATIENCE + 2)
    model.fit(digits[:32], validation=digits[100:120])
    ends = lowered[::2]
    assert ends[: PLATEAU_PATIENCE + 1] == [1.0] * (PLATEAU_PATIENCE + 1)
    assert ends[PLATEAU_PATIENCE + 1] == pytest.approx(PLATEAU_FACTOR)
    assert ends[-1] == pytest.approx(PLATEAU_FACTOR**2)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_stays_within_its_rate_and_warms_up(name: str) -> None:
    shares = np.linspace(0, 1, 101)
    rates = [factor(name, share, 0.1) for share in shares]
    assert min(rates) >= 0
    assert max(rates) <= 1 + 1e-9
    assert max(rates) > 0.85
    assert rates[0] < 0.1
    if name in ("cosine", "linear", "one-cycle"):
        assert rates[-1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_the_kl_is_never_silently_zero_and_beta_weighs_it(digits: np.ndarray, tmp_path: Path, beta: float) -> None:
    small(beta=beta, learning_rate=1e-2, epochs=6).fit(digits[:64], run=tmp_path)
    terms = Run(tmp_path).read_lines("history.jsonl")[-1]["players"]["vae"]
    assert terms["kl"] > 0.01
    assert terms["loss"] == pytest.approx(terms["distortion"] + beta * terms["kl"], rel=1e-5)


def test_beta_reaches_the_encoder_s_gradient_and_warm_up_delays_it(digits: np.ndarray) -> None:
    how: dict[str, Any] = {"optimiser": "sgd", "learning_rate": 0.01, "epochs": 0.5, "warm_up": 0.0}
    none, some, warming = (
        copy(small(**how, **extra).fit(digits[:32]).net_)
        for extra in ({"beta": 0.0}, {"beta": 4.0}, {"beta": 4.0, "kl_warm_up": 1000.0})
    )
    assert any(name.startswith("encoder") for name in differing(none, some))
    assert not any(name.startswith("decoder") for name in differing(none, some)), "in the first move, only the encoder"
    assert not differing(none, warming), "the weight of the very first move is 0"


def test_the_kl_warms_up_over_its_epochs(digits: np.ndarray, tmp_path: Path) -> None:
    small(beta=2.0, kl_warm_up=4.0, epochs=5, batch_size=64).fit(digits[:64], run=tmp_path)
    for line in Run(tmp_path).read_lines("history.jsonl"):
        terms = line["players"]["vae"]
        weight = 2.0 * min(1.0, (line["epoch"] - 1) / 4)
        assert terms["loss"] == pytest.approx(terms["distortion"] + weight * terms["kl"], rel=1e-5)


# -- noise ------------------------------------------------------------------------------------------------------------


def noise_seen(digits: np.ndarray, moves: list[Move], batch_size: int) -> dict[int, torch.Tensor]:
    """The latent noise of every picture in the first epoch."""
    moves.clear()
    small(epochs=1, batch_size=batch_size).fit(digits[:100])
    seen = {}
    for move in moves:
        batch = move.batches["batch"]
        seen.update(zip(batch.noise.keys.tolist(), batch.noise.normal("latent", 3), strict=True))
    return seen


def test_other_batch_sizes_see_the_same_noise(digits: np.ndarray, moves: list[Move]) -> None:
    one, other = noise_seen(digits, moves, 16), noise_seen(digits, moves, 33)
    assert len(one) == 100
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_pieces_of_a_batch_keep_its_noise(digits: np.ndarray) -> None:
    batch = Feeder(Feed(), resident(digits[:30]), 30, 0).batch(0)
    whole = batch.noise.normal("latent", 5)
    parts = torch.cat([batch.piece(i, 4).noise.normal("latent", 5) for i in range(4)])
    assert torch.equal(whole, parts)


# -- what wraps the loss ----------------------------------------------------------------------------------------------


def test_whatever_wraps_the_loss_sees_every_forward_pass(digits: np.ndarray) -> None:
    forwards: list[str] = []

    class Wrapper(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *rest: Any, **batches: Batch) -> tuple[torch.Tensor, Terms]:
            forwards.append("training" if self.inner.parts[0].training else "validation")
            return self.inner(*rest, **batches)

    net = nn.ModuleDict({"one": nn.Linear(64, 1), "two": nn.Linear(64, 1)})
    calls: list[str] = []

    def loss(name: str) -> Callable[[Batch], Terms]:
        def square(batch: Batch) -> Terms:
            calls.append(name)
            return {"square": net[name](batch.x).square()[:, 0]}

        return square

    players = tuple(Player(name, (net[name],), loss(name)) for name in net)
    data = resident(digits[:64])
    train(net, [Phase("both", players, 3)], data, Settings(batch_size=16), resident(digits[64:80]), wrap=Wrapper)
    assert len(forwards) == len(calls) == 3 * (2 * 4 + 1)
    assert forwards.count("validation") == 3
    assert not net["one"].training
    assert all(p.requires_grad for p in net.parameters())


# -- nothing goes wrong in silence ------------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class Spoilt(VAE):
    """Its loss or its gradient is not finite from a certain move on."""

    spoil: Any = None
    _calls = 0

    def loss(self, batch: Batch) -> Terms:
        terms = super().loss(batch)
        self._calls += 1
        return self.spoil(terms, self._calls) if torch.is_grad_enabled() else terms


def kl_is_nan(terms: Terms, call: int) -> Terms:
    return terms | {"kl": terms["kl"] * float("nan")} if call == 8 else terms


def gradient_is_nan(terms: Terms, call: int) -> Terms:
    """Finite on the way forward: the square root of 0 has an infinite slope."""
    return terms | {"kl": terms["kl"] + (terms["kl"] * 0).sqrt()} if call == 8 else terms


def spoilt(spoil: Callable[[Terms, int], Terms]) -> tuple[Spoilt, At, list[Weights]]:
    good: list[Weights] = []
    model = Spoilt(net=MLP(hidden=(8,)), spoil=spoil, **TINY | {"epochs": 3})
    return model, At(4, lambda: good.append(copy(model.net_))), good


@pytest.mark.parametrize("spoil", [kl_is_nan, gradient_is_nan])
def test_a_loss_that_is_not_finite_says_which_where_why_and_what_to_do(
    digits: np.ndarray, spoil: Callable[[Terms, int], Terms]
) -> None:
    model, after_the_first_epoch, good = spoilt(spoil)
    with pytest.raises(TrainingError) as caught:
        model.fit(digits[:64], watchers=[after_the_first_epoch])
    message = str(caught.value)
    what = "kl is not finite" if spoil is kl_is_nan else "weights are not finite"
    for part in ("phase fit", "epoch 2", "batch 4 of 4", what, "cause", "--learning-rate", "last good"):
        assert part in message
    assert not differing(copy(model.net_), good[0])
    assert not model.net_.training
    assert np.isfinite(model.transform(digits[:4])).all()


def test_a_validation_loss_that_is_not_finite_is_said_too(digits: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    real = VAE.loss

    def loss(model: VAE, batch: Batch) -> Terms:
        terms = real(model, batch)
        return terms if torch.is_grad_enabled() else {k: v * float("inf") for k, v in terms.items()}

    monkeypatch.setattr(VAE, "loss", loss)
    with pytest.raises(TrainingError, match="validation pictures"):
        small().fit(digits[:64], validation=digits[64:80])


def test_a_blown_up_run_keeps_its_last_good_checkpoint(
    digits: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "due", lambda store: True)
    model, _, _ = spoilt(gradient_is_nan)
    monkeypatch.setattr("isthmus.models._saving.to_json", lambda estimator: {})
    with pytest.raises(TrainingError):
        model.fit(digits[:64], run=tmp_path)
    tensors, state = load_tensors(Run(tmp_path), "checkpoint.safetensors")
    assert state["step"] == 7
    assert all(torch.isfinite(value).all() for value in tensors.values())
    with pytest.raises(IsthmusError, match="not finished"):
        load(tmp_path)
