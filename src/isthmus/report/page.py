"""A run as one page: a single file without a script and without the network, made from what is in the folder."""

from pathlib import Path
from typing import Any

from isthmus.errors import UsageError
from isthmus.report.caveats import limits
from isthmus.report.enclosed import Enclosed
from isthmus.report.found import Found, found_in
from isthmus.report.markup import Markup, plain, tag
from isthmus.report.sections import data, designs, figures, maps, measured, model, origin, training
from isthmus.report.tellers import heads
from isthmus.run import Run

__all__ = ["LARGEST", "report_page"]

LARGEST = 5_000_000
"""Bytes that a page has at most: it is to be sent by post."""
_ROOM = 4_300_000
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_PARTS = (
    ("pictures", "The pictures it learnt from", data),
    ("model", "The model", model),
    ("training", "How training went", training),
    ("measured", "What was measured", measured),
    ("figures", "What it makes of pictures", figures),
    ("heads", "What it tells", heads),
    ("maps", "Maps", maps),
    ("designs", "Designs", designs),
    ("limits", "Limits and remarks", limits),
    ("origin", "Where this comes from", origin),
)


def report_page(run: Run, name: str | None = None) -> str:
    """The page as text; `name` is what the run is called, where its folder does not say so."""
    found = found_in(run, name)
    enclosed = Enclosed(_ROOM)
    parts = [(anchor, title, made(found, enclosed)) for anchor, title, made in _PARTS]
    there = [(anchor, title, inside) for anchor, title, inside in parts if inside]
    links = tag("nav", [tag("a", title, href=f"#{anchor}") for anchor, title, _ in there], aria_label="Contents")
    body = [tag("section", tag("h2", title), inside, id=anchor) for anchor, title, inside in there]
    if enclosed.left_out:
        body.append(tag("p", f"{enclosed.left_out} more figures are in the run folder.", class_="soft"))
    page = Markup("<!doctype html>\n") + tag("html", _head(found), tag("body", _title(found), links, *body), lang="en")
    if len(page.encode()) > LARGEST:
        raise UsageError("the page would be larger than 5 MB", "Remove some of the run's metrics or maps.")
    return page


def _head(found: Found) -> Markup:
    style = Path(__file__).with_name("page.css").read_text("utf-8")
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{found.name}: report of a run"),
        tag("style", Markup(style)),
    )


def _title(found: Found) -> Markup:
    about = found.described
    code = " x ".join(map(str, found.part("fitted").get("latent_shape") or ()))
    of = f"{plain(found.part('model').get('name'))} with a code of {code} numbers"
    line = f"{of}, {_status(about)}, made {str(about.get('made'))[:10]}"
    return tag("header", tag("h1", found.name), tag("p", line, class_="soft"))


def _status(about: dict[str, Any]) -> str:
    return "trained" if about.get("status") == "done" else "not trained to its end"
