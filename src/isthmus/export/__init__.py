"""Out of Python: a run's encoder, decoder and heads as files that other programs run, each checked against the run."""

from isthmus.export.exporting import Exported, export
from isthmus.export.parity import Parity
from isthmus.export.to_hub import export_hub

__all__ = ["Exported", "Parity", "export", "export_hub"]
