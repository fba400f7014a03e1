"""What holds for the graphs of every model and head that is found: alone in torch they answer as the run does."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isthmus import Classifier, Regressor, discover, models
from isthmus.classify import save_classifier, save_regressor
from isthmus.errors import UsageError
from isthmus.export import to_onnx
from isthmus.export.exporting import pictures_like
from isthmus.export.graph import Graph
from isthmus.export.heads import check_heads, head_graphs
from isthmus.export.model import model_graphs
from isthmus.export.parity import BATCHES, check_near, compared
from isthmus.run import Run

NAMES = models.names()
HEADS = discover.names("classify.heads")
EVERY_DAY = ("conv-vae", "conditional-vae", "pca")
"""Exporting to ONNX takes seconds a graph: these always, the others with the slow tests."""


def pictures(n: int = 80) -> np.ndarray:
    from sklearn.datasets import load_digits

    return (load_digits().images[:n] * 15).astype(np.uint8)


def labels(n: int = 80) -> np.ndarray:
    from sklearn.datasets import load_digits

    return np.where(np.arange(n) % 4, load_digits().target[:n] % 3, -1)


def tiny(name: str, **fields: Any) -> Any:
    known = models.make(name).get_params(deep=False)
    small = {"epochs": 1, "decoder_epochs": 1, "batch_size": 16, "latent": 3, "precision": "float32", "device": "cpu"}
    return models.make(name, **({key: value for key, value in small.items() if key in known} | fields))


@functools.cache
def fitted(name: str) -> Any:
    return tiny(name).fit(pictures(), labels())


def in_torch(graph: Graph) -> Any:
    def asks(given: Any) -> list[np.ndarray]:
        with torch.no_grad():
            found = graph.module.eval()(*map(torch.from_numpy, given))
        return [one.numpy() for one in (found if isinstance(found, tuple) else (found,))]

    return asks


def names_of(graphs: Iterator[Graph]) -> set[str]:
    return {graph.name for graph in graphs}


@pytest.mark.parametrize("name", NAMES)
def test_every_model_has_a_decoder_and_an_encoder_if_it_encodes(name: str) -> None:
    found = names_of(model_graphs(fitted(name), pictures()))
    assert "decoder" in found
    assert ("encoder" in found) == fitted(name).encodes
    assert ("classes" in found) == hasattr(fitted(name), "predict_proba")


@pytest.mark.parametrize("name", NAMES)
def test_the_graphs_of_every_model_answer_as_the_model(name: str) -> None:
    for graph in model_graphs(fitted(name), pictures()):
        check_near(compared(graph, in_torch(graph)), 1e-5)


KINDS = {
    "rows": pictures().reshape(80, 64),
    "grey": pictures(),
    "channels-last": np.stack([pictures()] * 3, axis=3).astype(np.uint16) * 16,
    "channels-first": (np.stack([pictures()] * 2, axis=1) / 255).astype(np.float32),
    "any-floats": pictures().astype(np.float32) - 100,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["pca", "conv-vae"])
def test_pictures_go_in_and_come_out_in_the_layout_and_type_of_the_run(name: str, kind: str) -> None:
    how = {"scale": "none", "likelihood": "gaussian"} if kind == "any-floats" and name != "pca" else {}
    x = KINDS[kind]
    axes = "NCHW" if kind == "channels-first" else None
    model = tiny(name, axes=axes, **how).fit(x)
    encoder, decoder = model_graphs(model, x)
    (given,) = encoder.asked(5, 0)
    assert given.dtype == x.dtype
    assert given.shape[1:] == x.shape[1:]
    drawn, scaled = in_torch(decoder)(decoder.asked(5, 0))
    assert drawn.dtype == x.dtype
    assert drawn.shape == scaled.shape == (5, *x.shape[1:])
    for graph in (encoder, decoder):
        check_near(compared(graph, in_torch(graph)), 1e-5)


def test_a_decoder_that_is_told_the_class_is_told_it_by_number() -> None:
    model = fitted("conditional-vae")
    decoder = next(graph for graph in model_graphs(model, pictures()) if graph.name == "decoder")
    assert decoder.inputs == ("codes", "class")
    z = np.zeros((2, 3), np.float32)
    unknown, one = (in_torch(decoder)((z, np.array([number] * 2)))[0] for number in (-1, 1))
    np.testing.assert_array_equal(unknown, model.inverse_transform(z))
    np.testing.assert_array_equal(one, model.inverse_transform(z, model.classes_[1]))
    assert (unknown != one).any()


def test_pictures_by_chance_are_pictures_that_the_model_takes() -> None:
    drawn = pictures_like(fitted("vae"))
    assert drawn.dtype == np.uint8
    assert len(drawn) == sum(BATCHES)
    assert fitted("vae").transform(drawn).shape == (len(drawn), 3)


# -- heads ------------------------------------------------------------------------------------------------------------


@functools.cache
def classifier(name: str) -> Any:
    head = discover.find("classify.heads", name, "Head")()
    if head.slow:
        head.set_params(looks=600)
    return Classifier(model=fitted("conv-vae"), head=head).fit(pictures(), labels())


def run_with(folder: Path, *heads: str) -> Run:
    run = Run(folder / "run")
    fitted("conv-vae").save(run)
    for name in heads:
        save_classifier(classifier(name), run, name, {})
    return run


@pytest.mark.parametrize("name", HEADS)
def test_every_head_has_a_graph_that_answers_as_the_classifier(name: str, tmp_path: Path) -> None:
    """Rows are rounded to half precision: where one falls on the other side, the answer moves a little."""
    (graph,) = head_graphs(run_with(tmp_path, name), fitted("conv-vae"), pictures(), [name])
    assert isinstance(graph, Graph)
    assert graph.about["classes"] == ["0", "1", "2"]
    check_near(compared(graph, in_torch(graph)), 1e-4)


@pytest.fixture(params=[0.0, 0.4])
def regressor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One that asks the kernel alone, and one that asks the graph of all pictures too."""
    monkeypatch.setattr("isthmus.classify.numbers.regressor.graph_share", lambda *known: request.param)
    brightness = pictures().astype(float).mean((1, 2))
    found = Regressor(model=fitted("conv-vae")).fit(pictures(), np.where(np.arange(80) % 4, brightness, np.nan))
    assert found.head_.share == request.param
    return found


def test_a_head_of_numbers_has_a_graph_that_answers_as_the_regressor(regressor: Any, tmp_path: Path) -> None:
    run = run_with(tmp_path)
    save_regressor(regressor, run, "amount", {})
    (graph,) = head_graphs(run, fitted("conv-vae"), pictures(), None)
    assert isinstance(graph, Graph)
    assert graph.about["reach"] == regressor.reach_
    check_near(compared(graph, in_torch(graph)), 1e-4)


@pytest.mark.slow
def test_a_head_of_numbers_answers_the_same_in_onnx(regressor: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    run = run_with(tmp_path)
    save_regressor(regressor, run, "amount", {})
    (graph,) = head_graphs(run, fitted("conv-vae"), pictures(), None)
    assert isinstance(graph, Graph)
    check_near(compared(graph, hard(graph, tmp_path)), 1e-4)


def test_a_head_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    run = run_with(tmp_path, "linear")
    with pytest.raises(UsageError, match=r"no head 'nothing'\. There is: linear\."):
        check_heads(run, ["nothing"])


def test_what_cannot_leave_is_left_out_with_a_reason_or_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isthmus.export import heads

    monkeypatch.setattr(heads, "_MOST_BYTES", 10)
    run = run_with(tmp_path, "kernel")
    (left,) = head_graphs(run, fitted("conv-vae"), pictures(), None)
    assert left[0] == "kernel"
    assert "more rows of pictures than one file holds. Classify with --head linear" in left[1]
    with pytest.raises(UsageError, match="more rows"):
        list(head_graphs(run, fitted("conv-vae"), pictures(), ["kernel"]))


# -- ONNX -------------------------------------------------------------------------------------------------------------


def hard(graph: Graph, folder: Path) -> Any:
    path = folder / f"{graph.name}.onnx"
    to_onnx.write(graph, path, to_onnx.OPSET, {"graph": graph.name})
    return to_onnx.opened(path, threads=1)


@pytest.mark.parametrize("name", [n if n in EVERY_DAY else pytest.param(n, marks=pytest.mark.slow) for n in NAMES])
def test_every_model_answers_the_same_in_onnx(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    for graph in model_graphs(fitted(name), pictures()):
        check_near(compared(graph, hard(graph, tmp_path)), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_every_head_answers_the_same_in_onnx(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (graph,) = head_graphs(run_with(tmp_path, name), fitted("conv-vae"), pictures(), [name])
    assert isinstance(graph, Graph)
    check_near(compared(graph, hard(graph, tmp_path)), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("net", discover.names("nets"))
@pytest.mark.parametrize("shape", [(8, 8), (9, 13)])
def test_every_net_answers_the_same_in_onnx(net: str, shape: tuple[int, int], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    x = np.random.default_rng(0).random((64, 2, *shape), np.float32)
    model = tiny("autoencoder", net=net, axes="NCHW").fit(x)
    for graph in model_graphs(model, x):
        check_near(compared(graph, hard(graph, tmp_path)), 1e-4)
