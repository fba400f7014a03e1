"""Look: maps of codes, walks through them, and what lies where."""

from isthmus.look.clusters import Clusters, clusters
from isthmus.look.correlations import Correlation, correlations
from isthmus.look.directions import Direction, directions_of
from isthmus.look.drawing import Drawn, draw_codes
from isthmus.look.scores import MapScores, map_scores

__all__ = [
    "Clusters",
    "Correlation",
    "Direction",
    "Drawn",
    "MapScores",
    "clusters",
    "correlations",
    "directions_of",
    "draw_codes",
    "map_scores",
]
