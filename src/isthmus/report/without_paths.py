"""Where things lie on a machine is nobody else's business: what is sent names files, and no folder from the root."""

import re
from typing import Any

__all__ = ["names_a_place", "plain_values", "without_paths"]

_PATH = re.compile(r"(?<![\w.:/])(?:[A-Za-z]:)?[/\\](?:[^\s/\\]+[/\\])*([^\s/\\]+)")


def without_paths(text: Any) -> str:
    """Of a path from the root only its last name."""
    return _PATH.sub(lambda found: found[1], str(text))


def names_a_place(text: str) -> bool:
    return _PATH.search(text) is not None


def plain_values(content: Any) -> Any:
    """JSON with every text in it so."""
    if isinstance(content, str):
        return without_paths(content)
    if isinstance(content, dict):
        return {name: plain_values(value) for name, value in content.items()}
    return [plain_values(value) for value in content] if isinstance(content, list) else content
