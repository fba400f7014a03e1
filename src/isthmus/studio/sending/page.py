"""One HTML file of the studio's own modules and styles: opened from a disk, it asks nobody for anything.

A browser that opens a file refuses it modules and requests. So every module stands in the file as a `data:` address, an
import map says which name leads to which, and relative imports are written as those names. The content policy names the
three things of the file that are run or that style it by their hashes; all that is data stands in blocks that are not
run, in base64, in which nothing can be read as markup.
"""

import base64
import hashlib
import html
import json
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["ENTRY", "INSTEAD", "MARK", "modules", "one_file"]

ENTRY = "main.js"
INSTEAD = {
    "api.js": "static/api.js",
    "pages/report.js": "static/about.js",
    **dict.fromkeys(("panels/label.js", "panels/design.js", "pages/training.js", "pages/runs.js"), "static/absent.js"),
}
"""Modules that need a server, and what stands in their place."""
MARK = '<meta name="generator" content="isthmus studio --export">'
"""What a file that was made here is known by."""
_PAGE = Path(__file__).parents[1] / "page"
_PREFIX = "isthmus/"
_IMPORT = re.compile(r"""(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.{1,2}/[^"'\n]+)\2""")
_ASSET = re.compile(r"/page/([\w/.-]+\.(?:svg|png))")
_STYLE = re.compile(r'<link rel="stylesheet" href="/page/([\w/.-]+)">')
_SCRIPT = re.compile(r'<script type="module" src="/page/([\w/.-]+)"></script>')
_KINDS = {"js": "text/javascript", "svg": "image/svg+xml", "png": "image/png"}
_WAITING = '<div class="empty"><p>Opening … If nothing comes, this browser is older than 2023.</p></div>'


def modules(entry: str = ENTRY) -> dict[str, str]:
    """The text of every module that is reached from `entry`, by its name in the import map."""
    found: dict[str, str] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if _PREFIX + name not in found:
            text, reached = _with_names(name)
            found[_PREFIX + name] = f"{text}\n//# sourceURL={_PREFIX}{name}\n"
            waiting += reached
    return found


def one_file(title: str, blocks: Iterable[tuple[str, str, bytes]]) -> bytes:
    """The page as it is opened; `blocks` are `(id, media type, content)` of what it shows."""
    text = (_PAGE / "index.html").read_text("utf-8")
    text = re.sub(r"<title>.*?</title>", lambda _: f"<title>{html.escape(title)}</title>", text)
    text = re.sub(r'<main id="stage"[^>]*>', lambda found: found[0] + _WAITING, text)
    text = _STYLE.sub(lambda found: f"<style>{(_PAGE / found[1]).read_text('utf-8')}</style>", text)
    text = _SCRIPT.sub(lambda found: _scripts(found[1]), text)
    text = _with_assets(text)
    first = '<meta charset="utf-8">'
    text = text.replace(first, f"{first}\n{_policy(text)}\n{MARK}", 1)
    before, after = text.rsplit("</body>", 1)
    parts = [before.encode()]
    for name, kind, content in blocks:
        parts += [f'<script type="{kind}" id="{name}">'.encode(), base64.b64encode(content), b"</script>\n"]
    return b"".join([*parts, b"</body>", after.encode()])


def _with_names(name: str) -> tuple[str, list[str]]:
    """A module whose imports are by name, and the modules that it imports."""
    reached = []

    def named(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[3]))
        reached.append(INSTEAD.get(target, target))
        return f"{found[1]}{found[2]}{_PREFIX}{reached[-1]}{found[2]}"

    text = _IMPORT.sub(named, (_PAGE / name).read_text("utf-8"))
    return _with_assets(text), reached


def _with_assets(text: str) -> str:
    return _ASSET.sub(lambda found: _address((_PAGE / found[1]).read_bytes(), found[1]), text)


def _scripts(entry: str) -> str:
    there = {name: _address(text.encode(), name) for name, text in modules(entry).items()}
    imports = json.dumps({"imports": there})
    return f'<script type="importmap">{imports}</script>\n<script type="module">import "{_PREFIX}{entry}";</script>'


def _address(content: bytes, name: str) -> str:
    return f"data:{_KINDS[name.rpartition('.')[2]]};base64,{base64.b64encode(content).decode()}"


def _policy(text: str) -> str:
    """What may be run is named by its hash; modules are `data:`, for a browser has no other way to be given them."""
    run = " ".join(_hashes(re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)))
    styles = " ".join(_hashes(re.findall(r"<style>(.*?)</style>", text, re.DOTALL)))
    policy = (
        f"default-src 'none'; script-src {run} data:; style-src {styles}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    referrer = '<meta name="referrer" content="no-referrer">'
    return f'<meta http-equiv="content-security-policy" content="{policy}">\n{referrer}'


def _hashes(texts: list[str]) -> list[str]:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
