"""Look: maps of codes, walks through them, and what lies where."""

from isthmus.look.clusters import Clusters, clusters
from isthmus.look.codes import codes_again, codes_of, pixels_of
from isthmus.look.correlations import Correlation, correlations
from isthmus.look.directions import Direction, directions_of
from isthmus.look.drawing import Drawn, draw_codes
from isthmus.look.guidance import Guidance
from isthmus.look.inverse import Inverse
from isthmus.look.maps import Map, draw, load_map, map_names, save_map
from isthmus.look.scores import MapScores, map_scores
from isthmus.look.strangeness import Strangeness

__all__ = [
    "Clusters",
    "Correlation",
    "Direction",
    "Drawn",
    "Guidance",
    "Inverse",
    "Map",
    "MapScores",
    "Strangeness",
    "clusters",
    "codes_again",
    "codes_of",
    "correlations",
    "directions_of",
    "draw",
    "draw_codes",
    "load_map",
    "map_names",
    "map_scores",
    "pixels_of",
    "save_map",
]
