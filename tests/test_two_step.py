"""The two-step adversarial VAE: right by test, whatever is labelled, and clean where it cannot work."""

import copy
import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from isthmus import GAN, TwoStep, load
from isthmus.cli import main
from isthmus.errors import IsthmusError, UsageError
from isthmus.images.arrays import class_codes
from isthmus.images.pictures import Pictures
from isthmus.nets.mlp import MLP
from isthmus.nets.paired import Paired
from isthmus.terms.likelihood import squared_error
from isthmus.train.feeding import Feeder
from isthmus.train.loop import train
from isthmus.train.players import Feed, Moment, Phase, Player
from isthmus.train.stage import Stage
from isthmus.train.watchers import Watcher

SMALL: dict[str, Any] = {
    "net": MLP(hidden=(32, 16), batch_norm=True),
    "latent": 4,
    "epochs": 2,
    "decoder_epochs": 2,
    "batch_size": 32,
    "precision": "float32",
}


@pytest.fixture(scope="module")
def labelled() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images[:400].astype(np.uint8), found.target[:400]


def weights(model: Any, part: str) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.net_[part].state_dict().items()}


# -- the second step touches nothing of the first ----------------------------------------------------------------------


@pytest.mark.parametrize("shaped_by", ["labels", "both", "views"])
def test_what_the_first_step_learnt_does_not_change_by_one_bit_in_the_second(
    labelled: tuple[np.ndarray, np.ndarray], shaped_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = labelled
    if shaped_by == "both":
        y = np.where(np.arange(len(y)) % 4 == 0, y, -1)
    parts = ["encoder", "projector", "sketcher", *([] if shaped_by == "views" else ["classifier"])]
    before: dict[str, dict[str, torch.Tensor]] = {}
    real = Stage.step

    def spied(stage: Stage, step: int, lowered: float) -> None:
        if stage.phase.name == "draw" and not before:
            before.update({part: weights(model, part) for part in parts})
            before["decoder"] = weights(model, "decoder")
        real(stage, step, lowered)

    monkeypatch.setattr(Stage, "step", spied)
    model = TwoStep(**SMALL, shaped_by=shaped_by, sketch=1.0)
    model.fit(x, y)
    assert any("running_mean" in name for name in before["encoder"]), "batch norm is among what must not change"
    for part in parts:
        after = weights(model, part)
        assert all(torch.equal(value, after[name]) for name, value in before[part].items()), part
    assert not all(torch.equal(value, before["decoder"][name]) for name, value in weights(model, "decoder").items())


# -- the adversarial term ----------------------------------------------------------------------------------------------


def two_step_with(x: np.ndarray, y: np.ndarray, **fields: Any) -> tuple[TwoStep, Any]:
    model = TwoStep(**SMALL | fields).fit(x, y)
    phase = model.phases()[1]
    data = model._resident(Pictures.from_array(x[:, None], y))
    return model, Feeder(phase.feeds["batch"], data, 32, 0).batch(0)


def test_the_adversarial_gradient_at_the_decoder_has_the_sign_and_size_of_the_formula(
    labelled: tuple[np.ndarray, np.ndarray],
) -> None:
    model, batch = two_step_with(*labelled, alpha=(), pixels=0.0, gamma=0.0, beta=0.5)
    slope = torch.linspace(-1, 1, 64)

    class Straight(nn.Module):
        """Dis(x) = w.x, whose gradient is w."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1) @ slope[:, None]

    model.net_["discriminator"] = Straight()
    pictures: list[torch.Tensor] = []
    real = model.decode

    def decode(z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        made = real(z)
        made.retain_grad()
        pictures.append(made)
        return made

    model.decode = decode  # type: ignore[method-assign]
    terms = model.draw(batch)
    (model.pull(Moment(1.0, 1.0))["adversarial"] * terms["adversarial"].mean()).backward()
    made = pictures[0]
    behind = (batch.x.flatten(1) - made.detach().flatten(1)) @ slope
    expected = -2 * 0.5 * behind[:, None] * slope / len(made)
    torch.testing.assert_close(made.grad.flatten(1), expected)
    # Going down that gradient brings the discriminator's opinion of what is drawn to that of the real picture.
    moved = made.detach().flatten(1) - made.grad.flatten(1)
    assert (((batch.x.flatten(1) - moved) @ slope).abs() < behind.abs()).all()


def test_nothing_of_the_decoder_s_move_reaches_the_discriminator_nor_the_other_way(
    labelled: tuple[np.ndarray, np.ndarray],
) -> None:
    model, batch = two_step_with(*labelled)
    for parameter in model.net_.parameters():
        parameter.grad = None
    sum(term.mean() for name, term in model.judge(batch).items() if name != "told_apart").backward()
    assert all(p.grad is None for p in model.net_["decoder"].parameters())
    assert all(p.grad is not None for p in model.net_["discriminator"].parameters())


def test_relative_balance_makes_beta_the_share_of_what_reconstruction_costs(
    labelled: tuple[np.ndarray, np.ndarray],
) -> None:
    model, batch = two_step_with(*labelled, balance="relative", gamma=0.0, pixels=0.0)
    terms = model.draw(batch)
    assert terms["adversarial"].mean().item() == pytest.approx(terms["features"].mean().item(), rel=1e-4)


def test_beta_warms_up_and_every_setback_halves_it() -> None:
    model = TwoStep(beta=0.4, adversarial_warm_up=0.5)
    assert model.pull(Moment(0.0, 0.0))["adversarial"] == 0
    assert model.pull(Moment(1.0, 0.25))["adversarial"] == pytest.approx(0.2)
    assert model.pull(Moment(1.0, 0.9))["adversarial"] == pytest.approx(0.4)
    assert model.pull(Moment(1.0, 0.9, setbacks=2))["adversarial"] == pytest.approx(0.1)


def test_with_pixels_alone_the_second_step_is_the_plain_decoder(labelled: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = labelled
    model = TwoStep(**SMALL, alpha=(), pixels=1.0, beta=0.0, gamma=0.0)
    start: list[Any] = []
    real = Stage.prepare

    def spied(stage: Stage) -> None:
        if stage.phase.name == "draw":
            start.append(copy.deepcopy(stage.net.state_dict()))
        real(stage)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "prepare", spied)
        model.fit(x, y)
    drawn = weights(model, "decoder")
    plain = copy.deepcopy(model)
    plain.net_.load_state_dict(start[0])

    def error(batch: Any) -> dict[str, torch.Tensor]:
        return {"error": squared_error(plain.decode(plain.code(batch)), batch.x)}

    data = plain._resident(Pictures.from_array(x[:, None], y))
    player = Player("decoder", (plain.net_["decoder"],), error)
    phases = (
        Phase("shape", (Player("encoder", (plain.net_["encoder"],), error),), 0),
        Phase("draw", (player,), 2, {"batch": Feed(cache=plain.cached)}),
    )
    train(plain.net_, phases, data, plain._settings(phases, data, None, None))
    assert all(torch.equal(value, drawn[name]) for name, value in weights(plain, "decoder").items())


# -- the first step ------------------------------------------------------------------------------------------------


def test_kl_and_cross_entropy_at_weight_one_collapse_as_they_must_and_it_is_named(
    labelled: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = labelled
    fair = [row for c in range(10) for row in np.flatnonzero(y == c)[:30]]
    x, y = x[fair], y[fair]
    terms = {}
    for kl in (1.0, 0.01):
        model = TwoStep(**SMALL | {"epochs": 30, "decoder_epochs": 0}, kl=kl).fit(x, y)
        with torch.no_grad():
            posterior = model.encode(model.tensor(x))
            told = model.told(posterior.mean)
            kl_term = float(posterior.kl().sum(1).mean())
            ce_term = float(nn.functional.cross_entropy(told, torch.from_numpy(y)))
        terms[kl] = kl_term + ce_term, kl_term, any("collapsed" in remark for remark in model.remarks_)
    # KL + CE >= I(X;Z) + H(Y|Z) >= H(Y): ten classes, equally common.
    assert terms[1.0][0] > np.log(10) - 0.15
    assert terms[1.0][1] < 0.2
    assert terms[1.0][2]
    assert terms[0.01][1] > 1
    assert not terms[0.01][2]


def test_the_classifier_tells_classes_by_name_and_is_saved(
    labelled: tuple[np.ndarray, np.ndarray], tmp_path: Any
) -> None:
    x, y = labelled
    named = np.array([f"digit {c}" for c in y])
    model = TwoStep(**SMALL | {"epochs": 20, "decoder_epochs": 20}).fit(x, named, run=tmp_path)
    assert (model.predict(x) == named).mean() > 0.9
    np.testing.assert_array_equal(load(tmp_path).predict_proba(x), model.predict_proba(x))
    drawn = model.sample(40, y="digit 3")
    assert drawn.shape == (40, 8, 8)
    assert (model.predict(drawn) == "digit 3").mean() > 0.5
    with pytest.raises(UsageError, match="no class 'digit 11'"):
        model.sample(2, y="digit 11")


@pytest.mark.parametrize("share", [0, 20])
def test_few_labels_or_none_are_enough(labelled: tuple[np.ndarray, np.ndarray], share: int) -> None:
    x, y = labelled
    some = np.where(np.arange(len(y)) % share == 0, y, -1) if share else None
    model = TwoStep(**SMALL).fit(x, some)
    assert model.transform(x).shape == (400, 4)
    assert any("views" in remark for remark in model.remarks_)
    assert model.sample(3).shape == (3, 8, 8)
    if some is None:
        with pytest.raises(UsageError, match="tells no classes"):
            model.predict(x)


def test_rows_of_a_table_and_signals_are_taken_with_labels_and_without() -> None:
    random = np.random.default_rng(0)
    y = np.arange(200) % 3
    wave = np.sin(np.linspace(0, 6, 40)[None] * (1 + y[:, None])) + 0.2 * random.normal(size=(200, 40))
    for labels in (y, None, np.where(np.arange(200) % 10 == 0, y, -1)):
        model = TwoStep(**SMALL | {"epochs": 10}).fit(wave.astype(np.float32), labels)
        assert model.inverse_transform(model.transform(wave.astype(np.float32))).shape == wave.shape


def test_a_class_is_drawn_from_where_its_codes_are_or_refused(labelled: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = labelled
    names = np.array([f"digit {c}" for c in y], dtype=object)
    alone = TwoStep(**SMALL).fit(x, ["same"] * len(x))
    assert alone.sample_codes(200).std(0).mean() > 0
    with pytest.raises(UsageError, match="no training picture was known to be of class 'same'"):
        alone.sample(2, y="same")
    views = TwoStep(**SMALL, shaped_by="views").fit(x, names)
    assert views.drawn_classes == ()
    assert views.sample(3).shape == (3, 8, 8)
    split = np.where(np.arange(len(x)) % 5 == 0, "validation", "train").astype(object)
    rare = names.copy()
    rare[np.flatnonzero(split == "train")[:1]] = "digit rare"
    rare[np.flatnonzero(split == "validation")[:3]] = "digit unseen"
    labels, classes = class_codes(rare.astype(str), len(x))
    model = TwoStep(**SMALL).fit(Pictures.from_array(x[:, None], labels, classes=classes, split=split))
    assert np.isfinite(model.sample_codes(5, y="digit rare")).all()
    assert set(model.drawn_classes) == set(classes) - {"digit unseen"}, "what is drawn unasked leaves it out"
    with pytest.raises(UsageError, match="'digit unseen'"):
        model.sample(2, y="digit unseen")


def test_early_stopping_by_pictures_without_labels_is_refused(labelled: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = labelled
    with pytest.raises(UsageError, match="without labels"):
        TwoStep(**SMALL, patience=2).fit(x[:300], y[:300], validation=x[300:])
    model = TwoStep(**SMALL, patience=2).fit(x[:300], y[:300], validation=(x[300:], y[300:]))
    assert model.transform(x).shape == (400, 4)


def test_like_is_around_the_picture_and_not_around_the_prior(
    labelled: tuple[np.ndarray, np.ndarray], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = labelled
    TwoStep(**SMALL | {"epochs": 20}).fit(x, y, run=tmp_path / "run")
    np.save(tmp_path / "one.npy", x[:1])
    words = ["sample", str(tmp_path / "run"), "--like", str(tmp_path / "one.npy"), "-n", "50"]
    assert main([*words, "--spread", "0.01", "-o", str(tmp_path / "s.npy")]) == 0
    model = load(tmp_path / "run")
    around, itself = (
        model.transform(np.load(tmp_path / "s.npy")),
        model.transform(model.inverse_transform(model.transform(x[:1]))),
    )
    assert np.abs(around - itself).mean() < 0.1 * model.transform(x).std(0).mean()
    assert main([*words, "--class", "3", "-o", str(tmp_path / "s.npy")]) == 2
    assert "--class or --like" in capsys.readouterr().err


def test_another_decoder_reads_the_codes_of_a_run(labelled: tuple[np.ndarray, np.ndarray], tmp_path: Any) -> None:
    x, y = labelled
    first = TwoStep(**SMALL | {"decoder_epochs": 0}).fit(x, y, run=tmp_path / "first")
    second = TwoStep(**SMALL, beta=0.0, codes_from=str(tmp_path / "first")).fit(x, y, run=tmp_path / "second")
    np.testing.assert_array_equal(first.transform(x), second.transform(x))
    np.testing.assert_array_equal(first.predict_proba(x), load(tmp_path / "second").predict_proba(x))
    assert -second.score(x) < -first.score(x)
    kept = json.loads((tmp_path / "second" / "run.json").read_text("utf-8"))
    assert kept["model"]["params"]["codes_from"] == "../first", "no place on this machine is kept"
    assert load(tmp_path / "second").codes_from == str(tmp_path / "first")
    with pytest.raises(UsageError, match="not those of this model"):
        TwoStep(**SMALL | {"latent": 5}, codes_from=str(tmp_path / "first")).fit(x, y)
    with pytest.raises(IsthmusError, match="no run folder"):
        TwoStep(**SMALL, codes_from=str(tmp_path / "nowhere")).fit(x, y)
    GAN(net=MLP(hidden=(8,)), latent=4, epochs=0.01, precision="float32").fit(x, run=tmp_path / "gan")
    with pytest.raises(UsageError, match="not those of this model"):
        TwoStep(**SMALL, codes_from=str(tmp_path / "gan")).fit(x, y)


def test_more_weights_than_layers_are_refused_before_anything_is_trained(
    labelled: tuple[np.ndarray, np.ndarray],
) -> None:
    with pytest.raises(UsageError, match="alpha weighs 9 layers"):
        TwoStep(**SMALL | {"epochs": 1e6}, alpha=(1.0,) * 9).fit(*labelled)


def test_the_paper_s_network_has_its_layers_and_takes_odd_sizes() -> None:
    net = Paired(channels=(4, 8, 8), hidden=(16, 12, 8))
    encoder, decoder = net.encoder((1, 28, 28), 6), net.decoder(3, (1, 28, 28))
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 6 * 3  # six, each with a residual block of two
    assert sum(isinstance(m, nn.MaxPool2d) for m in encoder.modules()) == 2
    assert sum(isinstance(m, nn.Linear) for m in encoder.modules()) == 4
    assert len([m for m in decoder.modules() if isinstance(m, nn.Conv2d)]) == 6 * 3 + 1
    assert sum(isinstance(m, nn.Linear) for m in decoder.modules()) == 3
    for shape in ((1, 28, 28), (3, 7, 5), (2, 3, 3)):
        z = net.encoder(shape, 6)(torch.rand(4, *shape))
        assert net.decoder(6, shape)(z).shape == (4, *shape)


# -- bad input -----------------------------------------------------------------------------------------------------


def test_one_class_shapes_nothing_and_views_take_over(labelled: tuple[np.ndarray, np.ndarray]) -> None:
    x = labelled[0]
    model = TwoStep(**SMALL).fit(x, np.zeros(len(x), int))
    assert any("shaped by views" in remark for remark in model.remarks_)
    with pytest.raises(UsageError, match="fewer than two classes"):
        TwoStep(**SMALL, shaped_by="labels").fit(x, np.zeros(len(x), int))


def test_a_hundred_and_one_unbalanced_classes_and_two_valued_pictures_are_taken(
    labelled: tuple[np.ndarray, np.ndarray],
) -> None:
    x = (labelled[0] > 7).astype(np.uint8)
    y = np.minimum((np.random.default_rng(0).pareto(0.7, len(x)) * 3).astype(int), 100)
    y[:101] = np.arange(101)
    model = TwoStep(**SMALL).fit(x, y)
    assert model.predict_proba(x).shape == (400, 101)
    assert np.isfinite(model.sample_codes(50)).all()
    assert set(np.unique(model.inverse_transform(model.transform(x)))) <= {0, 1}


def test_a_batch_of_one_is_refused_where_batch_norm_needs_more(labelled: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(UsageError, match="batch of one"):
        TwoStep(**SMALL | {"batch_size": 1}).fit(*labelled)


def test_a_beta_that_diverges_ends_in_a_sane_decoder_and_says_so(labelled: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = labelled
    model = TwoStep(**SMALL | {"decoder_epochs": 10, "learning_rate": 0.02}, beta=1e9)
    lines: list[dict[str, Any]] = []

    class Told(Watcher):
        def on_epoch(self, line: dict[str, Any]) -> None:
            lines.append(line)

    try:
        model.fit(x, y, watchers=[Told()])
    except IsthmusError as stopped:
        assert "decoder" in str(stopped)
    made = model.inverse_transform(model.transform(x))
    assert np.isfinite(made).all()
    assert any(line.get("setbacks") for line in lines) or len(lines) >= 10
