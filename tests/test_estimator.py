"""Models are scikit-learn's estimators, without importing scikit-learn: its own checks, its tools, our fields."""

import dataclasses
import pickle
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from isthmus import PCA, VAE, Autoencoder, discover, models
from isthmus.errors import UsageError
from isthmus.estimator import Estimator, option
from isthmus.nets.mlp import MLP

NAMES = models.names()
PICTURES_ONLY = [name for name in NAMES if models.make(name)._wants_pictures()]
EVERY = [models.make(name) for name in NAMES] + [discover.find("nets", net, "Net")() for net in discover.names("nets")]


def tiny(name: str, **fields: Any) -> Any:
    known = models.make(name).get_params(deep=False)
    small = {"epochs": 2, "decoder_epochs": 2, "batch_size": 32, "latent": 1, "precision": "float32"}
    return models.make(name, **({key: value for key, value in small.items() if key in known} | fields))


def said(model: Any, x: Any) -> np.ndarray:
    """Codes, or scores where there are none."""
    found: np.ndarray = model.transform(x) if model.encodes else model.score_samples(x)
    return found


def checks() -> list[Any]:
    """Every check of scikit-learn's for every model, as parameters of one test."""
    found = []
    for name in NAMES:
        with warnings.catch_warnings():
            # It behaves as a BaseEstimator without being one, on purpose: see isthmus/estimator.py.
            warnings.filterwarnings("ignore", message=".*does not inherit from.*")
            for number, (model, check) in enumerate(estimator_checks_generator(tiny(name))):
                kind = getattr(check, "func", check).__name__
                found.append(pytest.param(name, model, check, id=f"{name}-{number}-{kind}"))
    return found


@pytest.mark.parametrize(("name", "model", "check"), checks())
def test_scikit_learn_s_own_checks(name: str, model: Any, check: Any) -> None:
    try:
        check(model)
    except (UsageError, AssertionError) as refused:
        # Those checks give tables of 2 to 10 columns, which are no pictures: a convolutional net must refuse them.
        if not (name in PICTURES_ONLY and "no square picture" in str(refused)):
            raise


@pytest.mark.parametrize("name", PICTURES_ONLY)
def test_a_convolutional_model_does_on_pictures_what_those_checks_ask_on_tables(name: str, digits: np.ndarray) -> None:
    x, again = digits[:30], digits[:30].copy()
    model = tiny(name)
    params = {key: repr(value) for key, value in model.get_params().items()}
    assert model.fit(x) is model
    np.testing.assert_array_equal(x, again)
    assert {key: repr(value) for key, value in model.get_params().items()} == params
    told = said(model, x)
    np.testing.assert_array_equal(said(model.fit(np.asfortranarray(x)), x), told)
    np.testing.assert_array_equal(said(model.fit(list(x)), list(x)), told)
    np.testing.assert_array_equal(said(model, x.tolist()), told)
    np.testing.assert_array_equal(said(pickle.loads(pickle.dumps(model.fit(x))), x), told)
    if model.encodes:
        np.testing.assert_array_equal(clone(model).fit_transform(x), told)


# -- its tools --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_clone_keeps_the_fields_and_forgets_what_was_learnt(name: str, digits: np.ndarray) -> None:
    model = tiny(name, latent=2).fit(digits[:30])
    copied = clone(model)
    assert copied.latent == 2
    assert not hasattr(copied, "net_")
    assert repr(copied) == repr(model)


def test_a_pipeline_of_a_model_and_a_classifier(digits: np.ndarray) -> None:
    labels = load_digits().target[:300]
    pipe = make_pipeline(PCA(latent=10), StandardScaler(), LogisticRegression(max_iter=500))
    rows = digits[:300].reshape(300, 64)
    assert pipe.fit(rows[:200], labels[:200]).score(rows[200:], labels[200:]) > 0.8
    assert cross_val_score(PCA(latent=3), rows, cv=3).shape == (3,)


def test_a_grid_search_reaches_the_network_s_fields(digits: np.ndarray) -> None:
    model = Autoencoder(net=MLP(), epochs=3, precision="float32")
    grid = {"net__hidden": [(4,), (32,)], "latent": [1, 8]}
    found = GridSearchCV(model, grid, cv=2, refit=True).fit(digits[:80])
    assert set(found.best_params_) == {"net__hidden", "latent"}
    assert found.best_estimator_.net_["encoder"][1][0].out_features == found.best_params_["net__hidden"][0]
    assert model.net.hidden == MLP().hidden, "the model that was given stays as it was"
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_pickled_it_is_the_same_model(name: str, digits: np.ndarray) -> None:
    model = tiny(name).fit(digits[:30])
    np.testing.assert_array_equal(said(pickle.loads(pickle.dumps(model)), digits[:30]), said(model, digits[:30]))


def test_data_frames_are_taken_by_their_values(digits: np.ndarray) -> None:
    pandas = pytest.importorskip("pandas")
    rows = pandas.DataFrame(digits[:30].reshape(30, 64)).add_prefix("p")
    model = PCA(latent=2).fit(rows)
    assert list(model.feature_names_in_[:2]) == ["p0", "p1"]


# -- our fields -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", EVERY, ids=[f"{i}-{type(made).__name__}" for i, made in enumerate(EVERY)])
def test_every_field_is_a_parameter_with_words_and_can_be_set_back(made: Estimator) -> None:
    fields = dataclasses.fields(made)
    assert set(made.get_params(deep=False)) == {field.name for field in fields}
    for field in fields:
        assert field.kw_only, field.name
        assert field.metadata["help"], f"{field.name} has no help"
        assert made.set_params(**{field.name: getattr(made, field.name)}) is made
    made.check_params()


def test_parameters_reach_inside_and_what_is_unknown_is_refused_by_name() -> None:
    model = VAE(net=MLP(hidden=(8,)))
    assert model.get_params()["net__hidden"] == (8,)
    assert "net__hidden" not in model.get_params(deep=False)
    assert model.set_params(net__hidden=(4,), latent=3).net.hidden == (4,)
    with pytest.raises(UsageError, match=r"invalid parameter 'laten' for VAE.*latent"):
        model.set_params(laten=3)
    with pytest.raises(UsageError, match="invalid parameter 'widths' for MLP"):
        model.set_params(net__widths=3)
    with pytest.raises(UsageError, match="'mlp', which has no fields"):
        VAE(net="mlp").set_params(net__hidden=(4,))


def test_the_constructor_remembers_and_fit_judges(digits: np.ndarray) -> None:
    model = VAE(latent=0)
    assert model.latent == 0
    with pytest.raises(UsageError, match=r"latent is 0\. It must be at least 1"):
        model.fit(digits[:10])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"latent": "5"}, "latent is '5'. It must be a whole number"),
        ({"latent": 2.5}, "latent is 2.5. It must be a whole number"),
        ({"beta": -1}, "beta is -1"),
        ({"beta": float("nan")}, "beta is nan"),
        ({"seed": True}, "seed is True"),
        ({"likelihood": "poisson"}, "likelihood is 'poisson'. Choose one of: bernoulli, gaussian"),
        ({"optimiser": "adamm"}, "optimiser is 'adamm'"),
        ({"net": "cnn"}, "no net called 'cnn'"),
        ({"device": "tpu7"}, "no device 'tpu7'"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_do(digits: np.ndarray, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        VAE(**fields).fit(digits[:10])


def test_bounds_take_numpy_s_numbers_and_none_where_it_is_the_default() -> None:
    @dataclass(kw_only=True, eq=False)
    class Small(Estimator):
        count: int | None = option(None, "how many", low=2)
        share: float = option(0.5, "of all", low=0)

    Small().check_params()
    Small(count=np.int64(2), share=np.float32(0)).check_params()
    Small(share=1).check_params()
    for wrong in ({"count": np.int64(1)}, {"count": 2.0}, {"share": np.float64(-0.1)}):
        with pytest.raises(UsageError):
            Small(**wrong).check_params()
