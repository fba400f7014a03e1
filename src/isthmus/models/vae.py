"""The variational autoencoder: reconstruction, and beta times the KL to the prior."""

from dataclasses import dataclass

import torch

from isthmus.models._variational import Variational
from isthmus.nets._posterior import Posterior
from isthmus.train.players import Moment, Terms

__all__ = ["VAE", "Model"]


@dataclass(kw_only=True, eq=False)
class VAE(Variational):
    """beta = 1 is the evidence lower bound; more presses the code towards the prior."""

    def price(self, posterior: Posterior, z: torch.Tensor) -> Terms:
        return {"kl": posterior.kl().sum(1)}

    def weights(self, moment: Moment) -> dict[str, float]:
        return {"kl": self.beta * self.warmed(moment)}


Model = VAE
