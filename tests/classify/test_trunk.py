"""A network that somebody else trained serves as any model does."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from isthmus import Pictures
from isthmus.classify import Classifier, Trunk
from isthmus.classify.heads.tuned import Tuned
from isthmus.errors import UsageError


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))
    return data.images[order].astype(np.uint8)[:, None] * 15, data.target[order]


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        maps = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        return nn.Sequential(maps, nn.Flatten(), nn.Linear(512, 64))


class Whole(nn.Module):
    """One that does not show its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inside(x)


@pytest.mark.parametrize("module", [network(), Whole()], ids=["layers", "whole"])
@pytest.mark.parametrize("wrapped", [False, True], ids=["array", "pictures"])
def test_a_brought_network_classifies(module: nn.Module, wrapped: bool, digits: Any) -> None:
    x, y = digits
    given: Any = Pictures.from_array(x[:1200]) if wrapped else x[:1200]
    labels = np.where(np.arange(1200) < 100, y[:1200], -1)
    classifier = Classifier(model=Trunk(module)).fit(given, labels)
    assert classifier.score(x[1200:], y[1200:]) > 0.85


def test_its_layers_can_learn_on(digits: Any) -> None:
    x, y = digits
    before = network()
    labels = np.where(np.arange(1200) < 200, y[:1200], -1)
    head = Tuned(looks=16_000, views="none")
    classifier = Classifier(model=Trunk(before), head=head).fit(x[:1200], labels)
    assert classifier.score(x[1200:], y[1200:]) > 0.85
    for mine, fresh in zip(before.parameters(), network().parameters(), strict=True):
        torch.testing.assert_close(mine, fresh, rtol=0, atol=0)


def test_what_is_no_network_and_what_cannot_be_done_are_said() -> None:
    with pytest.raises(UsageError, match="is no torch module"):
        Trunk("resnet50")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="only looks"):
        Trunk(network()).decode(torch.zeros(1, 64))
