"""Training seen in the studio: histories, what is new while another process writes, and the looks on the way."""

import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from isthmus import Run
from isthmus.cli import main
from isthmus.studio import following
from isthmus.studio.app import Studio, make_app
from isthmus.studio.packing import unpacked
from isthmus.studio.serving import Serving
from isthmus.studio.shelf import Shelf
from isthmus.web.listening import bound

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that httpx, which it takes, has a successor
    from fastapi.testclient import TestClient

HERE = {"host": "127.0.0.1"}
TINY = ["--net", "mlp", "--net-hidden", "16", "--latent", "3", "--epochs", "3", "--precision", "float32", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    assert main(["fit", "digits", "--model", "vae", *TINY, "--out", str(folder / "vae")]) == 0
    assert main(["fit", "digits", "--model", "autoencoder", *TINY, "--out", str(folder / "points")]) == 0
    return folder


@pytest.fixture(scope="module")
def serving(folder: Path) -> Iterator[Serving]:
    """A real server: what is told is told to a real socket."""
    with Serving(Studio(Shelf(folder)), bound("127.0.0.1", 0)).in_background() as made:
        yield made


@pytest.fixture(scope="module")
def asking(folder: Path) -> Iterator[TestClient]:
    with TestClient(make_app(Studio(Shelf(folder))), base_url="http://127.0.0.1", headers=HERE) as client:
        yield client


def test_a_history_comes_whole(asking: TestClient) -> None:
    told = asking.get("/api/training", params={"run": "vae"}).json()
    assert told["status"] == "done" and told["model"] == "vae" and told["quiet"] is None
    assert [line["epoch"] for line in told["lines"]] == [1, 2, 3] == told["looks"]
    assert all("loss" in line["players"]["vae"] and "loss" in line["validation"] for line in told["lines"])
    assert asking.get("/api/training", params={"run": "../vae"}).status_code == 409


def test_looks_are_pictures_and_what_the_code_carries(asking: TestClient) -> None:
    about, arrays = unpacked(asking.get("/api/training/look", params={"run": "vae", "line": 3}).content)
    assert about["epoch"] == 3 and arrays["redrawn"].shape == arrays["pictures"].shape == (12, 8, 8, 1)
    for run, kind in (("vae", "kl"), ("points", "spread")):
        about, arrays = unpacked(asking.get("/api/training/code", params={"run": run}).content)
        assert about == {"kind": kind, "lines": [1, 2, 3]} and arrays["table"].shape == (3, 3)
        assert np.isfinite(arrays["table"]).all()
    assert asking.get("/api/training/look", params={"run": "vae", "line": 99}).status_code == 400
    assert asking.get("/api/training/look", params={"run": "vae", "line": -1}).status_code == 400


def heard(socket: Any, kind: str) -> dict[str, Any]:
    for _ in range(50):
        event: dict[str, Any] = json.loads(socket.recv(timeout=30))
        if event["kind"] == kind:
            return event
    raise AssertionError("nothing was told")


def test_what_another_process_writes_is_told_line_by_line(
    folder: Path, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_EVERY", 0.05)
    run, done = Run(folder / "live"), Run(folder / "vae")
    lines, described = done.read_lines("history.jsonl"), done.read_json("run.json")
    run.write_json("run.json", described | {"status": "training", "remarks": []})
    run.append("history.jsonl", lines[0])
    time.sleep(1.1)  # for as long the list of runs is believed
    asking = httpx.Client(base_url=serving.address)
    assert asking.get("/api/training", params={"run": "live"}).json()["quiet"] < 60
    origin: Any = serving.address.rstrip("/")
    with connect(f"{serving.address.replace('http', 'ws')}api/events", origin=origin, proxy=None) as socket:
        assert asking.post("/api/training/follow", json={"runs": {"live": 1, "vae": 3}}).status_code == 200
        run.append("history.jsonl", lines[1])
        event = heard(socket, "training")
        while not event["lines"]:
            event = heard(socket, "training")
        assert (event["run"], event["begin"], event["status"]) == ("live", 1, "training")
        assert [line["epoch"] for line in event["lines"]] == [2]
        run.rewrite_lines("history.jsonl", lines[:1])  # begun again
        event = heard(socket, "training")
        assert event["begin"] == 0 and len(event["lines"]) == 1
        run.write_json("run.json", described | {"status": "done", "remarks": ["all is well"]})
        event = heard(socket, "training")
        assert event["status"] == "done" and event["remarks"] == ["all is well"]
    asking.close()


def test_nobody_is_followed_for_whom_nobody_listens(
    folder: Path, asking: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_EVERY", 0.02)
    Run(folder / "live").write_json("run.json", Run(folder / "vae").read_json("run.json") | {"status": "training"})
    asking.post("/api/training/follow", json={"runs": {"live": 1}})
    studio: Any = asking.app.state.studio  # type: ignore[attr-defined]
    for _ in range(100):
        if studio.following._thread is None:
            return
        time.sleep(0.02)
    raise AssertionError("it follows for ever")


def test_too_many_are_refused(asking: TestClient) -> None:
    told = asking.post("/api/training/follow", json={"runs": {str(i): 0 for i in range(40)}})
    assert told.status_code == 422 and told.json()["what"]
