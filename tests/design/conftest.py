"""A small workshop on digits and PCA: every part of design knows only a fitted model's contract."""

from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus import PCA
from isthmus.design import guide as guiding
from isthmus.design import lessons
from isthmus.design.workshop import Workshop
from isthmus.images.pictures import Pictures
from isthmus.measure import oracle as module


def hasten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(module, "_PICTURES", 8000)
    patch.setattr(guiding, "_PICTURES", 8000)
    patch.setattr(lessons, "_DRAWN", 400)
    patch.setattr(lessons, "_TURNS", 2)
    patch.setattr(lessons, "_LED", 50)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)


@pytest.fixture(scope="session")
def piles(digits: np.ndarray) -> tuple[Pictures, Pictures]:
    """Digits with a column that a formula gives (their mean), and one that is words."""
    from sklearn.datasets import load_digits

    pixels, labels = digits[:, None], load_digits().target.astype(np.int64)
    columns = {
        "mean": np.array([repr(float(value)) for value in digits.mean((1, 2))], dtype=object),
        "hand": np.array(["left", "right"] * len(digits), dtype=object)[: len(digits)],
    }
    pile = Pictures.from_array(pixels, labels, classes=tuple("0123456789"), columns=columns)
    return pile.take(np.arange(1200)), pile.take(np.arange(1200, 1797))


@pytest.fixture(scope="session")
def shop(piles: tuple[Pictures, Pictures], tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Guides and judge of it are trained once for all tests."""
    training, test = piles
    model = PCA(latent=20).fit(training)
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        made = Workshop(model, training, test, seed=0, count=2, folder=Path(tmp_path_factory.mktemp("designs")))
        made.guides(())
        made.judge(())
    torch.set_num_threads(1)
    return made
