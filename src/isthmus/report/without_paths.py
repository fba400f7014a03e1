"""Where things lie on a machine is nobody else's business: what is sent names files, and no folder from the root."""

import re
from typing import Any

__all__ = ["plain_values", "without_paths"]

_ROOT = r"(?:(?<![\w.:/~-])(?:[A-Za-z]:[\\/]|\\\\|~\w*/|/)|(?<=:)/(?!/)|\bfile:/+)"
_FOLDER = r"(?:[^\\/\"'<>|,;\n.]+|[^\s\\/\"'<>|,;]+)[\\/]+"
"""With spaces, as in a person's name, or with dots: with both it would be a sentence with two paths in it."""
_PATH = re.compile(rf"{_ROOT}((?:{_FOLDER})+)([^\s\\/\"'<>|,;]*)")
_PEOPLE = re.compile(r"(?:^|[\\/])(?:home|users)[\\/]+$", re.IGNORECASE)


def without_paths(text: Any) -> str:
    """Of a path from the root only its last name, and not that either where it is a person's."""
    return _PATH.sub(lambda found: "…" if not found[2] or _PEOPLE.search(found[1]) else found[2], str(text))


def plain_values(content: Any) -> Any:
    """JSON with every text in it so."""
    if isinstance(content, str):
        return without_paths(content)
    if isinstance(content, dict):
        return {without_paths(name): plain_values(value) for name, value in content.items()}
    return [plain_values(value) for value in content] if isinstance(content, list) else content
