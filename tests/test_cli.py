"""Every verb on real digits: what it writes, its records, its exit codes, and one sentence for whatever is wrong."""

import dataclasses
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from isthmus import Run, discover, load, models
from isthmus.cli import main, verbs

TINY = ["--latent", "3", "--epochs", "2", "--precision", "float32", "--quiet"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small VAE of the digits, made by the command line."""
    folder = tmp_path_factory.mktemp("cli") / "vae"
    words = ["--model", "vae", "--net", "mlp", "--net-hidden", "16", *TINY]
    assert main(["fit", "digits", *words, "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder of 8-bit colour pictures with EXIF in them: two classes of 12, and 6 nobody has labelled."""
    generator = np.random.default_rng(0)
    for name, count in (("cat", 12), ("dog", 12), ("unlabelled", 6)):
        folder = tmp_path / "secret-place" / "pets" / name
        folder.mkdir(parents=True)
        for number in range(count):
            image = Image.fromarray(generator.integers(0, 256, (12, 10, 3)).astype(np.uint8))
            exif = Image.Exif()
            exif[0x010E] = "taken at SECRET-LATITUDE"
            image.save(folder / f"{number}.jpg", exif=exif)
    return tmp_path / "secret-place" / "pets"


def failing(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the one sentence of a command that does not work."""
    capsys.readouterr()
    try:
        code = main(words)
    except SystemExit as left:  # argparse's own way out
        code = int(left.code or 0)
    said = capsys.readouterr()
    assert code != 0
    assert said.out == ""
    assert "Traceback" not in said.err
    sentence = said.err.strip().splitlines()[-1]
    assert sentence.startswith("isthmus")
    return code, sentence


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def printed(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(words) == 0
    return capsys.readouterr().out


# -- help -------------------------------------------------------------------------------------------------------------


def test_every_verb_says_what_it_does_in_one_line() -> None:
    found = verbs()
    expected = (
        "anomalies benchmark classify compare data decode demo design encode evaluate export fit info interpolate "
        "label-curve label-next manifold map neighbours pack predict recipe reconstruct report sample serve studio "
        "traverse tune"
    )
    assert sorted(found) == expected.split()
    assert all(line.endswith(".") and len(line) < 110 for line in found.values())


def test_help_and_a_wrong_verb_import_no_torch() -> None:
    program = """
import contextlib, io, sys
from isthmus.cli import main
said = io.StringIO()
for words in (["--help"], ["--version"], ["no-such-verb"], []):
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        main(words)
print(said.getvalue())
print(sorted({"torch", "numpy", "rich", "sklearn", "PIL"} & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.strip().splitlines()[-1] == "[]"
    for verb in verbs():
        assert f"\n    {verb}" in out


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    assert left.value.code == 0
    assert f"usage: isthmus {verb}" in capsys.readouterr().out


READING = {"--labels", "--group", "--size", "--channels", "--tile", "--stride", "--skip-bad"}
OF_FIT = READING | {
    "--devices",
    "--master",
    "--model",
    "--nodes",
    "--out",
    "--resume",
    "--validation",
    "--test",
    "--threads",
    "--json",
    "--quiet",
    "--help",
}


@pytest.mark.parametrize("name", models.names())
def test_flags_are_the_model_s_fields_and_nothing_else(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["fit", "--model", name, "--help"])
    shown = set(re.findall(r"--[a-z0-9-]+", capsys.readouterr().out))
    made = models.make(name)
    fields = {f"--{field.name}".replace("_", "-") for field in dataclasses.fields(made)}
    if not getattr(made, "chooses_net", False):
        fields -= {"--net"}
    else:
        net = discover.find("nets", made.net, "Net")()
        fields |= {f"--net-{field.name}".replace("_", "-") for field in dataclasses.fields(net)}
    negated = {f"--no-{flag[2:]}" for flag in fields}
    assert fields <= shown
    assert shown <= fields | OF_FIT | negated | {"--help"}


def test_flags_set_the_fields(tmp_path: Path) -> None:
    words = ["--model", "conv-vae", "--net-channels", "4,8", "--net-kernel", "3", "--no-binarise", "--beta", "2.5"]
    words += ["--sigma", "0.2", "--likelihood", "gaussian", "--net-batch-norm", "--clip", "1"]
    assert main(["fit", "digits", *words, *TINY, "--out", str(tmp_path / "run")]) == 0
    model = load(tmp_path / "run")
    assert (model.latent, model.beta, model.sigma, model.likelihood, model.clip) == (3, 2.5, 0.2, "gaussian", 1.0)
    assert (model.net.channels, model.net.kernel, model.net.batch_norm) == ((4, 8), 3, True)


# -- every verb -------------------------------------------------------------------------------------------------------


def test_data_info_tells_what_was_found(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "1,797" in printed(["data", "info", "digits"], capsys)
    found = json.loads(printed(["data", "info", str(pets), "--json"], capsys))
    assert "30" in json.dumps(found)
    assert "cat" in json.dumps(found)


def test_info_tells_what_a_run_is(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "vae, done" in printed(["info", str(run)], capsys)
    described = json.loads(printed(["info", str(run), "--json"], capsys))
    assert described["model"]["name"] == "vae"
    assert [line["epoch"] for line in described["history"]] == [1, 2]
    assert described["data"]["name"] == "digits"


def test_fit_prints_the_description_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(["fit", "digits", "--model", "pca", "--latent", "2", "--json", "--out", str(tmp_path / "r")], capsys)
    assert json.loads(out)["status"] == "done"


def test_evaluate_prints_records_and_keeps_them(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(["evaluate", str(run), "--samples", "5", "--json"], capsys)
    records = [json.loads(line) for line in out.splitlines()]
    names = [record["name"] for record in records]
    assert "MSE, model" in names
    assert "MSE, PCA (3)" in names
    assert "KL, nats" in names
    for record in records:
        assert {"name", "value", "interval", "n", "split", "data", "seed", "command", "machine"} <= set(record)
        assert isinstance(record["value"], int | float)
        assert record["machine"]
        assert str(run) not in json.dumps(record)
    assert Run(run).read_lines("metrics.jsonl")[-len(records) :] == records
    assert (run / "kl.png").exists()
    assert "PCA" in printed(["evaluate", str(run), "digits", "--samples", "2"], capsys)


def test_evaluate_draws_the_densities_of_nine_pixels_when_asked(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(["evaluate", str(run), "--samples", "2", "--pixel-density", "--json"], capsys)
    records = {record["name"]: record for record in map(json.loads, out.splitlines())}
    assert (run / "pixel-density.png").exists()
    for name in ("pixel density, Wasserstein", "pixel density, Kolmogorov-Smirnov"):
        assert 0 < records[name]["value"] < 1
        assert records[name]["command"].endswith("--pixel-density")
        assert np.shape(records[name]["per_channel_and_place"]) == (1, 9)
        assert {"halves", "mean_picture", "rows", "columns"} <= set(records[name])


@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv", ".parquet"])
def test_codes_go_out_and_come_back_in_every_kind_of_file(run: Path, tmp_path: Path, ending: str) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    codes = tmp_path / f"codes{ending}"
    assert main(["encode", str(run), "digits", "-o", str(codes)]) == 0
    assert main(["decode", str(run), str(codes), "-o", str(tmp_path / "back.npy")]) == 0
    back = np.load(tmp_path / "back.npy", allow_pickle=False)
    from sklearn.datasets import load_digits

    model, x = load(run), load_digits().images.astype(np.uint8)
    np.testing.assert_array_equal(back, model.inverse_transform(model.transform(x)))


def test_codes_keep_ids_and_labels_beside_them(run: Path, tmp_path: Path) -> None:
    assert main(["encode", str(run), "-o", str(tmp_path / "codes.npz")]) == 0
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as found:
        assert found["codes"].shape == (1797, 3)
        assert len(set(found["ids"])) == 1797
        assert set(found["labels"]) == set("0123456789")


def test_decode_writes_a_folder_of_pictures(run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.zeros((4, 3), np.float32))
    assert main(["decode", str(run), str(tmp_path / "z.npy"), "-o", str(tmp_path / "pictures")]) == 0
    files = sorted((tmp_path / "pictures").iterdir())
    assert [file.name for file in files] == [f"00000{i}.png" for i in range(4)]
    assert pixels_of(files[0]).shape == (8, 8)


@pytest.mark.parametrize(
    "words",
    [
        ["reconstruct", "-n", "6"],
        ["reconstruct", "digits", "-n", "6"],
        ["sample", "-n", "9"],
        ["sample", "-n", "9", "--like", "digits", "--spread", "0.5"],
        ["interpolate", "--pairs", "2", "--steps", "5"],
        ["interpolate", "digits", "--from", "3", "--to", "1700"],
    ],
    ids=" ".join,
)
def test_pictures_of_a_model_are_drawn(run: Path, tmp_path: Path, words: list[str]) -> None:
    out = tmp_path / "shown.png"
    assert main([words[0], str(run), *words[1:], "-o", str(out)]) == 0
    assert pixels_of(out).std() > 1
    before = out.read_bytes()
    assert main([words[0], str(run), *words[1:], "-o", str(out)]) == 0
    assert out.read_bytes() == before, "the same command draws the same picture"


def test_samples_as_an_array(run: Path, tmp_path: Path) -> None:
    assert main(["sample", str(run), "-n", "5", "--seed", "3", "-o", str(tmp_path / "s.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "s.npy", allow_pickle=False), load(run).sample(5, seed=3))


def test_the_demo_trains_judges_draws_and_says_what_to_try(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(["demo", "--out", str(tmp_path / "demo"), "--epochs", "1"], capsys)
    assert "PCA (8)" in out
    assert len(re.findall(r"^  isthmus \w+", out, re.MULTILINE)) == 3
    for name in ("reconstructions.png", "samples.png", "map.png"):
        assert pixels_of(tmp_path / "demo" / name).shape[1] > 100
    assert Run(tmp_path / "demo").read_lines("metrics.jsonl")


# -- one's own pictures, and what a run may know of them --------------------------------------------------------------


@pytest.fixture
def own(pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of those pictures with everything in it that verbs put there."""
    monkeypatch.chdir(tmp_path)
    words = ["--model", "conv-autoencoder", "--size", "8", *TINY, "--out", str(tmp_path / "own")]
    assert main(["fit", str(pets), *words]) == 0
    assert main(["evaluate", "own"]) == 0
    assert main(["encode", "own", "-o", "own/codes.csv"]) == 0
    assert main(["reconstruct", "own", str(pets), "-o", "own/grid.png"]) == 0
    return tmp_path / "own"


def test_a_run_of_one_s_own_pictures_is_read_again_as_it_was(own: Path, pets: Path) -> None:
    described = Run(own).read_json("run.json")
    assert described["data"]["pictures"] == 30
    assert described["data"]["labelled"] == 24
    assert described["data"]["options"]["size"] == 8
    rows = (own / "codes.csv").read_text("utf-8").splitlines()
    assert rows[0].startswith("id,label,z0")
    assert all(re.match(r"(cat|dog|unlabelled)/\d+\.jpg,(cat|dog|),", row) for row in rows[1:])
    assert main(["encode", str(own), str(pets), "-o", str(own / "all.npy")]) == 0
    assert np.load(own / "all.npy", allow_pickle=False).shape == (30, 3)


def test_no_absolute_path_and_no_exif_is_in_a_run(own: Path, tmp_path: Path) -> None:
    held = [path for path in own.rglob("*") if path.is_file()]
    assert len(held) > 6
    for path in held:
        content = path.read_bytes()
        assert str(tmp_path).encode() not in content, path.name
        assert str(Path.home()).encode() + b"/" not in content, path.name
        assert b"SECRET-LATITUDE" not in content, path.name
        assert b"Exif" not in content, path.name


# -- what is wrong is one sentence ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["fit", "no-such-pictures", "--out", "OUT"], 2, r"no file, folder or named set 'no-such-pictures'"),
        (["fit", "digit", "--out", "OUT"], 2, r"Did you mean digits\b"),
        (["fit", "--out", "OUT"], 2, r"there are no pictures"),
        (["fit", "digits"], 2, r"say where the run goes"),
        (["fit", "digits", "--out", "OUT", "--resume", "OUT"], 2, r"say where the run goes"),
        (["fit", "digits", "--out", "RUN"], 2, r"already holds a finished run"),
        (["fit", "digits", "--model", "gan3", "--out", "OUT"], 2, r"invalid choice: 'gan3'"),
        (["fit", "digits", "--model", "pca", "--beta", "2", "--out", "OUT"], 2, r"unrecognized arguments: --beta 2"),
        (["fit", "digits", "--latent", "0", "--out", "OUT"], 2, r"latent is 0"),
        (["fit", "digits", "--latent", "many", "--out", "OUT"], 2, r"invalid int value: 'many'"),
        (["fit", "digits", "--net-channels", "4,x", "--out", "OUT"], 2, r"list of whole numbers"),
        (["fit", "digits", "--device", "cuda:99", "--out", "OUT"], 2, r"device"),
        (["fit", "digits", "--validation", "2", "--out", "OUT"], 2, r"validation fraction"),
        (["fit", "digits", "--labels", "no.csv", "--out", "OUT"], None, r"no\.csv"),
        (["fit", "--resume", "OUT"], 1, r"there is no run folder"),
        (["fit", "--resume", "RUN", "--latent", "5"], 2, r"Leave out --latent"),
        (["info", "OUT"], 1, r"there is no run folder"),
        (["info", "EMPTY"], 1, r"not a run folder"),
        (["evaluate", "EMPTY"], 1, r"not a run folder"),
        (["encode", "RUN", "digits", "-o", "codes.txt"], 2, r"\.csv, \.npy"),
        (["encode", "RUN", "no-such", "-o", "OUT.npy"], 2, r"no-such"),
        (["decode", "RUN", "no.npy", "-o", "OUT"], 1, r"there is no file no\.npy"),
        (["decode", "RUN", "CODES", "-o", "OUT"], 1, r"are not \(n, 3\)"),
        (["decode", "RUN", "PICKLED", "-o", "OUT"], 1, r"holds no codes"),
        (["reconstruct", "RUN", "-o", "grid.doc"], 2, r"no ending for a picture"),
        (["sample", "RUN", "-n", "0", "-o", "OUT.png"], 2, r"at least one"),
        (["sample", "RUN"], 2, r"required: -o"),
        (
            ["interpolate", "RUN", "--from", "nobody", "--to", "3", "-o", "OUT.png"],
            2,
            r"no picture with the id 'nobody'",
        ),
        (["interpolate", "RUN", "--steps", "1", "-o", "OUT.png"], 2, r"at least two"),
        (["explode"], 2, r"invalid choice: 'explode'"),
        (["--verbose"], 2, r"required|unrecognized"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_is_said_in_one_sentence(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int | None, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    np.save(tmp_path / "codes.npy", np.zeros((4, 7), np.float32))
    np.save(tmp_path / "pickled.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    places = {"OUT": "out", "OUT.png": "out.png", "OUT.npy": "out.npy", "EMPTY": "empty", "CODES": "codes.npy"}
    places |= {"PICKLED": "pickled.npy"}
    real = [str(run) if word == "RUN" else str(tmp_path / places[word]) if word in places else word for word in words]
    found, sentence = failing(real, capsys)
    assert found == code or code is None
    assert re.search(message, sentence), sentence
    assert not (tmp_path / "out").exists(), "what cannot begin leaves nothing behind"


def test_pixels_outside_the_likelihood_s_range_are_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(0, 9, (40, 8, 8)).astype(np.float32))
    words = ["fit", str(tmp_path / "x.npy"), "--model", "vae", "--scale", "none", *TINY, "--out", str(tmp_path / "r")]
    code, sentence = failing(words, capsys)
    assert code == 1
    assert re.search(r"no probabilities, which a bernoulli likelihood needs\. Leave --scale at auto", sentence)


def test_somebody_who_stops_reading_is_no_failure(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "isthmus", "info", str(run), "--json"]
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted; what was finished is kept"),
        (OSError(28, "No space left on device", "/some/file"), 1, "/some/file: No space left on device"),
        (MemoryError(), 1, "out of memory"),
    ],
)
def test_what_the_machine_does_wrong_is_one_sentence_too(
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    code: int,
    message: str,
) -> None:
    def fails(*_: Any) -> int:
        raise raised

    monkeypatch.setattr("isthmus.cli.info.run", fails)
    found, sentence = failing(["info", str(run)], capsys)
    assert found == code
    assert message in sentence


def test_what_is_talk_goes_to_stderr_and_data_to_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["fit", "digits", "--model", "pca", "--latent", "2", "--out", str(tmp_path / "r")]
    capsys.readouterr()
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "next: isthmus evaluate" in said.err
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert main(["info", str(tmp_path / "r"), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
