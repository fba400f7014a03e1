"""A page for each paper, made from its recipe and from the results that are kept beside the code."""

import importlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from isthmus.recipes import recipes
from isthmus.report.axes import png

__all__ = ["paper_figures", "paper_pages", "papers_index"]

_FIELD = re.compile(r"^([A-Z][a-z]+)  +(.*(?:\n {10}.*)*)", re.MULTILINE)

_FIRST = ("not held", "confounded", "held")
_TOLD = {"not held": "**not held**", "confounded": "**confounded**", "held": "held", None: ""}


def paper_pages(root: Path) -> dict[str, str]:
    """Markdown by the name of the page."""
    return {f"papers/{recipe.paper}": _page(recipe, root) for recipe in recipes()}


def papers_index(root: Path) -> str:
    lines = [
        "# The papers",
        "",
        "Five papers, a recipe each: `isthmus recipe run all --scale quick` runs them all.",
        "",
    ]
    lines += ["| paper | scale | claims | seeds | CPU-seconds |", "|---|---|---|---|---|"]
    for recipe in recipes():
        for scale in recipe.scales:
            parts = _parts(root / f"{recipe.paper}-{scale}")
            name = f"[{recipe.paper}](papers/{recipe.paper}.md) {_cell(recipe.title)}"
            if not parts:
                lines.append(f"| {name} | {scale} | not run | | |")
                continue
            seeds = sorted({seed for part in parts for seed in part["seeds"]})
            spent = _spent(root / f"{recipe.paper}-{scale}")
            lines.append(f"| {name} | {scale} | {_counted(parts)} | {len(seeds)} | {spent:,.0f} |")
    return "\n".join([*lines, ""])


def _page(recipe: Any, root: Path) -> str:
    lines = [f"# Paper {recipe.paper}", "", f"{recipe.title}.", "", *_head(recipe.paper)]
    for scale, size in recipe.scales.items():
        parts = _parts(root / f"{recipe.paper}-{scale}")
        lines += [f"## Scale {scale}", "", f"Cost: {size.cost}.", ""]
        lines += [line for part in parts for line in _part(part, recipe, scale, root)] if parts else ["Not run.", ""]
    return "\n".join(lines)


def _head(paper: str) -> list[str]:
    """What the recipe's file says at its head: its fields as a table, the rest as it is."""
    text = (importlib.import_module(f"isthmus.recipes.paper_{paper}").__doc__ or "").partition("\n")[2]
    fields = [(name, " ".join(words.split())) for name, words in _FIELD.findall(text)]
    rest = _FIELD.sub("", text).strip()
    return ["| | |", "|---|---|", *(f"| {name} | {_cell(words)} |" for name, words in fields), "", rest, ""]


def paper_figures(root: Path) -> dict[str, bytes]:
    """The charts and sheets that parts draw from what was measured, by the name of their file."""
    found = {}
    for recipe in recipes():
        for scale in recipe.scales:
            for part in recipe.parts:
                found |= _figures(recipe, scale, part, root / f"{recipe.paper}-{scale}")
    return found


def _figures(recipe: Any, scale: str, part: Any, folder: Path) -> dict[str, bytes]:
    if part.draw is None or not (folder / f"{part.name}.json").is_file():
        return {}
    seeds = json.loads((folder / f"{part.name}.json").read_text("utf-8"))["seeds"]
    measured = {
        case: {
            seed: json.loads((folder / f"{case}-seed-{seed}.json").read_text("utf-8"))["found"]
            for seed in recipe.scales[scale].seeds_of(case, seeds)
        }
        for case in part.cases
    }
    drawn = part.draw(measured, recipe.scales[scale].sizes)
    return {f"papers/{recipe.paper}-{scale}-{part.name}-{name}.png": png(image) for name, image in drawn.items()}


def _parts(folder: Path) -> list[dict[str, Any]]:
    """Those that failed come first."""
    found = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        if "rows" in content:
            found.append(content)
    return sorted(found, key=lambda part: -sum(row["verdict"] == "not held" for row in part["rows"]))


def _spent(folder: Path) -> float:
    """Of all that was measured, each case once."""
    cases = (json.loads(path.read_text("utf-8")) for path in folder.glob("*-seed-*.json"))
    return float(sum(case["cpu_seconds"] for case in cases))


def _counted(parts: list[dict[str, Any]]) -> str:
    counts = Counter(row["verdict"] for part in parts for row in part["rows"] if row["verdict"])
    return ", ".join(f"{counts[name]} {name}" for name in _FIRST if counts[name]) or "numbers only"


def _part(part: dict[str, Any], recipe: Any, scale: str, root: Path) -> list[str]:
    rows = sorted(part["rows"], key=lambda row: _FIRST.index(row["verdict"]) if row["verdict"] else len(_FIRST))
    seeds = ", ".join(map(str, part["seeds"]))
    lines = [f"### {part['part'].partition('/')[2]}", "", f"{part['claim']}.", ""]
    lines += ["| | paper | ours | 95 % interval | verdict | |", "|---|---|---|---|---|---|"]
    for row in rows:
        span = "" if row["interval"] is None else f"{row['interval'][0]:.4g} to {row['interval'][1]:.4g}"
        cells = [row["what"], _number(row["paper"]), _number(row["ours"]), span]
        lines.append("| " + " | ".join([*map(_cell, cells), _TOLD[row["verdict"]], _cell(row["words"])]) + " |")
    commits = ", ".join(sorted({str(one["commit"]) for one in part["measured"]}))
    machine = part["machine"]
    lines += ["", f"`{part['command']}`, seeds {seeds}; measured at {commits}; {machine}.", ""]
    made = next(one for one in recipe.parts if one.name == part["part"].partition("/")[2])
    for place in _figures(recipe, scale, made, root / f"{recipe.paper}-{scale}"):
        words = place.rpartition("/")[2].removesuffix(".png").replace("-", " ")
        lines += [f"![{words}]({place})", ""]
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
