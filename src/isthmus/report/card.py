"""The model card of a run: from what is in its folder to Markdown, nothing else asked."""

from isthmus.card import model_card
from isthmus.errors import RunError
from isthmus.run import Run

__all__ = ["run_card"]


def run_card(run: Run, license: str | None = None) -> str:
    """Of every measure the last time it was taken."""
    latest = {(one.get("name"), one.get("split")): one for one in run.read_lines("metrics.jsonl")}
    heads = {}
    for path in sorted((run.path / "heads").glob("*.json")):
        try:
            heads[path.stem] = run.read_json(f"heads/{path.name}")
        except RunError:
            continue  # a card says what can be read
    return model_card(run.read_json("run.json"), list(latest.values()), heads, license)
