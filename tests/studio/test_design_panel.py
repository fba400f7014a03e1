"""Designing in the studio, asked as its page asks: wishes, refusals, answers, paths on a map, and what is kept."""

import csv
import json
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from isthmus import Run
from isthmus.cli import main
from isthmus.design import guide as guiding
from isthmus.design import lessons
from isthmus.images.label_log import LabelLog
from isthmus.look.maps import draw, save_map
from isthmus.look.projections.pca import Projection
from isthmus.measure import oracle
from isthmus.studio.app import Studio, make_app
from isthmus.studio.packing import unpacked
from isthmus.studio.room import LOG
from isthmus.studio.shelf import Shelf

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that httpx, which it takes, has a successor
    from fastapi.testclient import TestClient

HERE = {"host": "127.0.0.1"}
TINY = ["--model", "vae", "--net", "mlp", "--net-hidden", "64", "--latent", "8", "--epochs", "6", "--quiet"]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    assert main(["fit", "digits", *TINY, "--out", str(folder / "tiny")]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle, "_PICTURES", 8000)
        patch.setattr(guiding, "_PICTURES", 8000)
        patch.setattr(lessons, "_DRAWN", 400)
        patch.setattr(lessons, "_TURNS", 2)
        made = Studio(Shelf(folder))
        yield made
        made.close()


@pytest.fixture(scope="module")
def asking(studio: Studio) -> TestClient:
    client = TestClient(make_app(studio), base_url="http://127.0.0.1", headers=HERE)
    waited(client, client.post("/api/open", params={"run": "tiny"}).json())
    waited(client, client.post("/api/design/open", params={"run": "tiny"}).json())
    return client


def waited(client: TestClient, told: dict[str, Any]) -> Any:
    """What the job of an answer gave; failing where it failed."""
    if "job" not in told:
        return told
    number = told["job"]["id"]
    for _ in range(2400):
        (job,) = [one for one in client.get("/api/runs").json()["jobs"] if one["id"] == number]
        if job["state"] != "running":
            assert job["state"] == "done", job
            return job["result"]
        time.sleep(0.05)
    raise AssertionError("it takes too long")


def ask(client: TestClient, **order: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    told = client.post("/api/design", params={"run": "tiny"}, json={"want": "class=3", "n": 6} | order)
    assert told.status_code == 200, told.text
    found = waited(client, told.json())
    return unpacked(client.get("/api/design/answer", params={"run": "tiny", "id": found["id"]}).content)


def test_what_can_be_wished_comes_with_its_histogram(asking: TestClient) -> None:
    told = asking.get("/api/design", params={"run": "tiny"}).json()
    assert [one["name"] for one in told["classes"]] == list("0123456789")
    assert all(one["count"] > 50 for one in told["classes"])
    for one in told["attributes"]:
        assert sum(one["bars"]) == one["known"] > 1000
        assert one["low"] <= one["from"] < one["to"] <= one["high"]
    assert {"area", "thickness", "slant"} <= {one["name"] for one in told["attributes"]}


def test_a_text_is_read_into_parts(asking: TestClient) -> None:
    text = {"want": "class=3|8, 2*area>20, slant=-0.2..0.4"}
    told = asking.post("/api/design/read", params={"run": "tiny"}, json=text).json()
    first, second, third = told["wishes"]
    assert first["kind"] == "class" and first["classes"] == ["3", "8"]
    assert (second["name"], second["low"], second["high"], second["weight"]) == ("area", 20, None, 2)
    assert (third["low"], third["high"]) == (-0.2, 0.4)
    told = asking.post("/api/design/read", params={"run": "tiny"}, json={"want": "class=3:0.7+8:0.3, area>900"}).json()
    assert told["wishes"][0]["shares"] == [["3", 0.7], ["8", 0.3]]
    assert "outside of anything seen" in told["notes"][0]


@pytest.mark.parametrize(
    ("want", "sentence"),
    [
        ("class=3, class=4", "contradict each other"),
        ("area>30, area<20", "contradict each other"),
        ("arae>30", "there is no attribute 'arae'"),
        ("class=cat", "there is no class 'cat'"),
        ("@/etc/passwd", "not read from files here"),
        ("nonsense", "is no wish"),
        ("", "wishes for nothing"),
    ],
)
def test_what_cannot_be_is_one_sentence(asking: TestClient, want: str, sentence: str) -> None:
    told = asking.post("/api/design/read", params={"run": "tiny"}, json={"want": want})
    assert sentence in told.json()["refused"]["what"]
    if want:
        told = asking.post("/api/design", params={"run": "tiny"}, json={"want": want})
        assert told.status_code == 400 and sentence in told.json()["what"]


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 10**6}, {"near": 10**6}, {"apart": -1}, {"near": -1}])
def test_orders_out_of_bounds_are_refused(asking: TestClient, wrong: dict[str, Any]) -> None:
    told = asking.post("/api/design", params={"run": "tiny"}, json={"want": "class=3"} | wrong)
    assert told.status_code in (400, 422) and told.json()["what"]


def test_designs_are_judged_filmed_placed_and_kept(asking: TestClient, studio: Studio) -> None:
    about, arrays = ask(asking)
    assert about["verdict"].startswith("guides say ") and "the judge says" in about["verdict"]
    assert arrays["pixels"].shape == (6, 8, 8, 1) and len(about["designs"]) == 6
    assert all({"guides", "judge", "steps", "like", "near"} <= set(one) for one in about["designs"])
    room = studio.room("tiny")
    assert str(room.pictures.ids[about["designs"][0]["near"]]) == about["designs"][0]["like"]
    assert [one["name"] for one in about["beside"]][:2] == ["drawn codes", "training pictures"]
    assert sum(count for _, count in about["films"]) == len(arrays["frames"])

    held = np.asarray(room.pictures.split == "test")
    made = draw(room.codes, room.pictures.ids, room.pictures.labels, held, Projection(), name="pca")
    save_map(made, room.run, room.pictures.labels, room.pictures.classes)
    answered = asking.get("/api/design/paths", params={"run": "tiny", "id": about["id"], "map": "pca"})
    paths, placed = unpacked(answered.content)
    assert paths["films"] == about["films"]
    assert placed["places"].shape == (len(arrays["frames"]), 2) and np.isfinite(placed["places"]).all()

    told = asking.post("/api/design/keep", params={"run": "tiny", "id": about["id"]}, json={"designs": [4, 1]}).json()
    folder = room.run.path / told["folder"]
    with open(folder / "designs.csv", encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
    described = json.loads((folder / "design.json").read_text("utf-8"))
    assert described["chosen"] == [1, 4] and described["of"] == 6 and described["verdict"] == about["verdict"]
    assert np.load(folder / "codes.npz")["codes"].shape == (2, 8)
    assert (folder / "sheet.png").exists() and str(room.run.path) not in json.dumps(described)
    records = Run.open(room.run.path).read_lines("metrics.jsonl")[-2:]
    assert {record["n"] for record in records} == {6}, "the record is of all that were tried, not of the chosen ones"


def test_making_guides_holds_no_lock_and_keeping_waits_for_who_writes(asking: TestClient, studio: Studio) -> None:
    room = studio.room("tiny")
    room.kept["drafting"]._makers.clear()
    with room.run.writing():
        about, _ = ask(asking)
    begun, done = threading.Event(), threading.Event()

    def write() -> None:
        with room.writing():
            begun.set()
            done.wait(0.5)

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(10)
    kept = asking.post("/api/design/keep", params={"run": "tiny", "id": about["id"]}, json={"designs": [0]})
    saved = asking.post("/api/report", params={"run": "tiny"})
    done.set()
    writer.join()
    assert (kept.status_code, saved.status_code) == (200, 200)


def test_the_same_wishes_have_the_answer_of_the_verb(asking: TestClient, studio: Studio) -> None:
    about, _ = ask(asking)
    run = studio.room("tiny").run.path
    assert main(["design", str(run), "--want", "class=3", "-n", "6", "--json", "-o", str(run / "verb")]) == 0
    verb = json.loads((run / "verb" / "design.json").read_text("utf-8"))
    assert verb["verdict"] == about["verdict"]
    assert [one["like"] for one in verb["designs"]] == [one["like"] for one in about["designs"]]
    assert verb["command"] == about["command"]


def test_near_a_picture_the_film_begins_with_it(asking: TestClient, studio: Studio) -> None:
    room = studio.room("tiny")
    row = int(np.flatnonzero(room.pictures.labels == 0)[0])
    about, arrays = ask(asking, want="class=6", near=row, n=3)
    assert about["near"] and not about["beside"]
    assert all(one["change"] >= 0 for one in about["designs"])
    assert np.array_equal(arrays["frames"][0], room.seen(np.array([row]))[0])


def test_labels_of_the_studio_count(asking: TestClient, studio: Studio) -> None:
    room = studio.room("tiny")
    rows = np.flatnonzero((room.pictures.labels == 7) & (room.pictures.split == "train"))[:60]
    LabelLog(room.run.path / LOG).add({str(room.pictures.ids[row]): "seven <b>" for row in rows})
    told = asking.post("/api/design/open", params={"run": "tiny"}).json()
    assert not told["ready"], "the labels are others: what can be wished is found anew"
    waited(asking, told)
    classes = asking.get("/api/design", params={"run": "tiny"}).json()["classes"]
    assert classes[-1] == {"name": "seven <b>", "count": 60}
    (room.run.path / LOG).unlink()
    waited(asking, asking.post("/api/design/open", params={"run": "tiny"}).json())


def test_looking_can_be_stopped(asking: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guides for attributes take longest: the job is asked to stop while they are trained, and the next one works."""
    monkeypatch.setattr(guiding, "_PICTURES", 400_000)
    job = asking.post("/api/design", params={"run": "tiny"}, json={"want": "area>20", "n": 4}).json()["job"]
    busy = asking.post("/api/design", params={"run": "tiny"}, json={"want": "class=1"})
    assert busy.status_code == 400 and "already" in busy.json()["what"]
    for _ in range(200):
        (now,) = [one for one in asking.get("/api/runs").json()["jobs"] if one["id"] == job["id"]]
        if "guides" in now["what"]:
            break
        time.sleep(0.05)
    assert "training 3 guides" in now["what"] and now["total"] > 0
    asking.post(f"/api/jobs/{job['id']}/cancel")
    for _ in range(200):
        (now,) = [one for one in asking.get("/api/runs").json()["jobs"] if one["id"] == job["id"]]
        if now["state"] != "running":
            break
        time.sleep(0.05)
    assert now["state"] == "cancelled"
    about, _ = ask(asking, n=2)
    assert len(about["designs"]) == 2
