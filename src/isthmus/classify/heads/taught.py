"""Labelled and unlabelled pictures in one training: the network is taught what the graph makes of all pictures, then
by itself, where it is sure of a picture and should be of a view of it (FixMatch, Sohn et al. 2020).
"""

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from isthmus.augment import View
from isthmus.classify._arrays import over, under
from isthmus.classify.heads._head import Pile
from isthmus.classify.heads._network import Network, answers, encoder_of, resident
from isthmus.classify.heads.blend import Blend
from isthmus.contract import Fitted
from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.train.optimisers import OPTIMISERS
from isthmus.train.players import Batch, Feed, Phase, Player, Terms

__all__ = ["Head", "Taught"]

_WEAK = View(zoom=(1, 1), shift=0.06, turn=0, stretch=0, shear=0, gamma=0, gain=0, cover=0)


@dataclass(kw_only=True, eq=False)
class Taught(Network):
    """Starts at the model's encoder; what the blend says is added to the answer, for their mistakes differ."""

    looks: int = option(200_000, "unlabelled pictures seen in training", low=1)
    optimiser: str | None = option("muon", "how weights move", choices=tuple(OPTIMISERS))
    learning_rate: float | None = option(0.01, "largest step size", low=0)
    batch_size: int = option(192, "unlabelled pictures a step", low=2)
    labelled: int = option(64, "labelled pictures a step", low=2)
    sure: float = option(0.8, "how sure of a picture it must be to be taught by it", low=0)
    handed_over: float = option(0.12, "share of the training after which it teaches itself", low=0)
    memory: float = option(0.995, "decay of the average of the weights that teaches", low=0)
    shares: str = option("labels", "how common each class is taken to be", choices=("labels", "equal", "unknown"))

    def build(self, model: Fitted, x: torch.Tensor, classes: int) -> nn.Module:
        encoder, width = encoder_of(model, x, "row")
        return nn.Sequential(encoder, answers(width, (), 0.0, classes))

    def fit(self, pile: Pile, labels: np.ndarray, classes: int) -> "Taught":
        if self.patience is not None:
            raise UsageError("taught learns from pictures without labels to the end", "Leave patience out.")
        self._start(pile, labels[labels >= 0], classes)
        self._blend = Blend(shares=self.shares).fit(pile, labels, classes)
        told = torch.from_numpy(self._blend.of_pile(pile)).float()
        self._usual = self._seen_usual = told.mean(0)
        self._teacher, self._moves = copy.deepcopy(self._net), 0
        self._alone = self.handed_over * self.looks / self.batch_size
        feeds = {
            "unlabelled": Feed(batch_size=self.batch_size, cache=torch.cat([told, _rank(told)[:, None]], dim=1)),
            "labelled": Feed("labelled", self.labelled),
        }
        player = Player("network", (self._net,), self.taught)
        self.train(Phase("teach", (player,), self.looks / len(pile), feeds), resident(pile, labels), pile)
        self._net.load_state_dict(self._teacher.state_dict())
        self.settle(pile)
        return self

    def probabilities(self, asked: Pile) -> np.ndarray:
        return (super().probabilities(asked) + self._blend.probabilities(asked)) / 2

    def arrays(self) -> dict[str, np.ndarray]:
        return super().arrays() | over("blend", self._blend.arrays())

    def restore(self, arrays: dict[str, np.ndarray], model: Fitted | None = None) -> None:
        super().restore(arrays, model)
        self._blend = Blend(shares=self.shares)
        self._blend.restore(under("blend", arrays))

    def taught(self, unlabelled: Batch, labelled: Batch) -> Terms:
        """Cross-entropy to the labels, and to what the teacher of the moment says of the others."""
        self._remember()
        told, weight = (self._by_the_blend if self._moves <= self._alone else self._by_itself)(unlabelled)
        both = torch.cat([self._viewed(batch, self._view, "strong") for batch in (unlabelled, labelled)])
        said, answered = self._logits(both).split([len(told), len(labelled.x)])
        unlike = -(told * F.log_softmax(said, dim=1)).sum(dim=1)
        return {"labels": F.cross_entropy(answered, labelled.y, reduction="none"), "taught": weight * unlike}

    def _by_the_blend(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What it says of a picture; the surer it is, the more that counts."""
        assert batch.codes is not None
        return batch.codes[:, :-1], batch.codes[:, -1]

    @torch.no_grad()
    def _by_itself(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What the average of the weights says, where that is sure; classes stay as common as the blend found them,
        or the largest would swallow the others."""
        weak = None if self._view is None else replace(_WEAK, mirror=self._view.mirror, ground=self._view.ground)
        told = self._teacher(self._viewed(batch, weak, "weak")).float().softmax(dim=1)
        self._seen_usual = self._seen_usual.lerp(told.mean(0), 0.01)
        best, which = F.normalize(told * (self._usual / self._seen_usual), p=1, dim=1).max(dim=1)
        return F.one_hot(which, told.shape[1]).float(), (best >= self.sure).float()

    @torch.no_grad()
    def _remember(self) -> None:
        """The average of the weights, and of what batch norm has seen."""
        self._moves += 1
        share = 1 - min(self.memory, self._moves / (9 + self._moves))
        for mine, new in zip(self._teacher.state_dict().values(), self._net.state_dict().values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(new, share)


def _rank(told: torch.Tensor) -> torch.Tensor:
    """From 1 for the surest picture down to 0."""
    unsure = -(told * told.clamp_min(1e-9).log()).sum(dim=1)
    return 1 - unsure.argsort().argsort() / len(unsure)


Head = Taught
