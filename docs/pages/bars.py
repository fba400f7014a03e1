"""A page of everything that was measured, made from the records: what missed its bar comes first."""

import json
from pathlib import Path
from typing import Any

__all__ = ["bars_page"]

_ORDER = {False: 0, True: 1, None: 2}
_TOLD = {False: "**missed**", True: "met", None: ""}


def bars_page(root: Path) -> str:
    lines = [
        "# Every record",
        "",
        "Made from the files in `results/`, one table a topic; what missed its bar comes first. The files say more of",
        "each: seeds, command, machine, commit.",
        "",
    ]
    for topic in sorted(path for path in root.iterdir() if path.is_dir() and path.name != "recipes"):
        lines += [f"## {topic.name.replace('-', ' ').capitalize()}", ""]
        lines += [
            "| what | data | value | interval | n | bar | | beside it | file |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        rows = [(record, file) for file in sorted(topic.glob("*.jsonl")) for record in _records(file)]
        for record, file in sorted(rows, key=lambda row: _ORDER[_met(row[0])]):
            lines.append(_row(record, file))
        lines.append("")
    return "\n".join(lines)


def _records(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def _met(record: dict[str, Any]) -> bool | None:
    """As it was written; a plain bar that nobody has judged is judged here."""
    if isinstance(record.get("met"), bool):
        return bool(record["met"])
    words = str(record.get("bar") or "").split()
    if len(words) != 2 or words[0] not in (">=", "<=") or not isinstance(record.get("value"), int | float):
        return None
    return bool(record["value"] >= float(words[1]) if words[0] == ">=" else record["value"] <= float(words[1]))


def _row(record: dict[str, Any], file: Path) -> str:
    value, interval, beside = record.get("value"), record.get("interval"), record.get("baseline")
    span = "" if not interval or None in interval else f"{interval[0]:.4g} to {interval[1]:.4g}"
    cells = [
        record["name"],
        record.get("data") or "",
        "not run" if value is None else f"{value:.5g}",
        span,
        f"{record['n']:,}" if isinstance(record.get("n"), int) else "",
        record.get("bar") or "",
        _TOLD[_met(record)],
        _beside(beside),
        f"{file.parent.name}/{file.name}",
    ]
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _beside(beside: Any) -> str:
    if not isinstance(beside, dict):
        return ""
    if "value" in beside and "name" in beside:
        value = beside["value"]
        return f"{beside['name']}: {value:.4g}" if isinstance(value, int | float) else str(beside["name"])
    return ", ".join(f"{name} {value:.4g}" for name, value in beside.items() if isinstance(value, int | float))
