"""A small run of digits with odd names, made once, and a studio that is served on it."""

import csv
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from asking import FORMULA, MARKUP, Client, copied, ids_of
from map_page import chromium
from PIL import Image

from isthmus.studio.app import Studio
from isthmus.studio.serving import Serving
from isthmus.studio.shelf import Shelf
from isthmus.web.listening import bound


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


@pytest.fixture(scope="session")
def served(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One studio for all tests that only look, on copies of both runs."""
    runs = copied(shelf, tmp_path_factory.mktemp("served"), "one", "two")
    with Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving:
        yield serving


@pytest.fixture
def client(served: Serving) -> Iterator[Client]:
    with Client(served.address) as made:
        made.opened()
        yield made


@pytest.fixture
def own(shelf: Path, tmp_path: Path) -> Iterator[Client]:
    """A studio of its own for a test that writes; `runs` is beside it in `tmp_path`."""
    runs = copied(shelf, tmp_path)
    serving = Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0))
    with serving.in_background(), Client(serving.address) as made:
        made.opened()
        yield made


@pytest.fixture(scope="session")
def chrome() -> Iterator[Any]:
    """One browser for all tests of a session; each has windows of its own."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed (pip install -e '.[dev]')")
    if chromium() is None:
        pytest.skip("no Chromium was found (name one in ISTHMUS_CHROMIUM)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
