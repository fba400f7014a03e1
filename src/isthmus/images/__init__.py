"""Pictures in: whatever people have, told what was found, in one array with ids, labels, columns and splits."""

import importlib
from typing import Any

_WHERE = {
    "LabelLog": "label_log",
    "Pictures": "pictures",
    "ReadOptions": "options",
    "Scaling": "scaling",
    "UNKNOWN": "pictures",
    "canonical": "arrays",
    "draw_labels": "splits",
    "near_duplicates": "duplicates",
    "open_pictures": "opening",
    "read_table": "labels",
    "split": "splits",
    "untile": "tiles",
    "write_table": "labels",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    """Loaded on first use, so that importing this package costs nothing."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
