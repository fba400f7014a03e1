"""What paper 003's searches walk in: decoders of autoencoders, VAEs and a GAN, or the pixels themselves."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus import models
from isthmus.images.pictures import Pictures
from isthmus.keys import stream
from isthmus.nets.mlp import MLP
from isthmus.recipes._aims import HOW, Desk
from isthmus.recipes._recipe import Told
from isthmus.recipes._working import Progress

__all__ = ["KINDS", "Kind", "Well", "dug", "pca_errors"]


_STOPPED = 0.15
"""Of the training: then the error is about the paper's .0203, which is more than that of PCA."""


@dataclass(frozen=True)
class Kind:
    """`model` draws; its code has `narrow` or `wide` numbers, and it has learnt from `few` or `many` pictures, of which
    it has seen a `share` of what others have."""

    said: str
    model: str
    size: str = "wide"
    pictures: str = "many"
    beta: float | None = None
    share: float = 1.0


KINDS = {
    "narrow-few": Kind("LSO-1", "squashed", "narrow", "few"),
    "narrow-many": Kind("5 numbers, 10,000 pictures", "squashed", "narrow", "many"),
    "wide-few": Kind("20 numbers, 1,000 pictures", "squashed", "wide", "few"),
    "wide-many": Kind("LSO-2", "squashed", "wide", "many"),
    "short": Kind("LSO-2 stopped early", "squashed", share=_STOPPED),
    "gaussian": Kind("autoencoder, free code", "autoencoder"),
    "vae-0.1": Kind("VAE, beta .1", "vae", beta=0.1),
    "vae-1": Kind("VAE, beta 1", "vae", beta=1.0),
    "vae-4": Kind("VAE, beta 4", "vae", beta=4.0),
    "vae-own": Kind("VAE with its own layers", "vae-own"),
    "gan": Kind("GAN", "gan"),
    "pixels": Kind("pixels", "pixels"),
}


@dataclass(frozen=True)
class Well:
    """`decode` takes codes to pictures in [0, 1]; `draw` gives so many starts by a seed; `spread` is the deviation of a
    start's numbers, in which slopes are told. Pixels have no model, and a GAN's encodes nothing."""

    numbers: int
    decode: Callable[[torch.Tensor], torch.Tensor]
    draw: Callable[[int, int], torch.Tensor]
    spread: float
    model: Any = None

    @property
    def encodes(self) -> bool:
        return self.model is not None and self.model.encodes

    def codes(self, x: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return torch.cat([self.model.encode(part).mean for part in x.split(1024)]).clone()

    def errors(self, x: torch.Tensor) -> float:
        """The mean squared error of what comes back, a pixel."""
        with torch.inference_mode():
            return float((self.decode(self.codes(x)) - x).square().mean())


@dataclass(kw_only=True, eq=False)
class _Squashed(MLP):
    """Sigmoids everywhere, the code's numbers among them."""

    activation: str = "sigmoid"

    def encoder(self, shape: tuple[int, ...], width: int) -> nn.Sequential:
        return super().encoder(shape, width).append(nn.Sigmoid())


def dug(kind: Kind, desk: Desk, told: Told) -> Well:
    """What a search walks in, trained."""
    if kind.model == "pixels":
        shape = desk.test[0].shape[1:]
        return Well(math.prod(shape), lambda z: z.unflatten(1, shape), _uniform(math.prod(shape)), _UNIFORM)
    sizes = desk.sizes
    latent = sizes.narrow if kind.size == "narrow" else sizes.wide
    x, labels = desk.first(sizes.few if kind.pictures == "few" else sizes.many)
    model = _model(kind, desk, latent, len(x))
    model.fit(Pictures.from_array(x.numpy(), labels), watchers=[Progress(told, "training")])
    model.net_.eval().requires_grad_(False)
    if kind.model == "squashed":
        return Well(latent, model.decode, _uniform(latent), _UNIFORM, model)

    def draw(n: int, seed: int) -> torch.Tensor:
        return torch.from_numpy(model.sample_codes(n, seed))

    return Well(latent, model.decode, draw, float(draw(1000, 0).std(0).mean()), model)


_UNIFORM = 1 / math.sqrt(12)


def _uniform(numbers: int) -> Callable[[int, int], torch.Tensor]:
    def draw(n: int, seed: int) -> torch.Tensor:
        return torch.rand(n, numbers, generator=torch.Generator().manual_seed(stream(seed, "uniform starts")))

    return draw


def _model(kind: Kind, desk: Desk, latent: int, pictures: int) -> Any:
    """All but the last two have the paper's layers: one of sigmoids on either side of the code."""
    sizes, how = desk.sizes, {"latent": latent, "seed": desk.seed, "precision": "float32"}
    if kind.model == "gan":
        return models.make("gan", **how | sizes.gan)
    if kind.model == "vae-own":
        return models.make("vae", **how | sizes.vae)
    how |= HOW | {"epochs": kind.share * sizes.looks / pictures}
    if kind.model == "squashed":
        return models.make("autoencoder", net=_Squashed(hidden=(sizes.hidden,)), **how)
    fields = {} if kind.beta is None else {"beta": kind.beta}
    return models.make(kind.model, net=MLP(hidden=(sizes.hidden,), activation="sigmoid"), **how | fields)


def pca_errors(x: torch.Tensor, held_out: torch.Tensor, numbers: int) -> tuple[float, float]:
    """Of the plane of as many numbers through the same pictures: theirs, and those of pictures held out."""
    pca = models.make("pca", latent=min(numbers, len(x))).fit(x.numpy())
    both = (np.asarray(pca.score_samples(part.numpy())).mean() for part in (x, held_out))
    theirs, others = both
    return -float(theirs), -float(others)
