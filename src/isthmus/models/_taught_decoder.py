"""A decoder that learns to read frozen codes: taught by features, by a discriminator, by the class of what it draws."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.models._reconstructing import Reconstructing
from isthmus.models._trained import sample_rows
from isthmus.nets._posterior import Posterior
from isthmus.ranks import everyone
from isthmus.rng import Noise
from isthmus.terms.features import feature_error
from isthmus.terms.likelihood import squared_error
from isthmus.train.diagnosis import always_told
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch, Feed, Guard, Moment, Phase, Player, Seen, Terms

__all__ = ["TaughtDecoder"]

_LOOKS, _LOOKED_AT, _FALL = 180_000, 500, 0.1
_SMALL = 1e-8
_REMEDY = "Raise --beta, or lower --discriminator-rate."
_OWN = ("decoder.", "discriminator.")
"""What is never taken over from another run."""


@dataclass(kw_only=True, eq=False)
class TaughtDecoder(Reconstructing, ABC):
    """alpha weighs the features of the first layers, beta the discriminator, gamma the class of what is drawn."""

    alpha: tuple[float, ...] = option((1.0, 0.1, 0.01), "weights of the first layers' features")
    pixels: float = option(10.0, "weight of the pixels' own squared error", low=0)
    beta: float = option(0.05, "weight of the discriminator's opinion", low=0)
    gamma: float = option(0.1, "weight of the class that is read from what is drawn", low=0)
    balance: str = option("fixed", "beta as it is, or relative to the reconstruction", choices=("fixed", "relative"))
    adversarial_warm_up: float = option(0.0, "share of the decoder's training over which beta rises from 0", low=0)
    draws: int = option(1, "moves of the discriminator for each of the decoder's", low=1)
    discriminator_rate: float = option(2e-4, "learning rate of the discriminator, whose optimiser is its own", low=0)
    decoder_epochs: float | None = option(None, "passes of the decoder (default: by the number of pictures)", low=0)
    guard: float = option(2.0, "go back where the pixel error grows by this factor, 0: look at nothing", low=0)
    codes_from: str | None = option(
        None, "a run whose first step is taken over, to be read by another decoder", path=True
    )

    @abstractmethod
    def told(self, codes: torch.Tensor) -> torch.Tensor | None:
        """Logits of the classes, if the model tells any."""

    def drawing(self, before: Callable[[Any], None] | None) -> Phase:
        """The phase in which the decoder learns; everything else is frozen but the discriminator."""
        if len(self.alpha) > self.depth:
            what = f"alpha weighs {len(self.alpha)} layers, and the encoder has {self.depth}"
            raise UsageError(what, "Give fewer weights.")
        judge = Player("discriminator", (self.net_["discriminator"],), self.judge, self.shown, self.draws)
        judge.optimiser, judge.learning_rate = "adam-gan", self.discriminator_rate
        drawer = Player("decoder", (self.net_["decoder"],), self.draw, self.pull)
        passes = self.decoder_epochs
        if passes is None:
            passes = float(np.clip(_LOOKS / self.pictures_, 3, 100))
        players = (judge, drawer) if self.beta else (drawer,)
        feeds, guard = {"batch": Feed(cache=self.cached)}, Guard(self.look) if self.guard else None
        return Phase("draw", players, passes, feeds, watch="decoder", before=before, guard=guard)

    def cached(self, x: torch.Tensor) -> torch.Tensor:
        """Means and log variances side by side: the encoder is asked about each picture once."""
        found = self.encode(x)
        assert found.log_variance is not None
        return torch.cat([found.mean, found.log_variance], dim=1)

    def code(self, batch: Batch) -> torch.Tensor:
        """A draw from the posterior of every picture."""
        found = self.encode(batch.x) if batch.codes is None else Posterior(*batch.codes.chunk(2, dim=1))
        return found.sample(batch.noise)

    def judge(self, batch: Batch) -> Terms:
        with torch.no_grad():
            made = self.decode(self.code(batch))
        real, drawn = self._opinion(batch.x), self._opinion(made)
        return {"real": (1 - real).square(), "made": (1 + drawn).square(), "told_apart": self._told_apart(real, drawn)}

    def shown(self, moment: Moment) -> dict[str, float]:
        """Which side is ahead is shown, not minimised: 1 where every picture is told apart, a half by chance."""
        return {"told_apart": 0.0}

    def draw(self, batch: Batch) -> Terms:
        z = self.code(batch)
        made, terms, layers = self.decode(z), Terms(), list(range(len(self.alpha)))
        # One pass of the encoder shows both what the first layers see and, at its end, which class.
        seen = self.features(made, [*layers, self.depth - 1]) if self.gamma or any(self.alpha) else []
        if any(self.alpha):
            with torch.no_grad():
                real = self.features(batch.x, layers)
            terms["features"] = feature_error(seen[:-1], real, self.alpha)
        if self.pixels:
            terms["pixels"] = squared_error(made, batch.x)
        if self.beta:
            with torch.no_grad():
                opinion = self._opinion(batch.x)
            terms["adversarial"] = self._balanced((opinion - self._opinion(made)).square(), terms)
        if self.gamma:
            terms["latent"] = self._drift(z, self.posterior_of(seen[-1]).mean)
        return terms

    def pull(self, moment: Moment) -> dict[str, float]:
        """Every setback halves beta."""
        warmed = min(1.0, moment.share / self.adversarial_warm_up) if self.adversarial_warm_up else 1.0
        weights = {"pixels": self.pixels} if self.pixels else {}
        if self.beta:
            weights["adversarial"] = self.beta * warmed * 0.5**moment.setbacks
        if self.gamma:
            weights["latent"] = self.gamma
        return weights

    def look(self, data: Resident, earlier: list[dict[str, float]]) -> Seen:
        """The pixel error, and the share of redrawn pictures that the own classifier tells as it tells the picture."""
        x = data.pictures(sample_rows(len(data), _LOOKED_AT))
        codes = self.encode(x).mean
        made = self.decode(codes)
        error, agreement = float(squared_error(made, x).mean()), 1.0
        numbers = {"error": error}
        told, again = self.told(codes), self.told(self.encode(made).mean)
        if told is not None and again is not None:
            numbers["agreement"] = agreement = float((told.argmax(1) == again.argmax(1)).float().mean())
        if self.beta:
            numbers["told_apart"] = float(self._told_apart(self._opinion(x), self._opinion(made)).mean())
        if not earlier:
            return Seen(numbers, None if math.isfinite(error) else "the decoder draws no numbers")
        least = min(seen["error"] for seen in earlier)
        fall = max(seen.get("agreement", 1.0) for seen in earlier) - agreement
        harm = None
        if not error <= self.guard * least:
            harm = f"the pixel error rose from {least:.3g} to {error:.3g}"
        elif fall > _FALL:
            harm = f"the share of pictures redrawn as what they are fell by {fall:.0%}, to {agreement:.0%}"
        return Seen(numbers, harm, keep=error <= self.guard**0.5 * least and fall <= _FALL / 2)

    def _take_over(self) -> None:
        """All that the first step of another run has learnt; its decoder stays behind."""
        from isthmus.models._loading import load

        other = load(str(self.codes_from), str(self.device_))
        own, theirs = (
            {name: value for name, value in net.state_dict().items() if not name.startswith(_OWN)}
            for net in (self.net_, other.net_)
        )
        alike = (self.classes_, self.scaling_) == (other.classes_, other.scaling_)
        if not alike or {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in theirs.items()}:
            remedy = "Use the same --latent, --net, pictures and classes."
            raise UsageError(f"the codes of {self.codes_from} are not those of this model", remedy)
        self.net_.load_state_dict(self.net_.state_dict() | theirs)

    def _balanced(self, adversarial: torch.Tensor, terms: Terms) -> torch.Tensor:
        """As it is, or scaled to the size of what reconstruction costs just now, so that beta is its share of that."""
        if self.balance == "fixed" or not terms:
            return adversarial
        with torch.no_grad():
            weights = {"pixels": self.pixels}
            mean = {name: everyone(term)[0].mean() for name, term in terms.items()}
            cost = torch.stack([weights.get(name, 1.0) * value for name, value in mean.items()]).sum()
            scale = cost / (everyone(adversarial)[0].mean() + _SMALL)
        return adversarial * scale

    def _drift(self, z: torch.Tensor, again: torch.Tensor) -> torch.Tensor:
        """How far the class that is read from what was drawn, or the code where there are none, has moved."""
        told, read = self.told(z), self.told(again)
        if told is None or read is None:
            return (again - z).square().mean(1)
        return (told.softmax(1) - read.softmax(1)).square().sum(1)

    def _told_apart(self, real: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """The share of both that the discriminator knows for what they are."""
        return 0.5 * ((real > 0).float() + (drawn < 0).float())

    def _remarks(self, x: torch.Tensor) -> list[str | None]:
        some = x[:_LOOKED_AT]
        drawn = self.decode(self.encode(some).mean)
        won = always_told(self._opinion(some), self._opinion(drawn), _REMEDY) if self.beta else None
        return [*super()._remarks(x), won]

    def _opinion(self, x: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = self.net_["discriminator"](x).float()[:, 0]
        return value

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        return -squared_error(self.decode(self.encode(x).mean), x)
