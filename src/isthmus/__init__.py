"""Isthmus: from a pile of pictures and a handful of labels to a model to classify, look into and design with."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isthmus.classify.classifier import Classifier as Classifier
    from isthmus.classify.numbers.regressor import Regressor as Regressor
    from isthmus.errors import IsthmusError as IsthmusError
    from isthmus.images.opening import open_pictures as open_pictures
    from isthmus.images.pictures import Pictures as Pictures
    from isthmus.images.splits import split as split
    from isthmus.models._loading import load as load
    from isthmus.models._loading import resume as resume
    from isthmus.models.autoencoder import Autoencoder as Autoencoder
    from isthmus.models.beta_tcvae import BetaTCVAE as BetaTCVAE
    from isthmus.models.conditional_vae import ConditionalVAE as ConditionalVAE
    from isthmus.models.contrastive import Contrastive as Contrastive
    from isthmus.models.denoising import Denoising as Denoising
    from isthmus.models.gan import GAN as GAN
    from isthmus.models.linear import Linear as Linear
    from isthmus.models.mixture_vae import MixtureVAE as MixtureVAE
    from isthmus.models.pca import PCA as PCA
    from isthmus.models.two_step import TwoStep as TwoStep
    from isthmus.models.vae import VAE as VAE
    from isthmus.run import Record as Record
    from isthmus.run import Run as Run

__version__ = "0.1.0"

_HOMES = {
    "Autoencoder": "models.autoencoder",
    "BetaTCVAE": "models.beta_tcvae",
    "Classifier": "classify.classifier",
    "ConditionalVAE": "models.conditional_vae",
    "Contrastive": "models.contrastive",
    "Denoising": "models.denoising",
    "GAN": "models.gan",
    "IsthmusError": "errors",
    "Linear": "models.linear",
    "MixtureVAE": "models.mixture_vae",
    "PCA": "models.pca",
    "Pictures": "images.pictures",
    "Record": "run",
    "Regressor": "classify.numbers.regressor",
    "Run": "run",
    "TwoStep": "models.two_step",
    "VAE": "models.vae",
    "load": "models._loading",
    "open_pictures": "images.opening",
    "resume": "models._loading",
    "split": "images.splits",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Names are imported when they are used, so that `isthmus --help` costs no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'isthmus' has no attribute {name!r}")
    return getattr(importlib.import_module(f"isthmus.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
