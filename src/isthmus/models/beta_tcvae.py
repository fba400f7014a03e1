"""beta-TCVAE: of the three parts of the KL, only the dependence between latent dimensions is priced by beta."""

from dataclasses import dataclass

import torch

from isthmus.estimator import option
from isthmus.models._variational import Variational
from isthmus.nets._posterior import Posterior
from isthmus.terms.total_correlation import decompose
from isthmus.train.players import Moment, Terms

__all__ = ["BetaTCVAE", "Model"]


@dataclass(kw_only=True, eq=False)
class BetaTCVAE(Variational):
    """beta = 1 has the VAE's loss in expectation, up to the error of the batch estimate."""

    beta: float = option(6.0, "weight of the total correlation", low=0)

    def price(self, posterior: Posterior, z: torch.Tensor) -> Terms:
        assert posterior.log_variance is not None  # a variational encoder says how sure it is
        parts = decompose(z, posterior.mean, posterior.log_variance, self.pictures_)
        return dict(zip(("mutual_information", "total_correlation", "dimension_kl"), parts, strict=True))

    def weights(self, moment: Moment) -> dict[str, float]:
        warmed = self.warmed(moment)
        return {
            "mutual_information": warmed,
            "total_correlation": self.beta * warmed,
            "dimension_kl": warmed,
        }


Model = BetaTCVAE
