"""A small run of digits with odd names, made once, and a studio that is served on it."""

import csv
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from isthmus.studio.app import Studio
from isthmus.studio.packing import unpacked
from isthmus.studio.serving import Serving, bound
from isthmus.studio.shelf import Shelf

MARKUP = "<img src=x onerror=alert(1)>"
"""The name of the class of zeros: markup, if anybody took it for that."""
QUOTED = "it's \"7\" & <b>bold<.png"
"""The id of the first picture."""
FORMULA = "=1+2"
PICTURES = 600


def ids_of() -> list[str]:
    return [QUOTED, *(f"d/{row:04}.png" for row in range(1, PICTURES))]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures and, below `runs`, what the tests open: never changed by a test."""
    from sklearn.datasets import load_digits

    home = tmp_path_factory.mktemp("studio")
    found = load_digits()
    (home / "pictures" / "d").mkdir(parents=True)
    ids = ids_of()
    with open(home / "labels.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "label", "number", "hand", "=column"])
        for row, name in enumerate(ids):
            Image.fromarray((found.images[row] * 15).astype(np.uint8)).save(home / "pictures" / name)
            label = int(found.target[row])
            known = MARKUP if label == 0 else str(label)
            table.writerow([name, known, 1_234_560 + row, FORMULA if row % 2 else "left", label / 3])
    for name in ("one", "two"):
        _fit(home, name, "7" if name == "two" else "0")
    return home


def _fit(home: Path, name: str, seed: str) -> None:
    from isthmus.cli import main

    here, words = os.getcwd(), ["fit", "pictures", "--labels", "labels.csv", "--out", f"runs/{name}"]
    words += ["--model", "conv-vae", "--latent", "4", "--epochs", "2", "--seed", seed, "--device", "cpu"]
    words += ["--test", "0.25", "--threads", "1", "--quiet"]
    os.chdir(home)
    try:
        assert main(words) == 0
    finally:
        os.chdir(here)
        torch.set_num_threads(1)


def copied(shelf: Path, to: Path, *names: str) -> Path:
    """Runs of their own for a test that writes, beside the same pictures; the folder of the runs."""
    os.symlink(shelf / "pictures", to / "pictures")
    shutil.copy(shelf / "labels.csv", to / "labels.csv")
    for name in names or ("one",):
        shutil.copytree(shelf / "runs" / name, to / "runs" / name)
    return to / "runs"


class Client:
    """Asks a studio as the page does."""

    def __init__(self, address: str, run: str = "one") -> None:
        self.address, self.run = address, run
        self.http = httpx.Client(base_url=address, timeout=60, trust_env=False)

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self.http.get(f"/api/{path}", params={"run": self.run} | asked)

    def post(self, path: str, body: Any = None, **asked: Any) -> httpx.Response:
        params = {"run": self.run} | asked
        if isinstance(body, np.ndarray):
            return self.http.post(f"/api/{path}", params=params, content=body.astype("<u4").tobytes())
        return self.http.post(f"/api/{path}", params=params, json=body)

    def numbers(self, answer: httpx.Response) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        assert answer.status_code == 200, answer.text
        return unpacked(answer.content)

    def done(self, answer: httpx.Response, seconds: float = 60) -> dict[str, Any]:
        """The job that an answer names, when it has ended."""
        assert answer.status_code == 200, answer.text
        number, end = answer.json()["job"]["id"], time.monotonic() + seconds
        while time.monotonic() < end:
            job = next(one for one in self.http.get("/api/runs").json()["jobs"] if one["id"] == number)
            if job["state"] != "running":
                return dict(job)
            time.sleep(0.02)
        raise AssertionError("the job did not end")

    def opened(self) -> dict[str, Any]:
        answer = self.post("open")
        if not answer.json()["ready"]:
            job = self.done(answer)
            assert job["state"] == "done", job
        return dict(self.get("room").json())

    def desk(self, blank: bool = False) -> dict[str, Any]:
        answer = self.post("desk", blank=blank)
        if not answer.json()["ready"]:
            job = self.done(answer)
            assert job["state"] == "done", job
        return dict(self.get("desk").json())


def waits(what: Any, seconds: float = 20) -> Any:
    """What `what` gives as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


@pytest.fixture(scope="session")
def served(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One studio for all tests that only look, on copies of both runs."""
    runs = copied(shelf, tmp_path_factory.mktemp("served"), "one", "two")
    with Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving:
        yield serving


@pytest.fixture
def client(served: Serving) -> Client:
    made = Client(served.address)
    made.opened()
    return made


@pytest.fixture
def own(shelf: Path, tmp_path: Path) -> Iterator[Client]:
    """A studio of its own for a test that writes; `runs` is beside it in `tmp_path`."""
    runs = copied(shelf, tmp_path)
    with Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving:
        made = Client(serving.address)
        made.opened()
        yield made


def logged(runs: Path, name: str = "one") -> list[dict[str, Any]]:
    """The lines of the log of labels."""
    path = runs / name / "labels.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
