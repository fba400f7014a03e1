"""Markdown as this project writes it, to HTML: headings with anchors, wide tables that scroll, links between pages."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

__all__ = ["Page", "anchor", "rendered"]

_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE)


@dataclass
class Page:
    """`place` is where it lies in the site, as `papers/004.html`; `headings` are level, anchor and words."""

    place: str
    title: str
    body: str
    headings: list[tuple[int, str, str]] = field(default_factory=list)


def rendered(place: str, text: str, linked: Callable[[str], str] = lambda target: target) -> Page:
    """`linked` says where a link of the text leads in the site."""
    made = MarkdownIt("commonmark", {"html": False}).enable("table").enable("strikethrough")
    tokens = made.parse(_COMMENT.sub("", text))
    headings = list(_headings(tokens))
    for token in _all(tokens):
        if token.type == "link_open":
            token.attrSet("href", linked(str(token.attrGet("href"))))
        elif token.type == "image":
            token.attrSet("src", linked(str(token.attrGet("src"))))
    body = made.renderer.render(tokens, made.options, {})
    body = body.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    title = next((words for level, _, words in headings if level == 1), place)
    return Page(place, title, body, headings)


def anchor(words: str) -> str:
    """As code hosts name it, so that links hold there and here."""
    kept = re.sub(r"[^\w\- ]", "", words.lower(), flags=re.UNICODE)
    return kept.replace(" ", "-")


def _headings(tokens: list[Token]) -> list[tuple[int, str, str]]:
    found, seen = list[tuple[int, str, str]](), dict[str, int]()
    for opened, inside in pairwise(tokens):
        if opened.type == "heading_open":
            words = "".join(child.content for child in inside.children or ())
            name = anchor(words)
            seen[name] = seen.get(name, -1) + 1
            name += f"-{seen[name]}" if seen[name] else ""
            opened.attrSet("id", name)
            found.append((int(opened.tag[1]), name, words))
    return found


def _all(tokens: list[Token]) -> list[Token]:
    return [one for token in tokens for one in (token, *_all(token.children or []))]
