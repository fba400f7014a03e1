"""A guarded phase goes back to its last good point, says so, gives up when it must, and resumes exactly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from isthmus.errors import TrainingError
from isthmus.images.scaling import Scaling
from isthmus.keys import keys_of
from isthmus.run import Run
from isthmus.train.checkpoint import Store
from isthmus.train.feeding import Resident
from isthmus.train.loop import train
from isthmus.train.players import Batch, Guard, Moment, Phase, Player, Seen, Terms
from isthmus.train.stage import Settings, Stage
from isthmus.train.watchers import Watcher

HOW = Settings(batch_size=8, optimiser="adam", learning_rate=0.02)


class Toy:
    """Learns the mean of its pictures, until a pull that grows out of nowhere takes over."""

    def __init__(self, wild_from: int, pull: float = 1e6, guard: bool = True, most: int = 5) -> None:
        torch.manual_seed(0)
        self.net = nn.ModuleDict({"one": nn.Linear(4, 1)})
        self.calls, self.wild_from, self.pull, self.guard, self.most = 0, wild_from, pull, guard, most
        self.weights_seen: list[float] = []

    def loss(self, batch: Batch) -> Terms:
        self.calls += 1
        out = self.net["one"](batch.x)[:, 0]
        wild = out * (self.pull if self.calls > self.wild_from else 0.0)
        return {"kept": (out - 1).square(), "wild": wild}

    def weights(self, moment: Moment) -> dict[str, float]:
        self.weights_seen.append(0.0 if moment.setbacks else 1.0)
        return {"wild": self.weights_seen[-1]}

    def look(self, data: Resident, earlier: list[dict[str, float]]) -> Seen:
        with torch.no_grad():
            error = float((self.net["one"](data.pictures(torch.arange(len(data)))) - 1).square().mean())
        least = min((seen["error"] for seen in earlier), default=error)
        harm = f"the error rose to {error:.3g}" if error > 1.5 * least + 0.1 else None
        return Seen({"error": error}, harm, keep=error <= 1.1 * least)

    def train(self, run: Path | None = None, watchers: tuple[Watcher, ...] = (), epochs: float = 20) -> None:
        guard = Guard(self.look, looks=80, most=self.most) if self.guard else None
        player = Player("one", (self.net["one"],), self.loss, self.weights)
        store = Store(Run(run)) if run else None
        train(
            self.net, [Phase("only", (player,), epochs, guard=guard)], pictures(), HOW, store=store, watchers=watchers
        )


def pictures() -> Resident:
    x = np.random.default_rng(0).random((32, 4), np.float32)
    labels = np.full(32, -1)
    return Resident.of(x, labels, keys_of(map(str, range(32))), Scaling(), torch.device("cpu"))


class Told(Watcher):
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def on_epoch(self, line: dict[str, Any]) -> None:
        self.lines.append(line)


def error(toy: Toy) -> float:
    return toy.look(pictures(), []).numbers["error"]


def test_what_goes_wrong_is_undone_and_told_and_training_goes_on_with_the_weight_that_the_model_then_gives() -> None:
    told, toy = Told(), Toy(wild_from=9)
    toy.train(watchers=(told,))
    sentences = [sentence for line in told.lines for sentence in line.get("setbacks", [])]
    assert len(sentences) == 1
    assert "the error rose" in sentences[0]
    assert "went back to the last good point" in sentences[0]
    assert toy.weights_seen[-1] == 0.0
    assert error(toy) < 0.1
    assert [line["guard"]["error"] for line in told.lines][-1] == pytest.approx(error(toy), rel=1e-3)
    loose = Toy(wild_from=9, guard=False)
    loose.train()
    assert error(loose) > 1, "without a guard the same pull must do harm, or this test shows nothing"


def test_a_loss_that_is_not_finite_is_a_setback_too_and_without_a_guard_an_error() -> None:
    told, toy = Told(), Toy(wild_from=9, pull=float("nan"))
    toy.train(
        watchers=(told,)
    )  # NaN times 0 is NaN: it comes back until the guard gives up, with weights that are good
    sentences = [sentence for line in told.lines for sentence in line.get("setbacks", [])]
    assert len(sentences) == 6
    assert "wild is not finite" in sentences[0]
    assert "too often" in sentences[-1]
    assert error(toy) < 2
    with pytest.raises(TrainingError, match="wild"):
        Toy(wild_from=9, pull=float("nan"), guard=False).train()


def test_after_too_many_setbacks_the_phase_ends_at_its_last_good_point() -> None:
    told, toy = Told(), Toy(wild_from=9, most=2)
    toy.weights = lambda moment: {"wild": 1.0}  # type: ignore[method-assign]
    toy.train(watchers=(told,))
    sentences = [sentence for line in told.lines for sentence in line.get("setbacks", [])]
    assert len(sentences) == 3
    assert "too often" in sentences[-1]
    assert toy.calls < 20 * 4, "it ended early"
    best = min(line["guard"]["error"] for line in told.lines)
    assert error(toy) <= best + 1e-6


@pytest.mark.parametrize("move", [7, 12, 15])
def test_a_guarded_run_goes_on_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: int) -> None:
    class Crash(Watcher):
        def on_step(self, done: int) -> None:
            if done == move:
                raise RuntimeError("a crash")

    calm = Toy(wild_from=9)
    calm.train(tmp_path / "calm")
    monkeypatch.setattr(Store, "due", lambda store: True)
    torn = Toy(wild_from=9)
    with pytest.raises(RuntimeError, match="a crash"):
        torn.train(tmp_path / "torn", watchers=(Crash(),))
    again = Toy(wild_from=9)
    # The pull depends on how many moves there were; the crash came before the last one was saved.
    again.calls = torn.calls - 1
    again.train(tmp_path / "torn")
    for name, value in calm.net.state_dict().items():
        assert torch.equal(value, again.net.state_dict()[name])
    lines = [Run(tmp_path / name).read_lines("history.jsonl") for name in ("calm", "torn")]
    for line in [*lines[0], *lines[1]]:
        del line["seconds"]
    assert lines[0] == lines[1]


def test_a_guard_that_gave_up_has_given_up_after_a_resume_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Crash(Watcher):
        def on_epoch(self, line: dict[str, Any]) -> None:
            if any("too often" in sentence for sentence in line.get("setbacks", [])):
                raise KeyboardInterrupt

    monkeypatch.setattr(Store, "due", lambda store: True)
    toy = Toy(wild_from=9, most=2)
    toy.weights = lambda moment: {"wild": 1.0}  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        toy.train(tmp_path, watchers=(Crash(),))
    again = Toy(wild_from=9, most=2)
    again.weights, again.calls = (lambda moment: {"wild": 1.0}), toy.calls - 1  # type: ignore[method-assign]
    again.train(tmp_path)
    assert again.calls <= toy.calls + 1, "it did not train on"


def test_going_back_leaves_no_gradient_no_best_and_no_sum_behind_that_is_not_finite() -> None:
    toy = Toy(wild_from=10**9)
    phase = Phase("only", (Player("one", (toy.net["one"],), toy.loss, toy.weights),), 1, guard=Guard(toy.look))
    stage = Stage(toy.net, phase, 0, pictures(), HOW, lambda objective: objective)
    good = stage.copy()
    toy.net["one"].weight.grad = torch.ones(1, 4)
    stage.sums, stage.counts = (
        {"one/kept": torch.tensor(2.0), "one/wild": torch.tensor(torch.nan)},
        {"one/kept": 1, "one/wild": 1},
    )
    stage.put_back(good)
    assert toy.net["one"].weight.grad is None
    assert stage.means() == {"one": {"kept": 2.0}}


def test_a_validation_loss_that_is_not_finite_leaves_the_last_good_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Toy(wild_from=10**9, guard=False)
    seen: list[dict[str, torch.Tensor]] = []

    def validate(stage: Stage, data: Resident, step: int) -> dict[str, float]:
        if step > stage.length:
            raise TrainingError("not finite", "Mend it.")
        seen.append({name: value.clone() for name, value in stage.net.state_dict().items()})
        return {"loss": 1.0}

    monkeypatch.setattr(Stage, "validate", validate)
    player = Player("one", (toy.net["one"],), toy.loss)
    with pytest.raises(TrainingError):
        train(toy.net, [Phase("only", (player,), 3)], pictures(), HOW, pictures())
    assert all(torch.equal(value, seen[0][name]) for name, value in toy.net.state_dict().items())
