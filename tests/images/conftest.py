"""Every test has its own cache folder, and no test reaches the network or the user's data by accident."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("ISTHMUS_MIRROR", "http://127.0.0.1:9")
    monkeypatch.delenv("ISTHMUS_DATA", raising=False)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Two classes of 20 pictures and 20 unlabelled ones, 12 x 10, grey."""
    from PIL import Image

    for name in ("cat", "dog", "unlabelled"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(0, 256, (12, 10)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{i:02}.png")
    return tmp_path / "pets"
