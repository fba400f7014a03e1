"""Batch transforms: another look at the same picture, keyed by the picture and never by its place in a batch."""

from isthmus.augment.habits import Habits, habits_for, looked_at
from isthmus.augment.rows import RowView, row_view
from isthmus.augment.views import View, view

__all__ = ["Habits", "RowView", "View", "habits_for", "looked_at", "row_view", "view"]
