"""The model card of a run: from what is in its folder to Markdown, nothing else asked."""

from collections.abc import Iterable
from typing import Any

from isthmus.card import model_card
from isthmus.errors import RunError
from isthmus.run import Run

__all__ = ["card_of", "run_card"]


def run_card(run: Run, license: str | None = None) -> str:
    heads = {}
    for path in sorted((run.path / "heads").glob("*.json")):
        try:
            heads[path.stem] = run.read_json(f"heads/{path.name}")
        except RunError:
            continue  # a card says what can be read
    return card_of(run.read_json("run.json"), run.read_lines("metrics.jsonl"), heads, license)


def card_of(
    described: dict[str, Any],
    records: Iterable[dict[str, Any]],
    heads: dict[str, dict[str, Any]],
    license: str | None = None,
) -> str:
    """Of every measure the last time it was taken."""
    try:
        latest = {(one.get("name"), one.get("split")): one for one in records}
        return model_card(described, list(latest.values()), heads, license)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        what = f"run.json, metrics.jsonl or a head is not as it was written ({type(error).__name__}: {error})"
        raise RunError(what, "Restore it, or remove what was added by hand.") from error
