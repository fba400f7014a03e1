"""A small run of digits with a classifier, made once and served."""

import csv
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from isthmus.serve.service import Service
from isthmus.serve.serving import Serving
from isthmus.web.listening import bound


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 400 picture files, with labels and a classifier. Serving changes nothing in it but its designs."""
    from sklearn.datasets import load_digits

    from isthmus.cli import main

    home, found = tmp_path_factory.mktemp("served"), load_digits()
    (home / "pictures").mkdir()
    with open(home / "labels.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "label"])
        for row in range(400):
            Image.fromarray((found.images[row] * 15).astype(np.uint8)).save(home / "pictures" / f"{row}.png")
            table.writerow([f"{row}.png", found.target[row]])
    where = [str(home / "pictures"), "--labels", str(home / "labels.csv")]
    words = ["--model", "conv-vae", "--latent", "4", "--epochs", "2", "--threads", "1", "--device", "cpu", "--quiet"]
    assert main(["fit", *where, *words, "--out", str(home / "run")]) == 0
    assert main(["classify", str(home / "run")]) == 0
    torch.set_num_threads(1)
    return home / "run"


@pytest.fixture(scope="session")
def served(folder: Path) -> Iterator[Serving]:
    with Serving(Service(folder), bound("127.0.0.1", 0)).in_background() as server:
        yield server


@pytest.fixture(scope="session")
def http(served: Serving) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.address, timeout=60, trust_env=False) as client:
        yield client
