"""Moves that are recorded and played are the moves that would have been made; and a move asks nothing of its device."""

import contextlib
import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tape import Tape
from torch.utils._python_dispatch import TorchDispatchMode

from isthmus import models
from isthmus.errors import TrainingError
from isthmus.images.pictures import Pictures
from isthmus.models._base import Model
from isthmus.nets.conv import Conv
from isthmus.nets.mlp import MLP
from isthmus.train import capture, clipping, feeding, muon, objective, stage
from isthmus.train.capture import Capture
from isthmus.train.devices import carried, memory_explained
from isthmus.train.feeding import Resident
from isthmus.train.players import Phase
from isthmus.train.stage import Settings, Stage

TRAINED = [name for name in models.names() if hasattr(models.make(name), "epochs")]
HOW: dict[str, Any] = {"epochs": 1, "decoder_epochs": 1, "batch_size": 16, "latent": 16, "precision": "float32"}


def pictures(n: int = 72) -> Pictures:
    from sklearn.datasets import load_digits

    digits = load_digits()
    # half of the labels, so that all that can shape codes does
    labels = np.where(np.arange(n) % 2 == 0, digits.target[:n], -1)
    return Pictures.from_array(digits.images[:n, None].astype(np.uint8), labels, classes=tuple("0123456789"))


def fitted(name: str, run: Path | None = None, **fields: Any) -> Any:
    known = models.make(name).get_params(deep=False)
    how = {key: value for key, value in (HOW | fields).items() if key in known}
    return models.make(name, **how).fit(pictures(), run=run)


def stages(model: Any, data: Resident, **fields: Any) -> Iterator[Stage]:
    """One phase after the other, as a stage freezes whoever does not move in it."""
    settings = Settings(**({"batch_size": 16, "clip": 0.5, "spikes": 2.0, "ema": 0.9} | fields))
    for number, phase in enumerate(model.phases()):
        phase = Phase(phase.name, phase.players, 3, phase.feeds, phase.watch, phase.before)
        yield Stage(model.net_, phase, number, data, settings, lambda one: one)


# -- a move asks nothing of the device ---------------------------------------------------------------------------------


class NoDoubles(TorchDispatchMode):
    """Not every device has numbers of 64 bits."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, list | tuple) else [out]:
            if isinstance(one, torch.Tensor) and one.device.type != "cpu":
                assert one.dtype != torch.float64, f"{func} makes numbers of 64 bits on the device"
        return out


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """A device whose tensors have no values: whoever asks for one, to decide or to copy it back, fails."""
    usual = torch.autocast

    def autocast(kind: str, *how: Any, **named: Any) -> Any:
        return contextlib.nullcontext() if kind == "meta" else usual(kind, *how, **named)

    monkeypatch.setattr(torch, "autocast", autocast)
    # Before the first move Muon looks at every layer, on the processor.
    monkeypatch.setattr(muon, "_spectral_norm", lambda matrix: matrix.new_ones(()))
    return torch.device("meta")


@pytest.mark.parametrize(("name", "optimiser"), [*((name, "adam") for name in TRAINED), ("vae", "muon")])
def test_a_step_asks_nothing_of_the_device(name: str, optimiser: str, meta: torch.device) -> None:
    """Nor does it make numbers of 64 bits there."""
    model = fitted(name)
    model.device_ = meta
    model.net_.to(meta)
    data = model._resident(pictures())
    for one in stages(model, data, optimiser=optimiser):
        for feeder in one.feeders.values():
            feeder.prepare()
        with NoDoubles():
            for step in range(1, 4):  # a move in fifty is looked at, the first is one of those
                one.step(step, 1.0)
        assert all(value.device == meta for value in one.sums.values())


class Asked(TorchDispatchMode):
    """How often a value was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        waits = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
        self.times += func in waits
        return func(*args, **(kwargs or {}))


def test_on_a_processor_asking_is_seen() -> None:
    """There it is free, and done at every move: the mode that counts is not blind."""
    model = fitted("vae")
    one = next(stages(model, model._resident(pictures())))
    with Asked() as asked:
        one.step(1, 1.0)
    assert asked.times > 0


# -- what is played is what would have been done -----------------------------------------------------------------------


def moves(
    make: Callable[[], Any], record: Callable[[Capture], None], count: int = 12, **fields: Any
) -> tuple[dict[str, torch.Tensor], dict[str, dict[str, float]], Stage]:
    """Weights and means after some moves of the first phase."""
    model = make()
    one = next(stages(model, model._resident(pictures()), **fields))
    record(one.capture)
    one.prepare()
    for step in range(count):
        one.step(step, 1.0)
    weights = {name: value.clone() for name, value in model.net_.state_dict().items()}
    return weights, one.means(), one


@pytest.fixture(autouse=True)
def as_on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where looking is not free, nobody looks whether a gradient is to be cut."""
    monkeypatch.setattr(clipping, "_is_free", lambda value: False)


def taped(one: Capture) -> None:
    one.reason, one.make = None, Tape


CASES = {
    "vae": lambda: fitted("vae", net=MLP(hidden=(16,)), kl_warm_up=2.0, binarise=True),
    "conv": lambda: fitted("autoencoder", net=Conv()),
    "mixture": lambda: fitted("mixture-vae", net=MLP(hidden=(16,)), components=5),
    "denoising": lambda: fitted("denoising", net=MLP(hidden=(16,), batch_norm=True), masked=0.3, patch=2),
    "both": lambda: fitted("two-step"),
}


def same(one: dict[str, dict[str, float]], other: dict[str, dict[str, float]]) -> bool:
    return all(other[player] == pytest.approx(terms, rel=1e-4, abs=1e-6) for player, terms in one.items())


@pytest.mark.parametrize("case", CASES)
def test_moves_played_are_moves_made(case: str) -> None:
    """Twelve moves over nearly three epochs, with other pictures, noise and weights of terms: the same to the bit."""
    ways: dict[str, Any] = {"learning_rate": 2**-10}  # a rate that is the same number in 32 bits
    plain, told, eager = moves(CASES[case], lambda one: None, **ways)
    played, also, one = moves(CASES[case], taped, **ways)
    assert eager.capture.played == 0
    assert one.capture.reason is None and one.capture.played > 4
    assert [name for name in plain if not torch.equal(played[name], plain[name])] == []
    assert same(told, also)


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "muon"])
def test_rates_change_while_moves_are_played(optimiser: str) -> None:
    """A rate is a number of 32 bits where it lies on the device, and of 64 elsewhere."""
    ways: dict[str, Any] = {
        "optimiser": optimiser,
        "learning_rate": 1e-3,
        "schedule": "cosine",
        "warm_up": 0.3,
        "weight_decay": 1e-3,
    }
    plain, told, _ = moves(CASES["conv"], lambda one: None, **ways)
    played, also, one = moves(CASES["conv"], taped, **ways)
    assert one.capture.played > 4
    for name in plain:
        torch.testing.assert_close(played[name], plain[name], rtol=2e-4, atol=2e-6)
    assert same(told, also)


def test_noise_is_drawn_anew_when_a_move_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in does notice where it is not: seeds that stay as they were recorded give other weights."""
    ways: dict[str, Any] = {"learning_rate": 1e-2}
    plain = moves(CASES["vae"], lambda one: None, **ways)[0]
    monkeypatch.setattr(capture._Salts, "follow", lambda self, parts: None)
    stale = moves(CASES["vae"], taped, **ways)[0]
    assert any(not torch.allclose(stale[name], plain[name], rtol=1e-3, atol=1e-5) for name in plain)


def test_what_cannot_be_recorded_is_done_as_ever_with_a_reason() -> None:
    def counting(one: Capture) -> None:
        taped(one)

        class Asking(Tape):
            def record(self, work: Callable[[], Any]) -> None:
                super().record(lambda: {name: value + value.item() for name, value in work().items()})

        one.make = Asking

    one = moves(CASES["vae"], counting)[2]
    assert one.capture.reason == "a move cannot be recorded: operation not permitted when stream is capturing"
    assert one.capture.told() == {"not_replayed": one.capture.reason} and one.capture.played == 0
    assert all(parameter.grad is None for parameter in one.net.parameters())


def test_who_cannot_be_recorded_is_known_before() -> None:
    def why(name: str, **fields: Any) -> str | None:
        model = fitted(name)
        one = next(stages(model, model._resident(pictures()), **fields))
        on_a_card = {key: copy.copy(value) for key, value in one.objectives.items()}
        for value in on_a_card.values():
            value.parameters = lambda: iter([torch.nn.Parameter(_OnACard(3))])
        draws = max(player.draws for player in one.phase.players)
        return Capture.of(on_a_card, draws, one.settings.accumulate, one.optimisers).reason

    assert why("vae") is None
    assert why("gan") == "several players move in turn"
    assert why("vae", accumulate=2) == "batches are computed in pieces"
    assert why("vae", optimiser="sgd") == "the optimiser keeps numbers on the processor"
    model = fitted("vae")
    assert next(stages(model, model._resident(pictures()))).capture.told() == {}


class _OnACard(torch.Tensor):
    """As far as whoever asks for its device can tell."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return torch.device("cuda")


# -- pictures that stay on the device ----------------------------------------------------------------------------------


def test_pictures_that_stay_on_the_device_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted("vae")
    plain = next(stages(model, model._resident(pictures()))).feeders["batch"]
    monkeypatch.setattr(feeding, "fits", lambda values, device: True)
    data = model._resident(pictures())
    there = next(stages(model, data)).feeders["batch"]
    assert data.there is not None and plain.data.there is None
    for move in range(7):
        one, other = plain.batch(move), there.batch(move)
        assert torch.equal(one.x, other.x) and torch.equal(one.y, other.y)
        assert torch.equal(one.noise.normal("any", 3), other.noise.normal("any", 3))


# -- what is chosen, and what does not fit -----------------------------------------------------------------------------


def test_a_batch_that_does_not_fit_is_one_sentence() -> None:
    far = torch.device("cuda", 0)
    told = r"batch of 512 pictures does not fit into the memory of cuda:0.*late 2"
    with pytest.raises(TrainingError, match=told), memory_explained(512, 1, far):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    with pytest.raises(TrainingError, match=r"computed in 4 pieces.*accumulate 8"), memory_explained(512, 4, far):
        raise RuntimeError("MPS backend out of memory")
    with pytest.raises(RuntimeError, match="shapes"), memory_explained(512, 1, far):
        raise RuntimeError("shapes do not match")


def test_a_run_says_what_was_chosen_and_why(tmp_path: Path) -> None:
    fitted("vae", run=tmp_path / "told", batch_size=None, device="cpu", precision="auto")
    chosen = json.loads((tmp_path / "told" / "run.json").read_text())["chosen"]
    assert chosen["device"] == "cpu, as it was asked for"
    assert chosen["precision"].split(", ")[0] in ("float32", "bf16")
    assert chosen["batch_size"].startswith("16, not ")  # 72 pictures
    fitted("vae", run=tmp_path / "asked", batch_size=24)
    chosen = json.loads((tmp_path / "asked" / "run.json").read_text())["chosen"]
    assert chosen["precision"] == "float32, as it was asked for" and chosen["batch_size"] == "24, as it was asked for"


def test_numbers_that_a_device_does_not_know_are_floats_there() -> None:
    for kind, wanted in ((torch.float64, torch.float32), (torch.uint16, torch.float32), (torch.uint8, torch.uint8)):
        assert carried(torch.zeros(3, dtype=kind), torch.device("meta")).dtype == wanted
        assert carried(torch.zeros(3, dtype=kind), torch.device("cpu")).dtype == kind


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_benchmarks_on_a_card_that_is_not_there_are_one_sentence() -> None:
    words = [sys.executable, "-m", "isthmus", "benchmark", "--device", "cuda"]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == 1 and told.stderr.count("\n") == 1 and "no CUDA device" in told.stderr


# -- on a graphics card ------------------------------------------------------------------------------------------------

on_a_card = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
on_apples = pytest.mark.skipif(not torch.backends.mps.is_available(), reason="there is no MPS device here")


def on(device: str, name: str, **fields: Any) -> Model:
    made: Model = fitted(name, device=device, **fields)
    return made


@on_a_card
@pytest.mark.parametrize("optimiser", ["adam", "muon"])
@pytest.mark.parametrize("case", ["vae", "autoencoder", "mixture-vae", "denoising"])
def test_on_a_card_moves_played_are_moves_made(case: str, optimiser: str) -> None:
    ways: dict[str, Any] = {"optimiser": optimiser, "learning_rate": 1e-3, "schedule": "cosine"}

    def eagerly(one: Capture) -> None:
        one.reason = "asked to"

    plain, told, _ = moves(lambda: on("cuda", case), eagerly, **ways)
    played, also, one = moves(lambda: on("cuda", case), lambda one: None, **ways)
    assert one.capture.reason is None and one.capture.played > 4
    for name in plain:
        torch.testing.assert_close(played[name], plain[name], rtol=1e-3, atol=1e-5)
    for player, terms in told.items():
        assert also[player] == pytest.approx(terms, rel=1e-3, abs=1e-5)


@on_a_card
@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("name", TRAINED)
def test_on_a_card_the_processor_is_not_waited_for(name: str, bf16: bool) -> None:
    """Pictures are resident; moves made as ever, warmed up and played, none of those that are looked at."""
    model = on("cuda", name)
    data = model._resident(pictures())  # type: ignore[attr-defined]
    assert data.there is not None and data.there[0].device.type == "cuda"
    for one in stages(model, data, bf16=bf16):
        one.prepare()
        for step in range(8):  # libraries wait when they are first used, and recording does
            one.step(step, 1.0)
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
        try:
            for step in range(8, 13):
                one.step(step, 1.0)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        told = one.means()
        assert all(np.isfinite(value) for terms in told.values() for value in terms.values())


@on_a_card
@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_on_a_card_a_run_goes_on_where_it_stopped(optimiser: str, tmp_path: Any) -> None:
    """What optimisers remember comes back to where their kernels look for it."""
    model = on("cuda", "vae")
    data = model._resident(pictures())  # type: ignore[attr-defined]
    one = next(stages(model, data, optimiser=optimiser))
    for step in range(6):
        one.step(step, 1.0)
    kept = {name: value.cpu().clone() for name, value in one.pack().items()}
    again = next(stages(model, data, optimiser=optimiser))
    again.unpack(kept)
    for step in range(6, 9):
        again.step(step, 1.0)
    assert all(torch.isfinite(parameter).all() for parameter in model.net_.parameters())


@on_a_card
@pytest.mark.parametrize("name", TRAINED)
def test_on_a_card_a_model_learns_as_on_the_processor(name: str) -> None:
    here, there = fitted(name, device="cpu"), on("cuda", name)
    if there.encodes:
        assert np.abs(here.transform(pictures()) - there.transform(pictures())).mean() < 0.05


@on_apples
@pytest.mark.parametrize("name", TRAINED)
def test_on_apples_device_a_model_learns(name: str) -> None:
    model = on("mps", name)
    assert np.isfinite(model.score_samples(pictures())).all()


def test_losses_off_the_processor_are_looked_at_once_in_fifty_moves() -> None:
    assert stage.is_checked is objective.is_checked
    far = torch.zeros((), device="meta")
    assert [step for step in range(120) if objective.is_checked(far, step)] == [0, 50, 100]
