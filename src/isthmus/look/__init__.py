"""Look: maps of codes, walks through them, and what lies where."""

from isthmus.look.scores import MapScores, map_scores

__all__ = ["MapScores", "map_scores"]
