"""Adversarial training that is right by derivation: which way the decoder goes, what a slope costs, what is refused."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from isthmus import GAN, Run, load, resume
from isthmus.cli import main
from isthmus.errors import UsageError
from isthmus.images.scaling import Scaling
from isthmus.keys import keys_of
from isthmus.rng import Noise
from isthmus.train.diagnosis import always_told, one_picture
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch
from isthmus.train.stage import Settings, Stage
from isthmus.train.watchers import Watcher

TINY: dict[str, Any] = {"latent": 3, "epochs": 1, "batch_size": 32, "precision": "float32"}
OBJECTIVES = pytest.mark.parametrize("objective", ["least-squares", "wasserstein"])


def noise_for(n: int) -> Noise:
    return Noise(torch.from_numpy(keys_of(map(str, range(n)))), "toy")


class Slope(nn.Module):
    """A discriminator with one slope everywhere."""

    def __init__(self, slope: torch.Tensor) -> None:
        super().__init__()
        self.slope = nn.Parameter(slope)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.flatten(1) @ self.slope)[:, None]


class Everywhere(nn.Module):
    """A decoder that draws one picture, whatever the code."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(z), *self.logits.shape)


def toy(objective: str, slope: torch.Tensor, logits: torch.Tensor) -> GAN:
    model = GAN(objective=objective, epochs=1)
    model.shape_, model.latent_shape_, model.pictures_ = tuple(logits.shape), (2,), 8
    model.net_ = nn.ModuleDict({"discriminator": Slope(slope), "decoder": Everywhere(logits)})
    return model


@OBJECTIVES
def test_the_decoder_s_gradient_is_the_one_derived_and_its_step_raises_the_opinion(objective: str) -> None:
    slope, logits = torch.tensor([0.3, -0.2, 0.1]), torch.tensor([0.5, -1.0, 2.0])
    model = toy(objective, slope, logits)
    batch = Batch(torch.zeros(8, 3), torch.full((8,), -1), noise_for(8))
    _, decoder = model.phases()[0].players
    terms = decoder.loss(batch)
    assert {name: value.shape for name, value in terms.items()} == {"made": (8,), "overshoot": (8,)}
    found = torch.autograd.grad(terms["made"].mean(), model.net_["decoder"].logits)[0]
    made = logits.sigmoid()
    opinion = made @ slope
    pull = 2 * (opinion - 1) if objective == "least-squares" else torch.tensor(-1.0)
    torch.testing.assert_close(found, pull * slope * made * (1 - made))
    after = (logits - 0.1 * found).sigmoid() @ slope
    assert after > opinion


@OBJECTIVES
def test_a_step_of_the_loop_moves_each_player_its_own_way(objective: str) -> None:
    """After the discriminator's move it tells them better; after the decoder's move its pictures look more real."""
    model = toy(objective, torch.tensor([0.6, -0.64, 0.48]), torch.tensor([0.5, -1.0, 2.0]))  # a slope of one
    pixels = np.random.default_rng(0).random((8, 3), np.float32)
    data = Resident.of(pixels, np.full(8, -1), keys_of(map(str, range(8))), Scaling(0, 1), torch.device("cpu"))
    how = Settings(batch_size=8, optimiser="sgd", learning_rate=0.05)
    seen = []

    def opinions() -> tuple[float, float]:
        with torch.no_grad():
            real, made = data.pictures(torch.arange(8)), model.decode(torch.zeros(1, 2))
            return float(model.opinion(real).mean()), float(model.opinion(made))

    phase = model.phases()[0]
    for players in (phase.players[:1], phase.players[1:]):
        phase.players = players
        seen.append(opinions())
        Stage(model.net_, phase, 0, data, how, lambda objective: objective).step(0, 1.0)
    seen.append(opinions())
    assert seen[1][0] - seen[1][1] > seen[0][0] - seen[0][1]
    assert seen[2][0] == seen[1][0]
    assert seen[2][1] > seen[1][1]


def test_the_slope_is_priced_by_how_far_it_is_from_one() -> None:
    real, made = torch.rand(6, 1, 4, 4), torch.rand(6, 1, 4, 4)
    direction = torch.randn(16)
    for slope in (0.0, 0.5, 1.0, 3.0):
        model = toy("wasserstein", slope * direction / direction.norm(), torch.zeros(1, 4, 4))
        priced = model.slope_off_one(real, made, noise_for(6))
        torch.testing.assert_close(priced, torch.full((6,), (slope - 1) ** 2), atol=1e-5, rtol=1e-5)
        with torch.no_grad():  # as on validation pictures
            assert model.slope_off_one(real, made, noise_for(6)).shape == (6,)


def test_logits_that_run_away_come_back() -> None:
    for far in (9.0, -9.0):
        model = toy("least-squares", torch.zeros(3), torch.full((3,), far))
        terms = model.passed_off(Batch(torch.zeros(4, 3), torch.full((4,), -1), noise_for(4)))
        gradient = torch.autograd.grad(terms["overshoot"].mean(), model.net_["decoder"].logits)[0]
        assert (gradient.sign() == math.copysign(1, far)).all()


@OBJECTIVES
def test_both_players_are_in_the_history_and_a_torn_run_goes_on(
    objective: str, digits: np.ndarray, tmp_path: Path
) -> None:
    class Crash(Watcher):
        def on_step(self, done: int) -> None:
            if done == 3:
                raise KeyboardInterrupt

    x, how = digits[:96], TINY | {"objective": objective, "draws": 2}
    calm = GAN(**how).fit(x, validation=digits[100:120], run=tmp_path / "calm")
    with pytest.raises(KeyboardInterrupt):
        GAN(**how | {"epochs": 2}).fit(x, run=tmp_path / "torn", watchers=[Crash()])
    whole = GAN(**how | {"epochs": 2}).fit(x)
    again = resume(tmp_path / "torn", x)
    for key, value in whole.net_.state_dict().items():
        assert torch.equal(value, again.net_.state_dict()[key])
    line = Run(tmp_path / "calm").read_lines("history.jsonl")[-1]
    told = {"real", "made", "loss"} | ({"slope"} if objective == "wasserstein" else set())
    assert line["players"].keys() == {"discriminator", "decoder"}
    assert line["players"]["discriminator"].keys() == line["validation"].keys() == told
    np.testing.assert_array_equal(load(tmp_path / "calm").sample(5), calm.sample(5))


def test_the_discriminator_is_slower_unless_it_is_a_critic() -> None:
    players = toy("least-squares", torch.zeros(3), torch.zeros(3)).phases()[0].players
    assert [(player.draws, player.pace) for player in players] == [(1, 0.1), (1, 1.0)]
    critic, decoder = toy("wasserstein", torch.zeros(3), torch.zeros(3)).phases()[0].players
    assert (critic.draws, critic.pace, decoder.draws) == (5, 1.0, 1)


def test_what_goes_wrong_is_told_in_words() -> None:
    spread = torch.rand(50, 1, 4, 4)
    assert one_picture(spread, spread.flip(0)) is None
    assert "nearly one picture: made ones vary 1% as much" in str(one_picture(spread, 0.1 * spread))
    assert always_told(torch.randn(50), torch.randn(50)) is None
    assert "the discriminator has won" in str(always_told(torch.ones(50), -torch.ones(50)))


@pytest.mark.parametrize("fields", [{"patience": 3}, {"schedule": "plateau"}, {"draws": 0}, {"objective": "minimax"}])
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], digits: np.ndarray) -> None:
    with pytest.raises(UsageError, match="does not tell when|draws is 0|Choose one of"):
        GAN(**TINY | fields).fit(digits[:40])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gan") / "run"
    words = ["fit", "digits", "--model", "gan", "--latent", "3", "--epochs", "0.2", "--quiet", "--out", str(folder)]
    assert main(words) == 0
    return folder


@pytest.mark.parametrize(
    "verb",
    ["encode", "reconstruct", "interpolate", "classify", "label-curve", "label-next", "anomalies", "like"],
)
def test_a_verb_that_needs_codes_says_so_in_one_sentence(
    verb: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = {"encode": ["-o", "c.npy"], "reconstruct": ["-o", "p.png"], "interpolate": ["-o", "p.png"]}
    words = ["sample", str(run), "--like", "digits", "-o", "p.png"] if verb == "like" else [verb, str(run)]
    capsys.readouterr()
    assert main([*words, *(str(tmp_path / w) if "." in w else w for w in out.get(verb, []))]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip().splitlines()[-1] == (
        "isthmus: GAN does not encode: it draws pictures and reads none. "
        "Fit a model that does, such as vae or contrastive."
    )


def test_a_verb_that_needs_none_works(run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "codes.npy", load(run).sample_codes(4))
    assert main(["sample", str(run), "-n", "4", "-o", str(tmp_path / "s.npy")]) == 0
    assert main(["sample", str(run), "-o", str(tmp_path / "s.png")]) == 0
    assert main(["decode", str(run), str(tmp_path / "codes.npy"), "-o", str(tmp_path / "d.npy")]) == 0
    assert main(["info", str(run)]) == 0
    sampled, decoded = (np.load(tmp_path / name, allow_pickle=False) for name in ("s.npy", "d.npy"))
    np.testing.assert_array_equal(sampled, decoded)
