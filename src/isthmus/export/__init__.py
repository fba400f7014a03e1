"""Out of Python: a run's encoder, decoder and heads as files that other programs run, each checked against the run."""

from isthmus.export.exporting import FORMS, Exported, export
from isthmus.export.parity import Parity

__all__ = ["FORMS", "Exported", "Parity", "export"]
