"""What holds for every model that is found, whoever wrote it: shapes, seeds, files, limits."""

import ast
import functools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import isthmus
from isthmus import PCA, VAE, BetaTCVAE, Denoising, Linear, discover, load, models
from isthmus.cli import main
from isthmus.errors import DataError, IsthmusError, RunError, UsageError
from isthmus.images.pictures import Pictures
from isthmus.keys import keys_of
from isthmus.models._loading import from_json
from isthmus.models._saving import to_json
from isthmus.nets.mlp import MLP
from isthmus.rng import Noise
from isthmus.train.feeding import Feeder
from isthmus.train.players import Moment

NAMES = models.names()
NETS = discover.names("nets")


def tiny(name: str, **fields: Any) -> Any:
    """The model with settings that take no time; those it does not have are left out."""
    known = models.make(name).get_params(deep=False)
    small = {"epochs": 2, "decoder_epochs": 2, "batch_size": 16, "latent": 3, "precision": "float32"}
    return models.make(name, **({key: value for key, value in small.items() if key in known} | fields))


def pictures(n: int = 40) -> np.ndarray:
    from sklearn.datasets import load_digits

    return load_digits().images[:n].astype(np.uint8)


def size(model: Any) -> int:
    """Numbers in a code; one of maps is flat in NumPy."""
    return math.prod(model.latent_shape_)


def a_moment() -> Moment:
    return Moment(epochs=1.0, share=0.5)


@functools.cache
def fitted(name: str) -> Any:
    return tiny(name).fit(pictures())


def said(model: Any, x: Any) -> np.ndarray:
    """What the model says of pictures: their codes, or their scores where it does not encode."""
    found: np.ndarray = model.transform(x) if model.encodes else model.score_samples(x)
    return found


def some_codes(model: Any, x: Any) -> np.ndarray:
    """One a picture: the picture's own, or drawn where it has none."""
    found: np.ndarray = model.transform(x) if model.encodes else model.sample_codes(len(x))
    return found


ENCODERS = [name for name in NAMES if models.make(name).encodes]

every_model = pytest.mark.parametrize("name", NAMES)
every_encoder = pytest.mark.parametrize("name", ENCODERS)
every_trained = pytest.mark.parametrize("name", [name for name in NAMES if hasattr(models.make(name), "phases")])


# -- shapes -----------------------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "table-float32": lambda x: x.reshape(len(x), -1).astype(np.float32) / 16,
    "table-uint8": lambda x: x.reshape(len(x), -1),
    "grey-uint8": lambda x: x,
    "grey-float32": lambda x: (x / 16).astype(np.float32),
    "grey-uint16": lambda x: x.astype(np.uint16) * 4095,
    "first-uint8": lambda x: np.stack([x, 16 - x, x // 2], axis=1),
    "first-5-channels": lambda x: np.stack([x] * 5, axis=1).astype(np.float32),
    "last-uint16": lambda x: np.stack([x, 16 - x, x // 2], axis=-1).astype(np.uint16),
    "last-float32": lambda x: np.stack([x, 16 - x], axis=-1).astype(np.float32) * 3 - 7,
    "odd-sizes": lambda x: x[:, :5, :7],
    "torch-grey": lambda x: torch.from_numpy(x),
    "torch-first": lambda x: torch.from_numpy(np.stack([x] * 3, axis=1)).float() / 16,
    "torch-table": lambda x: torch.from_numpy(x.reshape(len(x), -1)).float() / 16,
}


@every_model
@pytest.mark.parametrize("kind", KINDS)
def test_codes_are_flat_and_pictures_come_back_in_their_own_layout_and_type(name: str, kind: str) -> None:
    x = KINDS[kind](pictures(24))
    model = tiny(name, epochs=1) if "epochs" in models.make(name).get_params() else tiny(name)
    codes = some_codes(model.fit(x), x)
    assert codes.shape == (24, size(model))
    assert codes.dtype == np.float32
    assert np.isfinite(codes).all()
    back = model.inverse_transform(codes)
    kept = x.numpy() if isinstance(x, torch.Tensor) else x
    assert back.shape == kept.shape
    assert back.dtype == kept.dtype
    # In the pictures' own units, not in the network's.
    assert abs(float(back.mean()) - kept.mean()) < 0.35 * np.ptp(kept)
    assert model.score_samples(x).shape == (24,)
    assert model.sample(5).shape == (5, *kept.shape[1:])
    assert model.n_features_in_ == kept[0].size


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("shape", [(8, 8), (1, 13), (3, 3), (9, 4), (28, 28)])
def test_every_net_takes_every_size(net: str, shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).random((6, 2, *shape), np.float32)
    model = isthmus.Autoencoder(net=net, latent=2, epochs=1, batch_size=4, precision="float32", axes="NCHW").fit(x)
    assert model.inverse_transform(model.transform(x)).shape == x.shape


@pytest.mark.parametrize("name", [name for name in NAMES if models.make(name)._wants_pictures()])
def test_a_table_for_a_convolutional_net_is_square_or_refused_with_the_remedy(name: str) -> None:
    assert tiny(name).fit(pictures().reshape(40, 64)).shape_ == (1, 8, 8)
    with pytest.raises(UsageError, match=r"no square picture.*net=\"mlp\""):
        tiny(name).fit(np.zeros((40, 63), np.uint8))


def test_pictures_in_another_layout_than_the_model_s_are_refused_rather_than_scrambled() -> None:
    x = KINDS["last-uint16"](pictures(24))
    model = tiny("autoencoder").fit(x)
    with pytest.raises(DataError, match="NHWC"):
        model.transform(x.transpose(0, 3, 1, 2))
    assert model.inverse_transform(model.transform(x[:3])).shape == (3, 8, 8, 3)


@every_model
def test_a_model_fitted_on_grey_pictures_takes_their_rows_and_the_reverse(name: str) -> None:
    x = pictures()
    rows = x.reshape(40, 64)
    np.testing.assert_array_equal(said(fitted(name), rows), said(fitted(name), x))
    with pytest.raises(IsthmusError):
        said(fitted(name), x[:, :7])


# -- one number for each picture --------------------------------------------------------------------------------------


@every_trained
def test_every_term_of_every_loss_has_one_value_per_picture(name: str) -> None:
    model = fitted(name)
    data = model._resident(Pictures.from_array(pictures()[:, None]))
    for phase in model.phases():
        batches = {key: Feeder(feed, data, 7, 0).batch(0) for key, feed in phase.feeds.items()}
        sizes = {len(batch.x) for batch in batches.values()}
        for player in phase.players:
            terms = player.loss(**batches)
            unknown = set(player.weights(a_moment())) - set(terms)
            assert not unknown, f"{unknown} are weighted, but no terms of the loss"
            assert terms
            assert all(value.ndim == 1 and len(value) in sizes for value in terms.values())


@every_model
def test_a_picture_scores_and_encodes_the_same_in_any_company(name: str) -> None:
    model, x = fitted(name), pictures()
    order = np.random.default_rng(0).permutation(len(x))
    for method in [model.score_samples, *([model.transform] if model.encodes else [])]:
        whole = method(x)
        np.testing.assert_array_equal(method(x[order]), whole[order])
        np.testing.assert_array_equal(np.concatenate([method(x[i : i + 7]) for i in range(0, 40, 7)]), whole)
    codes = some_codes(model, x)
    np.testing.assert_array_equal(model.inverse_transform(codes[:1])[0], model.inverse_transform(codes)[0])
    assert model.score(x) == pytest.approx(model.score_samples(x).mean(), rel=1e-6)


@every_model
def test_nothing_in_is_refused_and_no_code_is_no_picture(name: str) -> None:
    with pytest.raises((DataError, ValueError), match="0 "):
        said(fitted(name), np.zeros((0, 8, 8), np.uint8))
    none = fitted(name).inverse_transform(np.zeros((0, size(fitted(name))), np.float32))
    assert none.shape == (0, 8, 8)
    assert none.dtype == np.uint8
    n = size(fitted(name))
    for wrong in (np.zeros(n), np.zeros((2, n + 1)), np.zeros((1, n, 1))):
        with pytest.raises(DataError, match="are not"):
            fitted(name).inverse_transform(wrong)


@every_model
def test_encoding_is_deterministic_and_changes_nothing(name: str) -> None:
    model, x = fitted(name), pictures()
    before = {key: value.clone() for key, value in model.net_.state_dict().items()}
    first = said(model, x)
    torch.manual_seed(7)
    np.testing.assert_array_equal(said(model, x), first)
    model.score_samples(x), model.sample(3)
    assert all(torch.equal(value, before[key]) for key, value in model.net_.state_dict().items())


# -- seeds ------------------------------------------------------------------------------------------------------------


@every_model
def test_the_same_seed_gives_the_same_codes_to_the_bit(name: str) -> None:
    torch.manual_seed(99)
    np.testing.assert_array_equal(said(tiny(name).fit(pictures()), pictures()), said(fitted(name), pictures()))


@every_trained
def test_another_seed_gives_other_weights(name: str) -> None:
    other = tiny(name, seed=1).fit(pictures()).net_.state_dict()
    weights = {key: value for key, value in fitted(name).net_.state_dict().items() if value.ndim > 1}
    assert weights
    assert not any(torch.equal(value, other[key]) for key, value in weights.items())


@every_model
def test_fitting_leaves_the_caller_s_random_numbers_alone(name: str) -> None:
    torch.manual_seed(3)
    np.random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    tiny(name).fit(pictures()).sample(4)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


@every_model
def test_samples_follow_their_seed(name: str) -> None:
    model = fitted(name)
    np.testing.assert_array_equal(model.sample_codes(20, seed=5), model.sample_codes(20, seed=5))
    assert not np.array_equal(model.sample_codes(20, seed=5), model.sample_codes(20, seed=6))
    np.testing.assert_array_equal(model.sample_codes(20, seed=5)[:7], model.sample_codes(7, seed=5))


@every_trained
def test_watching_a_validation_split_changes_no_weight(name: str) -> None:
    watched = tiny(name).fit(pictures(), validation=pictures(60)[40:])
    same = fitted(name).net_.state_dict()
    assert all(torch.equal(value, same[key]) for key, value in watched.net_.state_dict().items())


# -- files ------------------------------------------------------------------------------------------------------------


@every_model
def test_saved_and_loaded_it_is_the_same_model_to_the_bit(name: str, tmp_path: Path) -> None:
    model, x = fitted(name), pictures()
    model.save(tmp_path)
    again = load(tmp_path)
    assert type(again) is type(model)
    np.testing.assert_array_equal(said(again, x), said(model, x))
    np.testing.assert_array_equal(again.score_samples(x), model.score_samples(x))
    np.testing.assert_array_equal(again.sample(4), model.sample(4))
    assert again.sample(4).dtype == np.uint8
    described = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert from_json(described["model"]).get_params(deep=False).keys() == model.get_params(deep=False).keys()


@every_model
def test_fitted_into_a_run_folder_it_is_the_same_model(name: str, tmp_path: Path) -> None:
    model = tiny(name).fit(pictures(), run=tmp_path / "run")
    np.testing.assert_array_equal(said(model, pictures()), said(fitted(name), pictures()))
    np.testing.assert_array_equal(said(load(tmp_path / "run"), pictures()), said(model, pictures()))
    with pytest.raises(UsageError, match="already holds a finished run"):
        tiny(name).fit(pictures(), run=tmp_path / "run")


def test_fields_survive_being_written_whatever_type_a_search_gave_them(tmp_path: Path) -> None:
    model = VAE(latent=np.int64(2), beta=np.float32(0.5), net=MLP(hidden=[np.int64(8)]), epochs=1, precision="float32")
    model.fit(pictures(), run=tmp_path)
    again = load(tmp_path)
    assert (again.latent, again.beta, again.net.hidden) == (2, 0.5, (8,))
    assert json.dumps(to_json(again)) == json.dumps(to_json(model))


def test_what_no_registry_holds_is_not_loaded() -> None:
    with pytest.raises(RunError, match="unknown kind"):
        from_json({"folder": "subprocess", "name": "Popen", "params": {"args": "true"}})
    with pytest.raises(UsageError, match="no model called"):
        from_json({"folder": "models", "name": "no-such", "params": {}})
    with pytest.raises(RunError, match="does not know"):
        from_json({"folder": "models", "name": "vae", "params": {"no_such_field": 1}})


# -- for torch --------------------------------------------------------------------------------------------------------


@every_encoder
def test_encoding_gives_a_posterior(name: str) -> None:
    model = fitted(name)
    x = model.tensor(pictures()[:6])
    assert x.min() >= 0
    assert x.max() <= 1
    posterior = model.encode(x)
    assert posterior.mean.shape == (6, *model.latent_shape_)
    assert posterior.kl().shape == posterior.mean.shape
    assert (posterior.kl() >= -1e-5).all()


@every_model
def test_decoding_is_differentiable(name: str) -> None:
    model = fitted(name)
    x = model.tensor(pictures()[:6])
    z = torch.from_numpy(some_codes(model, pictures()[:6])).unflatten(1, model.latent_shape_).requires_grad_(True)
    decoded = model.decode(z)
    assert decoded.shape == x.shape
    decoded.square().sum().backward()
    assert torch.isfinite(z.grad).all()
    assert z.grad.abs().sum() > 0


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ENCODERS])
def test_what_needs_codes_is_not_there_in_a_model_that_does_not_encode(name: str) -> None:
    model = fitted(name)
    for method in ("transform", "fit_transform", "features", "depth"):
        assert not hasattr(model, method)
        with pytest.raises(UsageError, match="does not encode.*Fit a model that does"):
            getattr(model, method)
    with pytest.raises(UsageError, match="does not encode"):
        model.encode(model.tensor(pictures()[:2]))


@every_model
def test_a_class_is_drawn_by_models_that_know_any_and_refused_by_others(name: str) -> None:
    model, codes = fitted(name), some_codes(fitted(name), pictures()[:4])
    words = "have no labels" if model.conditional else "does not draw by class.*Leave out y"
    for draw in (lambda: model.sample(4, y="3"), lambda: model.inverse_transform(codes, y=0)):
        with pytest.raises(UsageError, match=words):
            draw()
    if not model.conditional:
        with pytest.raises(UsageError, match=words):
            model.sample_codes(4, y=[0] * 4)


@every_encoder
def test_features_are_what_the_layers_put_out(name: str) -> None:
    model = fitted(name)
    x = model.tensor(pictures()[:6])
    first, second = model.features(x, [0, 0])
    assert len(first) == 6
    assert torch.equal(first, second)
    with pytest.raises(UsageError, match="layers"):
        model.features(x, [99])


# -- limits -----------------------------------------------------------------------------------------------------------


def test_with_beta_1_the_loss_of_beta_tcvae_is_that_of_the_vae_in_expectation() -> None:
    x = pictures(100)
    how = {"net": MLP(hidden=(16,)), "latent": 3, "epochs": 0.001, "precision": "float32"}
    plain, other = VAE(**how).fit(x), BetaTCVAE(**how, beta=1.0).fit(x)
    with torch.no_grad():  # codes that say something about their pictures
        plain.net_["encoder"][-1].weight.mul_(40)
    other.net_.load_state_dict(plain.net_.state_dict())
    data = plain._resident(Pictures.from_array(x[:, None]))
    losses: dict[Any, list[float]] = {plain: [], other: []}
    with torch.no_grad():
        for draw in range(300):
            batch = data.batch(torch.arange(100), "expectation", draw)
            for model, seen in losses.items():
                (player,) = model.phases()[0].players
                weights = player.weights(a_moment())
                terms = model.loss(batch)
                seen.append(sum(weights.get(key, 1.0) * value.mean().item() for key, value in terms.items()))
    difference = np.array(losses[plain]) - np.array(losses[other])
    kl = plain.encode(plain.tensor(x)).kl().sum(1).mean().item()
    assert kl > 1
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(300) + 1e-4
    assert abs(difference.mean()) < 0.01 * kl


def test_beta_prices_only_the_total_correlation() -> None:
    weights = BetaTCVAE(beta=6.0).weights(a_moment())
    assert weights == {"mutual_information": 1.0, "total_correlation": 6.0, "dimension_kl": 1.0}


def test_pca_is_pca() -> None:
    from sklearn.decomposition import PCA as Reference

    x = pictures(500).reshape(500, 64) / np.float32(16)
    ours, theirs = PCA(latent=6, scale="none").fit(x), Reference(6).fit(x)
    codes = ours.transform(x)
    np.testing.assert_allclose(np.abs(codes), np.abs(theirs.transform(x)), atol=1e-3)
    np.testing.assert_allclose(ours.inverse_transform(codes), theirs.inverse_transform(theirs.transform(x)), atol=1e-4)


def test_the_linear_autoencoder_finds_the_plane_of_pca(digits: np.ndarray) -> None:
    x = digits.reshape(len(digits), -1)
    linear, pca = Linear(latent=5, epochs=60, batch_size=128).fit(x), PCA(latent=5).fit(x)
    assert linear.score(x) >= 1.02 * pca.score(x), "the error, a negative score, is within 2 % of the least there is"
    assert linear.score(x) <= pca.score(x) + 1e-9, "nothing linear is better than PCA"
    with torch.no_grad():
        drawn = linear.decode(torch.cat([torch.zeros(1, 5), torch.eye(5)]))
    plane = torch.linalg.qr((drawn[1:] - drawn[0]).flatten(1).T)[0]
    cosines = torch.linalg.svdvals(plane.T @ pca.net_["plane"].components.T)
    assert torch.rad2deg(torch.arccos(cosines.clamp(max=1))).max() < 5


@pytest.mark.parametrize("net", ["mlp", "conv", "residual-mlp"])
def test_without_noise_and_masks_the_denoising_autoencoder_is_the_autoencoder_to_the_bit(net: str) -> None:
    how = {"net": net, "latent": 3, "epochs": 2, "batch_size": 16, "precision": "float32"}
    plain = isthmus.Autoencoder(**how).fit(pictures(100)).net_.state_dict()
    same = Denoising(**how, noise=0, masked=0).fit(pictures(100)).net_.state_dict()
    assert plain.keys() == same.keys()
    assert all(torch.equal(value, same[key]) for key, value in plain.items())
    for damage in ({"noise": 0.2}, {"noise": 0, "masked": 0.5, "patch": 2}):
        other = Denoising(**how, **damage).fit(pictures(100)).net_.state_dict()
        assert not any(torch.equal(value, other[key]) for key, value in plain.items() if key.endswith("weight"))


def test_noise_of_a_posterior_has_its_mean_and_spread() -> None:
    from isthmus.nets._posterior import Posterior

    n = 20_000
    posterior = Posterior(torch.full((n, 2), 3.0), torch.full((n, 2), -1.0))
    z = posterior.sample(Noise(torch.from_numpy(keys_of(map(str, range(n)))), "law"))
    assert z.mean().item() == pytest.approx(3, abs=0.02)
    assert z.var().item() == pytest.approx(np.exp(-1), rel=0.03)
    by_draws = (posterior.log_density(z) + 0.5 * z.square() + 0.5 * np.log(2 * np.pi)).mean().item()
    assert by_draws == pytest.approx(posterior.kl().mean().item(), rel=0.02)


# -- a new model is one new file --------------------------------------------------------------------------------------


def test_model_files_never_import_each_other() -> None:
    folder = Path(models.__file__).parent
    files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    assert len(files) >= 5
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            for name in [module or "", *(f"{module or ''}.{name}" for name in names), *names]:
                part = name.removeprefix("isthmus.models.")
                assert part == name or part.startswith("_"), f"{path.name} imports {name}"


@every_model
def test_every_model_file_ends_by_naming_its_model(name: str) -> None:
    kind = type(models.make(name))
    source = Path(models.__file__).with_name(f"{kind.__module__.rsplit('.', 1)[1]}.py").read_text("utf-8")
    assert source.rstrip().endswith(f"Model = {kind.__name__}")


def test_one_new_file_is_a_model_with_flags_that_is_trained_saved_and_found_again(
    two_players: Any, half_labelled: tuple[np.ndarray, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "two-players" in models.names()
    model = models.make("two-players", latent=2, epochs=1, batch_size=16, precision="float32")
    model.fit(*half_labelled, run=tmp_path / "run")
    np.testing.assert_array_equal(load(tmp_path / "run").transform(half_labelled[0]), model.transform(half_labelled[0]))
    with pytest.raises(SystemExit) as left:
        main(["fit", "--model", "two-players", "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert "two-players" in shown
    assert "--latent" in shown
    assert "--clip" in shown
    assert "--beta" not in shown


def test_a_third_party_s_entry_point_is_a_model_too(two_players: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint, EntryPoints

    point = EntryPoint("theirs", "isthmus.models.two_players:Model", "isthmus.models")
    monkeypatch.setattr(discover, "_entry_points", lambda folder: EntryPoints([point] if folder == "models" else []))
    assert "theirs" in models.names()
    assert isinstance(models.make("theirs", latent=2), two_players)
