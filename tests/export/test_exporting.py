"""The verb and the folder it makes: whole or not there, checked, readable without Isthmus, and quick to say no."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus import GAN, PCA, Classifier, load, models
from isthmus.classify import save_classifier
from isthmus.cli import main
from isthmus.errors import RunError, UsageError
from isthmus.export import export, export_hub, exporting, to_onnx, to_torch
from isthmus.export.parity import Parity, check_near
from isthmus.run import Run


def pictures() -> np.ndarray:
    from sklearn.datasets import load_digits

    return load_digits().images[:80].astype(np.uint8)


def labels() -> np.ndarray:
    from sklearn.datasets import load_digits

    return np.asarray(load_digits().target[:80] % 2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a head."""
    folder = tmp_path_factory.mktemp("runs")
    model = PCA(latent=3, device="cpu").fit(pictures(), run=folder / "mine")
    head = Classifier(model=model, head="linear").fit(pictures(), labels())
    save_classifier(head, Run(folder / "mine"), "odd", {"suspects": [{"id": "patient-7"}]})
    return folder


@pytest.fixture(scope="module")
def onnx_folder(runs: Path) -> Path:
    pytest.importorskip("onnxruntime")
    export(Run.open(runs / "mine"), runs / "onnx", pictures=pictures())
    return runs / "onnx"


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# -- ONNX -------------------------------------------------------------------------------------------------------------


def test_the_folder_holds_every_graph_and_how_near_it_is(onnx_folder: Path) -> None:
    assert left(onnx_folder) == {"encoder.onnx", "decoder.onnx", "head-odd.onnx", "parity.json"}
    told = json.loads((onnx_folder / "parity.json").read_text("utf-8"))
    assert told["batches"] == [1, 2, 7, 64]
    assert told["tolerance"] == 1e-4
    assert told["graphs"]["encoder"]["outputs"]["codes"]["relative"] <= 1e-4
    assert told["graphs"]["head-odd"]["outputs"]["probabilities"]["n"] == 74
    assert set(told["versions"]) == {"torch", "onnx", "onnxscript", "onnxruntime"}


def test_a_program_without_isthmus_reads_the_files(onnx_folder: Path, runs: Path) -> None:
    """Names, free batch and metadata are all that it has."""
    program = """
import json, sys
import numpy as np, onnxruntime as ort
session = ort.InferenceSession(sys.argv[1] + "/head-odd.onnx")
(given,), about = session.get_inputs(), session.get_modelmeta().custom_metadata_map
assert given.name == "pictures" and given.shape == ["batch", 8, 8] and given.type == "tensor(uint8)", given
assert about["layout"] == "NHW" and about["graph"] == "head-odd"
assert json.loads(about["scaling"])["dtype"] == "uint8"
told = session.run(["probabilities"], {"pictures": np.zeros((5, 8, 8), np.uint8)})[0]
names = json.loads(about["classes"])
assert told.shape == (5, len(names))
assert not [name for name in sys.modules if name.split(".")[0] in ("isthmus", "torch")]
print(names)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(onnx_folder)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("['0', '1']\n", 0), done.stderr


def test_an_answer_is_the_run_s_own(onnx_folder: Path, runs: Path) -> None:
    model = load(runs / "mine", "cpu")
    (codes,) = to_onnx.opened(onnx_folder / "encoder.onnx")((pictures(),))
    np.testing.assert_allclose(codes, model.transform(pictures()), rtol=1e-4, atol=1e-4)
    drawn, _ = to_onnx.opened(onnx_folder / "decoder.onnx")((codes,))
    assert drawn.dtype == np.uint8
    assert np.abs(drawn.astype(int) - model.inverse_transform(codes)).max() <= 1


@pytest.mark.parametrize("opset", [3, 99])
def test_an_opset_that_is_not_there_is_one_sentence_and_nothing_is_lost(runs: Path, opset: int) -> None:
    pytest.importorskip("onnxruntime")
    before = left(runs)
    with pytest.raises(UsageError, match=rf"there is no opset {opset} .* knows 7 to \d+\. Leave --opset out for 18\."):
        export(Run.open(runs / "mine"), runs / "not", opset=opset)
    assert left(runs) == before


def test_an_opset_that_the_operators_do_not_convert_to_is_one_sentence(runs: Path) -> None:
    pytest.importorskip("onnxruntime")
    before = left(runs)
    with pytest.raises(UsageError, match=r"cannot be written in opset 9 .*Nothing was written"):
        export(Run.open(runs / "mine"), runs / "not", opset=9)
    assert left(runs) == before


def test_without_the_packages_the_remedy_is_said(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UsageError, match=r"onnxscript is not here\. Run: pip install 'isthmus\[onnx\]'"):
        export(Run.open(runs / "mine"), runs / "not")


# -- torch ------------------------------------------------------------------------------------------------------------


def test_torch_files_answer_as_the_run_and_say_what_they_are(runs: Path, tmp_path: Path) -> None:
    import torch

    made = export(Run.open(runs / "mine"), tmp_path / "out", "torch", pictures=pictures())
    assert left(tmp_path / "out") == {"encoder.pt2", "decoder.pt2", "head-odd.pt2", "parity.json"}
    assert all(one.near(1e-5) for one in made.parity)
    about = {to_torch.ABOUT: ""}
    program = torch.export.load(tmp_path / "out" / "encoder.pt2", extra_files=about)
    assert json.loads(about[to_torch.ABOUT])["layout"] == "NHW"
    found = program.module()(torch.from_numpy(pictures()[:3])).numpy()
    np.testing.assert_allclose(found, load(runs / "mine", "cpu").transform(pictures()[:3]), rtol=1e-4, atol=1e-4)


def test_a_model_that_does_not_encode_leaves_its_decoder_and_says_why_no_more(tmp_path: Path) -> None:
    GAN(latent=2, epochs=1, batch_size=16, precision="float32", device="cpu").fit(pictures(), run=tmp_path / "gan")
    made = export(Run.open(tmp_path / "gan"), tmp_path / "out", "torch")
    assert left(tmp_path / "out") == {"decoder.pt2", "parity.json"}
    assert "does not encode" in made.left_out["encoder"]
    told = json.loads((tmp_path / "out" / "parity.json").read_text("utf-8"))
    assert told["left_out"] == made.left_out
    assert told["pictures"] == "drawn by chance"


# -- whole or not at all ----------------------------------------------------------------------------------------------


def broken(graph: Any, path: Path, about: dict[str, Any]) -> None:
    path.write_bytes(b"the beginning of")
    raise KeyboardInterrupt


def test_an_interrupt_leaves_nothing(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_torch, "write", broken)
    assert main(["export", str(runs / "mine"), "--to", "torch", "-o", str(tmp_path / "out")]) == 130
    assert left(tmp_path) == set()


def test_too_far_off_is_one_sentence_exit_1_and_nothing_kept(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = to_torch.opened

    def off(path: Path) -> Callable[..., Any]:
        asks = opened(path)
        return lambda given: [one + one.dtype.type(2) for one in asks(given)]

    monkeypatch.setattr(to_torch, "opened", off)
    assert main(["export", str(runs / "mine"), "--to", "torch", "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "the exported encoder differs from the run by" in said
    assert "Nothing was written; allow more than 0.0001 with --tolerance" in said
    assert left(tmp_path) == set()


def test_whole_numbers_may_be_one_apart_and_no_more() -> None:
    near = Parity("decoder", "pictures", 1.0, 1 / 255, 255.0, 74, True, 3)
    check_near([near], 1e-4)
    far = Parity("decoder", "pictures", 2.0, 2 / 255, 255.0, 74, True, 3)
    with pytest.raises(RunError, match="differs"):
        check_near([far], 1e-4)


def test_a_folder_that_holds_something_is_left_alone(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        export(Run.open(runs / "mine"), tmp_path / "out", "torch")
    assert left(tmp_path / "out") == {"thesis.txt"}
    assert left(tmp_path) == {"out"}


# -- the verb ---------------------------------------------------------------------------------------------------------


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(words)
    return code, capsys.readouterr().err


def test_the_verb_compares_on_given_pictures_and_tells_in_json(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "some.npy", pictures())
    words = ["export", str(runs / "mine"), "--to", "torch", "-o", str(tmp_path / "out"), "--json"]
    assert main([*words, "--pictures", str(tmp_path / "some.npy"), "--head", "odd"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["graph"], one["output"]) for one in told] == [
        ("encoder", "codes"),
        ("decoder", "pictures"),
        ("decoder", "scaled"),
        ("head-odd", "probabilities"),
    ]
    assert json.loads((tmp_path / "out" / "parity.json").read_text("utf-8"))["pictures"] == "given"


def test_where_the_run_s_pictures_are_gone_chance_draws_some(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = said(["export", str(runs / "mine"), "--to", "torch", "-o", str(tmp_path / "out")], capsys)
    assert code == 0
    assert "compared on pictures drawn by chance" in told
    assert json.loads((tmp_path / "out" / "parity.json").read_text("utf-8"))["pictures"] == "drawn by chance"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--to", "torch", "--opset", "18"], "--opset is ONNX's"),
        (["--tolerance", "-1"], "--tolerance is -1.0"),
        (["--license", "mit"], "writes none"),
        (["--to", "torch", "--head", "nothing"], "has no head 'nothing'. There is: odd."),
        (["--to", "hub", "--head", "nothing"], "has no head 'nothing'. There is: odd."),
        (["--to", "torch", "--pictures", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    code, told = said(["export", str(runs / "mine"), "-o", str(tmp_path / "out"), *words], capsys)
    assert code == 2 or "nowhere" in words
    assert code in (1, 2)
    assert sentence in told
    assert len(told.strip().splitlines()) == 1
    assert left(tmp_path) == set()


# -- the hub ----------------------------------------------------------------------------------------------------------


def test_a_folder_for_the_hub_is_the_run_under_other_names(runs: Path, tmp_path: Path) -> None:
    names = export_hub(Run.open(runs / "mine"), tmp_path / "hub", license="mit")
    heads = ["heads/odd.json", "heads/odd.safetensors"]
    assert names == ["README.md", "config.json", *heads, "model.safetensors"]
    model, other = load(runs / "mine", "cpu"), load(tmp_path / "hub", "cpu")
    np.testing.assert_array_equal(model.transform(pictures()), other.transform(pictures()))
    assert (tmp_path / "hub" / "model.safetensors").read_bytes() == (runs / "mine" / "weights.safetensors").read_bytes()
    words = ["predict", str(tmp_path / "hub"), str(tmp_path / "some.npy"), "--name", "odd"]
    np.save(tmp_path / "some.npy", pictures())
    assert main([*words, "-o", str(tmp_path / "told.csv")]) == 0
    assert main(["info", str(tmp_path / "hub")]) == 0
    assert main(["export", str(tmp_path / "hub"), "--to", "torch", "-o", str(tmp_path / "out")]) == 0


def test_nothing_of_this_machine_and_no_id_of_a_picture_goes_to_the_hub(runs: Path, tmp_path: Path) -> None:
    export_hub(Run.open(runs / "mine"), tmp_path / "hub")
    plain = [path for path in (tmp_path / "hub").rglob("*.*") if path.suffix in (".json", ".jsonl", ".md")]
    assert len(plain) == 3
    text = "".join(path.read_text("utf-8") for path in plain)
    machine = Run.open(runs / "mine").read_json("run.json")["machine"]
    for secret in (machine, str(runs), "patient-7", "relative_path"):
        assert secret not in text


def test_what_is_saved_for_others_comes_back_as_it_was(tmp_path: Path) -> None:
    model = models.make("conditional-vae", latent=2, epochs=1, batch_size=16, precision="float32", device="cpu")
    model.fit(pictures(), labels())
    model.save_pretrained(tmp_path / "mine")
    assert left(tmp_path / "mine") == {"README.md", "config.json", "model.safetensors"}
    again = type(model).from_pretrained(tmp_path / "mine", device="cpu")
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.sample(3, y="1"), model.sample(3, y="1"))
    with pytest.raises(UsageError, match=r"holds a ConditionalVAE, not a PCA.*ConditionalVAE\.from_pretrained"):
        PCA.from_pretrained(tmp_path / "mine")


def test_the_hub_is_asked_for_files_that_are_never_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PCA(latent=2, device="cpu").fit(pictures()).save_pretrained(tmp_path / "kept")
    asked: dict[str, Any] = {}

    class Hub:
        @staticmethod
        def snapshot_download(**how: Any) -> str:
            asked.update(how)
            return str(tmp_path / "kept")

    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub)
    model = PCA.from_pretrained("somebody/digits", device="cpu", revision="v1")
    assert model.transform(pictures()).shape == (80, 2)
    assert (asked["repo_id"], asked["revision"]) == ("somebody/digits", "v1")
    assert all(name.endswith((".json", ".safetensors", ".md")) for name in asked["allow_patterns"])


def test_a_hub_that_fails_and_one_that_is_not_there_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hub:
        @staticmethod
        def snapshot_download(**how: Any) -> str:
            raise ConnectionError("no route\nand more")

    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub)
    with pytest.raises(UsageError, match=r"somebody/digits cannot be fetched \(no route\)"):
        PCA.from_pretrained("somebody/digits")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match="pip install huggingface_hub"):
        PCA.from_pretrained("somebody/digits")
    for name in ("nowhere", "/nowhere/at", "./nowhere", "a/b/c"):
        with pytest.raises(UsageError, match="there is no folder"):
            PCA.from_pretrained(name)


def test_a_config_of_another_library_is_no_model_of_ours(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(RunError, match="holds no model of isthmus"):
        load(tmp_path)


def test_forms_have_names(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no form 'pickle'"):
        export(Run.open(runs / "mine"), tmp_path / "out", "pickle")
    assert exporting.TOLERANCE == 1e-4
