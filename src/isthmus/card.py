"""A model card: what a model is, what it learnt from, what was measured, and how to use it, as Markdown."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["model_card", "public", "public_head"]

_SHOWN = 30
_OF_DATA = ("kind", "name", "pictures", "labelled", "classes", "fingerprint")


def model_card(
    described: dict[str, Any],
    metrics: Sequence[dict[str, Any]] = (),
    heads: dict[str, dict[str, Any]] | None = None,
    license: str | None = None,
) -> str:
    """From what `run.json` says, the records that were measured, and what each head says of itself."""
    name, fitted = described["model"]["name"], described["fitted"]
    parts = [_front(name, license), f"# {name}\n", _what(described)]
    parts += ["## What it learnt from\n", _table(("", ""), _learnt_from(described))]
    if metrics:
        rows = [_measured(one) for one in metrics]
        parts += ["## What was measured\n", _table(("", "value", "95 % interval", "n", "split"), rows)]
        parts.append("Baselines stand beside what they are baselines of, on the same pictures.\n")
    if heads:
        rows = [_head(key, one) for key, one in sorted(heads.items())]
        parts += ["## What it tells\n", _table(("head", "kind", "classes", "expected accuracy"), rows)]
    if remarks := described.get("remarks"):
        parts += ["## What training noticed\n", "".join(f"- {_line(remark)}\n" for remark in remarks)]
    parts += ["## Use\n", _USE.format(layout=fitted["layout"], dtype=fitted["scaling"]["dtype"])]
    parts += ["## Limits\n", _LIMITS]
    return "\n".join(parts)


def public(described: dict[str, Any], paths: Sequence[str] = ()) -> dict[str, Any]:
    """What `run.json` says, without machines and places; `paths` are the fields that name one."""
    made, data = described | {"machine": "not said"}, described.get("data")
    made["data"] = None if data is None else {key: data[key] for key in _OF_DATA if key in data}
    model = described["model"]
    made["model"] = model | {"params": {k: None if k in paths else v for k, v in model["params"].items()}}
    return {"library_name": "isthmus"} | made


def public_head(described: dict[str, Any]) -> dict[str, Any]:
    """What a head says of itself, without the labels that may be wrong, which are named by the ids of pictures."""
    return {key: value for key, value in described.items() if key != "suspects"}


_USE = """```python
import isthmus

model = isthmus.load("FOLDER")  # this folder; nothing in it is executed
codes = model.transform(pictures)  # {layout}, {dtype}
pictures = model.inverse_transform(codes)
```
"""
_LIMITS = (
    "Pictures unlike those it learnt from get codes too, and these mean nothing. Nothing is known of it beyond what is"
    " said above, and nothing of how it does on other pictures. Who is in the pictures, and whether they agreed, this"
    " card cannot know.\n"
)


def _front(name: str, license: str | None) -> str:
    said = {"library_name": "isthmus", "tags": ["isthmus", name, "representation-learning"]}
    lines = [f"{key}: {json.dumps(value)}" for key, value in (said | ({"license": license} if license else {})).items()]
    return "\n".join(["---", *lines, "---\n"])


def _what(described: dict[str, Any]) -> str:
    fitted, net = described["fitted"], described["model"]["params"].get("net")
    network = f", on the network `{net['name'] if isinstance(net, dict) else net}`" if net else ""
    return (
        f"A model of Isthmus {described['isthmus']}{network}: pictures of "
        f"{_by(fitted['shape'])} become codes of {_by(fitted['latent_shape'])} numbers, and codes become pictures.\n"
    )


def _learnt_from(described: dict[str, Any]) -> list[tuple[str, str]]:
    data, fitted = described.get("data") or {}, described["fitted"]
    scaling, classes = fitted["scaling"], [str(name) for name in fitted.get("classes") or ()]
    rows = [("pictures", f"{data['pictures']:,}")] if data.get("pictures") else []
    kind = "named set" if data.get("kind") == "set" else str(data.get("kind") or "called")
    rows += [(kind, str(data["name"]))] if data.get("name") else []
    rows += [("with a label", f"{data['labelled']:,}")] if data.get("labelled") else []
    few = ", ".join(classes[:_SHOWN]) + (f" and {len(classes) - _SHOWN} more" if len(classes) > _SHOWN else "")
    rows += [("classes", few)] if classes else []
    rows.append(("pixels", f"{scaling['dtype']}, {scaling['low']:g} to {scaling['high']:g}"))
    fields = {key: value for key, value in described["model"]["params"].items() if value is not None and key != "net"}
    return [*rows, ("fields", ", ".join(f"{key} {_plain(value)}" for key, value in fields.items()))]


def _measured(record: dict[str, Any]) -> tuple[str, ...]:
    low_high = record.get("interval")
    interval = "" if not low_high else f"{low_high[0]:.4g} to {low_high[1]:.4g}"
    n = f"{record['n']:,}" if record.get("n") else ""
    return (
        str(record.get("name")),
        f"{record.get('value', float('nan')):.5g}",
        interval,
        n,
        str(record.get("split") or ""),
    )


def _head(name: str, described: dict[str, Any]) -> tuple[str, ...]:
    expected = described.get("expected") or {}
    numbers = described.get("kind") == "numbers"
    sure = "" if numbers or "value" not in expected else f"{expected['value']:.1%} of {expected['n']:,} held out"
    kind = "numbers" if numbers else str(described.get("head"))
    return name, kind, str(len(described.get("classes") or ()) or ""), sure


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_line(cell) for cell in line) + " |" for line in lines) + "\n"


def _line(text: Any) -> str:
    """On one line, and no more than text: names come from people's files."""
    plain = " ".join(str(text).split())
    for sign in "\\|<>[]`*_#":
        plain = plain.replace(sign, f"\\{sign}")
    return plain


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
