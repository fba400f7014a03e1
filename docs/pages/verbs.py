"""A page for each verb: what docs/verbs.md says of it, and below that its flags as the program has them."""

import re
from pathlib import Path

from isthmus import cli

__all__ = ["said_of_verbs", "verb_pages"]

_SECTION = re.compile(r"^## isthmus ([a-z-]+)$", re.MULTILINE)
_ANCHOR = re.compile(r"\]\(#isthmus-([a-z-]+)\)")


def said_of_verbs(root: Path) -> dict[str, str]:
    """The hand-written part by verb."""
    parts = _SECTION.split((root / "docs" / "verbs.md").read_text("utf-8"))
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def verb_pages(root: Path) -> dict[str, str]:
    said, flags = said_of_verbs(root), _flags(root)
    pages = {}
    for verb, line in cli.verbs().items():
        parts = [f"# isthmus {verb}", line, said.get(verb, ""), f"## Flags of {verb}", flags.get(verb, "")]
        pages[verb] = "\n\n".join(part for part in parts if part) + "\n"
    return pages


def _flags(root: Path) -> dict[str, str]:
    """The generated reference, verb by verb, without the line that stands above already."""
    parts = _SECTION.split((root / "docs" / "commands.md").read_text("utf-8"))
    flags = {name: text.strip().partition("\n")[2].strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    return {name: _ANCHOR.sub(r"](verbs/\1.md)", text) for name, text in flags.items()}
