"""What a run is: its model, its pictures, how training went, what was measured."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._talk import print_json, table
from isthmus.run import Run

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    found = Run.open(arguments.run_folder)
    described = found.read_json("run.json")
    history, metrics = found.read_lines("history.jsonl"), found.read_lines("metrics.jsonl")
    if arguments.json:
        print_json(described | {"history": history, "metrics": metrics})
        return 0
    print(_text(described, history))
    if metrics:
        rows = [[m["name"], f"{m['value']:.5g}", str(m.get("split") or ""), str(m.get("n") or "")] for m in metrics]
        print("\n" + table(["measured", "value", "split", "n"], rows))
    return 0


def _text(described: dict[str, Any], history: list[dict[str, Any]]) -> str:
    model, fitted, data = described["model"], described["fitted"], described.get("data") or {}
    fields = {name: value for name, value in model["params"].items() if value is not None}
    lines = [
        f"{model['name']}, {described['status']}, made {described['made']} by isthmus {described['isthmus']}",
        f"code      {'x'.join(map(str, fitted['latent_shape']))} of pictures {'x'.join(map(str, fitted['shape']))}",
        f"pictures  {data.get('pictures', '?')} from {data.get('name') or data.get('relative_path') or 'an array'}, "
        f"{data.get('labelled', 0)} labelled",
        f"machine   {described['machine']}",
        "fields    " + ", ".join(f"{name}={_short(value)}" for name, value in fields.items()),
    ]
    if history:
        last = history[-1]
        watched = f", validation {last['validation']['loss']:.5g}" if last.get("validation") else ""
        told = {player: terms["loss"] for player, terms in last["players"].items() if "loss" in terms}
        losses = ", ".join(f"{player} {loss:.5g}" for player, loss in told.items())
        lines.append(f"trained   {last['epoch']} epochs in {last['seconds']:.0f} s: {losses}{watched}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return value["name"]
    return str(value)
