"""Which latent size? Settings of a model tried on a pile of pictures, and the answer with its reason."""

from isthmus.tune.answer import Answer
from isthmus.tune.choosing import Row, front, recommended
from isthmus.tune.space import Choice, Range, default_space, read_search
from isthmus.tune.tuning import tune

__all__ = ["Answer", "Choice", "Range", "Row", "default_space", "front", "read_search", "recommended", "tune"]
