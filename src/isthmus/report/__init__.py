"""Figures, drawn with Pillow from arrays and files; nothing here trains."""

from isthmus.report.axes import png
from isthmus.report.bars import bars, kl_bars
from isthmus.report.curves import curves, training_curves
from isthmus.report.densities import densities
from isthmus.report.grid import comparison_grid, picture_grid, to_rgb
from isthmus.report.heat import Card, heat_sheet
from isthmus.report.plane import plane
from isthmus.report.redrawn import Judged, redrawn_grid
from isthmus.report.scatter import scatter
from isthmus.report.walks import Likeness, Walk, likeness_sheet, walk_sheet

__all__ = [
    "Card",
    "Judged",
    "Likeness",
    "Walk",
    "bars",
    "comparison_grid",
    "curves",
    "densities",
    "heat_sheet",
    "kl_bars",
    "likeness_sheet",
    "picture_grid",
    "plane",
    "png",
    "redrawn_grid",
    "scatter",
    "to_rgb",
    "training_curves",
    "walk_sheet",
]
