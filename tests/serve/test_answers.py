"""A served run says what the run says: in every form, alone and in a crowd."""

import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

import isthmus
from isthmus.classify.saving import load_classifier
from isthmus.run import Run
from isthmus.serve import forms
from isthmus.serve.service import Service
from isthmus.serve.serving import Serving
from isthmus.web.listening import bound

ARRAY = {"content-type": "application/x-npy", "accept": "application/x-npy"}


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def array_of(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    found: np.ndarray = np.load(io.BytesIO(answer.content), allow_pickle=False)
    return found


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return isthmus.load(folder)


@pytest.fixture(scope="module")
def pictures(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(folder.parent / "pictures" / f"{row}.png")) for row in range(40)])


def test_codes_are_those_of_the_run_in_every_form(http: httpx.Client, folder: Path, model: Any, pictures: Any) -> None:
    own = model.transform(pictures)
    np.testing.assert_allclose(array_of(http.post("/encode", content=npy(pictures), headers=ARRAY)), own, atol=1e-5)
    answer = http.post("/encode", json={"pictures": pictures.tolist()})
    np.testing.assert_allclose(forms.Codes(**answer.json()).codes, own, atol=1e-5)
    file = (folder.parent / "pictures" / "7.png").read_bytes()
    answer = http.post("/encode", content=file, headers={"content-type": "image/png"})
    np.testing.assert_allclose(answer.json()["codes"], own[7:8], atol=1e-5)
    one = array_of(http.post("/encode", content=npy(pictures[3]), headers=ARRAY))
    np.testing.assert_allclose(one, own[3:4], atol=1e-5)


def test_a_picture_file_of_another_size_is_seen_as_the_command_line_sees_it(
    http: httpx.Client, folder: Path, tmp_path: Path
) -> None:
    generator = np.random.default_rng(0)
    Image.fromarray(generator.integers(0, 256, (40, 31, 3), dtype=np.uint8)).save(tmp_path / "odd.jpg")
    answer = http.post("/encode", content=(tmp_path / "odd.jpg").read_bytes(), headers={"content-type": "image/jpeg"})
    from isthmus.cli import main

    assert main(["encode", str(folder), str(tmp_path / "odd.jpg"), "-o", str(tmp_path / "codes.npz")]) == 0
    np.testing.assert_allclose(answer.json()["codes"], np.load(tmp_path / "codes.npz")["codes"], atol=1e-5)


def test_classes_are_those_of_the_classifier(http: httpx.Client, folder: Path, model: Any, pictures: Any) -> None:
    classifier = load_classifier(Run.open(folder), model, "labels")
    own = classifier.predict_proba(pictures)
    told = http.post("/predict", content=npy(pictures), headers=ARRAY).json()
    forms.Predictions(**told)
    classes = list(map(str, classifier.classes_))
    for prediction, row in zip(told["predictions"], own, strict=True):
        assert prediction["class"] == classes[int(row.argmax())] and prediction["class"] in prediction["may_be"]
        np.testing.assert_allclose([prediction["probabilities"][name] for name in classes], row, atol=1e-5)
        assert prediction["probability"] == pytest.approx(row.max(), abs=1e-5)
    typical = [prediction["typical"] for prediction in told["predictions"]]
    np.testing.assert_allclose(typical, classifier.typical(pictures), atol=1e-5)


def test_codes_become_the_pictures_of_the_run(http: httpx.Client, model: Any, pictures: Any) -> None:
    codes = model.transform(pictures)
    own = model.inverse_transform(codes)
    drawn = array_of(http.post("/decode", content=npy(codes), headers=ARRAY))
    assert drawn.dtype == own.dtype and drawn.shape == own.shape
    assert np.abs(drawn.astype(int) - own).max() <= 1
    answer = http.post("/decode", json={"codes": codes[0].tolist()})
    assert np.abs(np.array(forms.Pictures(**answer.json()).pictures[0]) - own[0].astype(int)).max() <= 1
    answer = http.post("/decode", json={"codes": codes[:1].tolist()}, headers={"accept": "image/png"})
    seen = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert seen.shape == own[0].shape and np.abs(seen.astype(int) - own[0]).max() <= 1


def test_in_a_crowd_everybody_gets_their_own(http: httpx.Client, model: Any, pictures: Any) -> None:
    own = model.transform(pictures)

    def ask(row: int) -> np.ndarray:
        return array_of(http.post("/encode", content=npy(pictures[row : row + 1]), headers=ARRAY))

    with ThreadPoolExecutor(16) as crowd:
        rows = [row % len(pictures) for row in range(300)]
        for row, code in zip(rows, crowd.map(ask, rows), strict=True):
            np.testing.assert_allclose(code, own[row : row + 1], atol=1e-5)


def test_classes_are_drawn_and_askers_of_different_ones_share_a_batch(tmp_path: Path) -> None:
    from isthmus.cli import main

    words = ["digits", "--model", "conditional-vae", "--latent", "3", "--epochs", "1", "--device", "cpu", "--quiet"]
    assert main(["fit", *words, "--out", str(tmp_path / "run")]) == 0
    model = isthmus.load(tmp_path / "run")
    codes = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    bodies = [{"codes": codes[i : i + 1].tolist(), "classes": None if i % 3 == 0 else [str(i % 10)]} for i in range(12)]
    with (
        Serving(Service(tmp_path / "run"), bound("127.0.0.1", 0)).in_background() as server,
        httpx.Client(base_url=server.address, timeout=60, trust_env=False) as http,
        ThreadPoolExecutor(12) as crowd,
    ):
        assert http.get("/model").json()["draws_classes"] == [str(digit) for digit in range(10)]
        answers = list(crowd.map(lambda body: http.post("/decode", json=body), bodies))
        wrong = http.post("/decode", json={"codes": codes.tolist(), "classes": "llama"})
    for i, answer in enumerate(answers):
        own = model.inverse_transform(codes[i : i + 1], None if i % 3 == 0 else str(i % 10))
        assert np.abs(np.array(answer.json()["pictures"]) - own.astype(int)).max() <= 1
    assert wrong.status_code == 400 and "llama" in wrong.json()["what"]


def test_designs_are_answered_with_what_the_judge_says(http: httpx.Client, folder: Path) -> None:
    answer = http.post("/design", json={"want": "class=3", "n": 2, "seed": 1})
    assert answer.status_code == 200, answer.text
    told = forms.Designs(**answer.json())
    assert np.shape(told.pictures) == (2, 1, 8, 8) and np.shape(told.codes) == (2, 4) and len(told.met) == 2
    assert "judge" in told.verdict
    again = http.post("/design", json={"want": "class=3", "n": 2, "seed": 1})
    assert again.json()["pictures"] == told.pictures
    for want, status in (("@/etc/passwd", 400), ("class=llama", 400), ("", 422)):
        assert http.post("/design", json={"want": want}).status_code == status
    assert http.post("/design", json={"want": "class=3", "n": 101}).status_code == 400


def test_a_client_learns_what_it_has_to_know(http: httpx.Client, folder: Path) -> None:
    forms.Health(**http.get("/health").json())
    told = forms.Served(**http.get("/model").json())
    assert (told.run, told.latent_shape, told.pictures.shape, told.heads) == ("run", [4], [1, 8, 8], ["labels"])
    described = http.get("/openapi.json").json()
    asked = ("/health", "/metrics", "/model", "/encode", "/predict", "/decode", "/design")
    assert tuple(described["paths"]) == asked
    for path in asked[3:]:
        said = described["paths"][path]["post"]["responses"]
        assert "$ref" in json.dumps(said["200"]) and {"422", "503"} <= set(said)
    assert http.get("/docs").status_code == 404, "it would load scripts from elsewhere"


def test_what_was_done_is_counted(folder: Path) -> None:
    with (
        Serving(Service(folder), bound("127.0.0.1", 0)).in_background() as server,
        httpx.Client(base_url=server.address, timeout=60, trust_env=False) as http,
    ):
        for _ in range(3):
            http.post("/encode", json={"pictures": np.zeros((2, 8, 8), int).tolist()})
        http.get("/elsewhere/with/a/name")
        lines = http.get("/metrics").text.splitlines()
    counted = Counter({line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"})
    assert counted['isthmus_requests_total{route="/encode",status="200"}'] == 3
    assert counted['isthmus_requests_total{route="other",status="404"}'] == 1
    assert counted["isthmus_batch_rows_sum"] == 6 and counted['isthmus_batch_rows_bucket{le="2"}'] == 3
    assert counted["isthmus_waiting_rows"] == 0 and counted["isthmus_requests_under_way"] == 1
