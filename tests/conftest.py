"""One thread, no network, real data where it is at hand; and the tools that several test files share."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before torch or NumPy are imported, here and in every process that a test starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch

_BESIDE = Path(__file__).parents[2] / "shared" / "data"

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has its own cache, reaches no network, and leaves torch's threads as it found them."""
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path_factory.mktemp("cache", numbered=True)))
    monkeypatch.setenv("ISTHMUS_MIRROR", "http://127.0.0.1:9")
    if "ISTHMUS_DATA" not in os.environ and _BESIDE.is_dir():
        monkeypatch.setenv("ISTHMUS_DATA", str(_BESIDE))
    yield
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """The 1,797 handwritten digits, `(n, 8, 8)`, uint8."""
    from sklearn.datasets import load_digits

    return load_digits().images.astype(np.uint8)


@pytest.fixture
def two_players(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The toy of two players and two phases, added to the registry as third parties' files would be: by being there."""
    from isthmus import models

    monkeypatch.setattr(models, "__path__", [*models.__path__, str(Path(__file__).parent / "toys")])
    yield importlib.import_module("isthmus.models.two_players").Model
    del sys.modules["isthmus.models.two_players"]
    del models.two_players


@pytest.fixture
def half_labelled(digits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """120 digits of which every fifth is labelled."""
    labels = np.where(np.arange(120) % 5 == 0, np.arange(120) % 10, -1)
    return digits[:120], labels
