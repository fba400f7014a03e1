"""Labels that are numbers: how thick, how many, how old."""

from isthmus.classify.numbers.regressor import Regressor

__all__ = ["Regressor"]
