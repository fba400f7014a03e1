"""Figures, drawn with Pillow from arrays and files; nothing here trains."""

from isthmus.report.axes import png
from isthmus.report.bars import bars, kl_bars
from isthmus.report.curves import curves, training_curves
from isthmus.report.densities import densities
from isthmus.report.grid import comparison_grid, picture_grid, to_rgb
from isthmus.report.heat import Card, heat_sheet
from isthmus.report.redrawn import Judged, redrawn_grid
from isthmus.report.scatter import scatter

__all__ = [
    "Card",
    "Judged",
    "bars",
    "comparison_grid",
    "curves",
    "densities",
    "heat_sheet",
    "kl_bars",
    "picture_grid",
    "png",
    "redrawn_grid",
    "scatter",
    "to_rgb",
    "training_curves",
]
