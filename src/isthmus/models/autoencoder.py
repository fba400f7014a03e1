"""An autoencoder: a code, and the least squared error of what is drawn from it."""

from dataclasses import dataclass

from isthmus.models._least_squares import LeastSquares

__all__ = ["Autoencoder", "Model"]


@dataclass(kw_only=True, eq=False)
class Autoencoder(LeastSquares):
    """Codes are points, and `sample` draws from a Gaussian fitted to those of the training pictures."""


Model = Autoencoder
