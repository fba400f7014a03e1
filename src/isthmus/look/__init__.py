"""Look: maps of codes, walks through them, and what lies where."""

from isthmus.look.codes import codes_of, pixels_of
from isthmus.look.guidance import Guidance
from isthmus.look.inverse import Inverse
from isthmus.look.maps import Map, draw, load_map, map_names, save_map
from isthmus.look.scores import MapScores, map_scores
from isthmus.look.strangeness import Strangeness

__all__ = [
    "Guidance",
    "Inverse",
    "Map",
    "MapScores",
    "Strangeness",
    "codes_of",
    "draw",
    "load_map",
    "map_names",
    "map_scores",
    "pixels_of",
    "save_map",
]
