"""What surrounds a page: its place among the others, what is on it, and a search over headings."""

import html
import os
from collections.abc import Sequence
from pathlib import Path

from docs.pages.markdown import Page

__all__ = ["Section", "file_of", "search_script"]

Section = tuple[str, Sequence[Page]]
"""A heading of the contents, and its pages."""

_POLICY = "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'"


def file_of(page: Page, contents: Sequence[Section]) -> str:
    """The whole file; links lead from where it lies, so that the site can lie anywhere."""
    up = os.path.relpath(".", Path(page.place).parent).replace(os.sep, "/")
    here = [(level, name, words) for level, name, words in page.headings if level in (2, 3)]
    on_page = "".join(f'<li class="l{level}"><a href="#{name}">{html.escape(w)}</a></li>' for level, name, w in here)
    listed = f'<nav class="here" aria-label="On this page"><ul>{on_page}</ul></nav>' if len(here) > 2 else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{html.escape(page.title)} · Isthmus</title>
<link rel="stylesheet" href="{up}/site.css">
</head>
<body>
<header><a class="home" href="{up}/index.html">Isthmus</a><a class="to-contents" href="#contents">Contents</a>
<div class="search"><input type="search" id="asked" placeholder="Search headings" aria-label="Search headings">
<ul id="found" data-up="{up}"></ul></div></header>
<div class="columns">
<nav class="contents" id="contents" aria-label="Contents">{_contents(page, contents, up)}</nav>
<main>{page.body}</main>
{listed}
</div>
<script src="{up}/index.js"></script>
<script src="{up}/search.js"></script>
</body>
</html>
"""


def _contents(page: Page, contents: Sequence[Section], up: str) -> str:
    parts = []
    for title, pages in contents:
        inside = "".join(_link(one, one.place == page.place, up) for one in pages)
        open_ = " open" if any(one.place == page.place for one in pages) or len(pages) < 14 else ""
        parts.append(f"<details{open_}><summary>{html.escape(title)}</summary><ul>{inside}</ul></details>")
    return "".join(parts)


def _link(page: Page, current: bool, up: str) -> str:
    mark = ' aria-current="page"' if current else ""
    return f'<li><a href="{up}/{page.place}"{mark}>{html.escape(page.title)}</a></li>'


def search_script() -> str:
    """Headings whose words begin with what was typed; the best twelve."""
    return Path(__file__).with_name("search.js").read_text("utf-8")
