"""Which pages there are, in which order, and how they become files."""

import json
import os
import posixpath
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from docs.pages import bars, papers, reference, verbs
from docs.pages.layout import Section, file_of, search_script
from docs.pages.markdown import Page, rendered

__all__ = ["build", "contents_of"]

_GUIDES = (
    "data",
    "labels",
    "look",
    "studio",
    "design",
    "two-step",
    "tuning",
    "sharing",
    "scale",
    "export",
    "serving",
    "measures",
)
_DEVELOPERS = {"extending": "docs/extending.md", "contributing": "CONTRIBUTING.md", "changes": "CHANGELOG.md"}
_MARK = ".isthmus-site"


def build(root: Path, where: Path) -> int:
    """Write the site; a folder that holds something else is left alone. How many pages there are."""
    if where.exists() and any(where.iterdir()) and not (where / _MARK).exists():
        raise SystemExit(f"{where} holds something that is no site of ours: choose another folder, or remove it")
    contents = contents_of(root)
    pages = [page for _, inside in contents for page in inside]
    where.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=where.parent, prefix=".site-"))
    try:
        for page in pages:
            file = made / page.place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(file_of(page, contents), "utf-8")
        for picture in (root / "docs").glob("*.png"):
            shutil.copy(picture, made / picture.name)
        for place, content in papers.paper_figures(root / "results" / "recipes").items():
            (made / place).write_bytes(content)
        (made / "site.css").write_text(Path(__file__).with_name("site.css").read_text("utf-8"), "utf-8")
        (made / "search.js").write_text(search_script(), "utf-8")
        (made / "index.js").write_text(f"window.INDEX = {json.dumps(_index(pages))};\n", "utf-8")
        (made / _MARK).write_text("", "utf-8")
        shutil.rmtree(where, ignore_errors=True)
        os.chmod(made, 0o755)
        os.replace(made, where)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return len(pages)


def contents_of(root: Path) -> list[Section]:
    """Every page by its section."""
    docs, results = root / "docs", root / "results"
    texts: list[tuple[str, dict[str, tuple[str, str]]]] = [
        ("Start", {"index": ("README.md", _read(root / "README.md")), "tutorial": _file(docs / "tutorial.md")}),
        ("Guides", {name: _file(docs / f"{name}.md") for name in _GUIDES if (docs / f"{name}.md").is_file()}),
        ("Verbs", {f"verbs/{name}": ("docs/verbs.md", text) for name, text in verbs.verb_pages(root).items()}),
        (
            "Papers",
            {
                "papers": ("docs/papers.md", papers.papers_index(results / "recipes")),
                **{name: ("docs/papers.md", text) for name, text in papers.paper_pages(results / "recipes").items()},
            },
        ),
        (
            "Results",
            {"results": _file(docs / "results.md"), "records": ("docs/records.md", bars.bars_page(results))},
        ),
        (
            "Reference",
            {
                "commands": _file(docs / "commands.md"),
                "python": ("docs/python.md", reference.python_page()),
                "run-folder": _file(docs / "run-folder.md"),
            },
        ),
        ("Developers", {name: (file, _read(root / file)) for name, file in _DEVELOPERS.items()}),
    ]
    places = {file: f"{name}.html" for _, pages in texts for name, (file, _) in pages.items()}
    return [
        (title, [rendered(f"{name}.html", text, _linked(name, file, places)) for name, (file, text) in pages.items()])
        for title, pages in texts
    ]


def _read(path: Path) -> str:
    return path.read_text("utf-8")


def _file(path: Path) -> tuple[str, str]:
    return f"docs/{path.name}", _read(path)


def _linked(name: str, file: str, places: dict[str, str]) -> Callable[[str], str]:
    """Links as they are in the repository, to where they lead in the site; what is not in it is named, not linked."""

    def lead(target: str) -> str:
        path, _, part = target.partition("#")
        if not path or "://" in path:
            return target
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        if wanted.endswith(".png"):
            place = wanted.removeprefix("docs/")
        elif wanted.startswith(("docs/papers/", "docs/verbs/")):
            place = wanted.removeprefix("docs/").removesuffix(".md") + ".html"
        elif wanted.startswith("results/recipes/"):
            place = f"papers/{wanted.split('/')[2].partition('-')[0]}.html"
        elif wanted.startswith("results"):
            place = "records.html"
        else:
            place = places.get(wanted, "contributing.html")
        up = posixpath.relpath(place, posixpath.dirname(f"{name}.html") or ".")
        return f"{up}#{part}" if part else up

    return lead


def _index(pages: list[Page]) -> list[tuple[str, str, str, str]]:
    """Place, anchor, page and heading of everything that can be searched."""
    return [
        (page.place, "" if level == 1 else name, page.title, words)
        for page in pages
        for level, name, words in page.headings
        if level <= 3
    ]
