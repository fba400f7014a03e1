"""The site: every page is there, every link leads somewhere, nothing is loaded from elsewhere, numbers have files."""

import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import isthmus
from isthmus import cli, recipes

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # docs/pages is no part of the package

from docs.pages import site, verbs  # noqa: E402


class Read(HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.refers: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, kind: str, attributes: list[tuple[str, str | None]]) -> None:
        held = dict(attributes)
        self.refers += [str(held[key]) for key in ("href", "src") if held.get(key)]
        if held.get("id"):
            self.names.add(str(held["id"]))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("pages") / "site"
    assert site.build(ROOT, where) > 40
    return where


def test_every_link_and_anchor_leads_somewhere_and_nothing_is_loaded_from_elsewhere(built: Path) -> None:
    pages = {path: Read(path) for path in built.rglob("*.html")}
    assert len(pages) > 40
    for path, page in pages.items():
        for target in page.refers:
            if target.startswith(("https://", "http://", "mailto:")):
                continue  # a link that a reader may follow; a policy in the page forbids to load
            place, _, name = target.partition("#")
            file = (path.parent / place).resolve() if place else path
            assert file.is_file(), f"{path.relative_to(built)}: {target}"
            if name and file.suffix == ".html":
                assert name in pages[file].names, f"{path.relative_to(built)}: {target}"
        assert "default-src 'none'" in path.read_text("utf-8")


def test_every_verb_has_a_page_with_something_to_say_and_its_flags(built: Path) -> None:
    said = verbs.said_of_verbs(ROOT)
    assert set(said) == set(cli.verbs())
    for verb in cli.verbs():
        assert len(said[verb]) > 60 and f"isthmus {verb}" in said[verb], verb
        assert (
            "--help" in (page := (built / "verbs" / f"{verb}.html").read_text("utf-8")) or "-o" in page or "RUN" in page
        )


def test_every_paper_has_a_page_that_tells_all_its_parts(built: Path) -> None:
    for recipe in recipes.recipes():
        page = (built / "papers" / f"{recipe.paper}.html").read_text("utf-8")
        for scale in recipe.scales:
            kept = ROOT / "results" / "recipes" / f"{recipe.paper}-{scale}"
            for file in kept.glob("*.json"):
                content = json.loads(file.read_text("utf-8"))
                if "rows" in content:
                    assert f">{file.stem}</h3>" in page, (recipe.paper, file.stem)


def test_everything_public_is_in_the_reference(built: Path) -> None:
    page = (built / "python.html").read_text("utf-8")
    for name in isthmus.__all__:
        assert f">{name}</h2>" in page


def test_headings_can_be_searched(built: Path) -> None:
    index = json.loads((built / "index.js").read_text("utf-8").removeprefix("window.INDEX = ").rstrip(";\n"))
    assert ["verbs/pack.html", "", "isthmus pack", "isthmus pack"] in index
    assert all((built / place).is_file() for place, *_ in index)


def test_a_folder_that_is_no_site_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit, match="no site of ours"):
        site.build(ROOT, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


# -- the README's numbers ---------------------------------------------------------------------------------------------

_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| [^|]* \| (\[[^|]+\]\(results/[^|]+\)) \|$")
_NUMBER = re.compile(r"(?<![\w/-])-?\d*\.?\d+(?![\w-])")


def rows() -> list[tuple[str, str, str]]:
    """What, the numbers, and the files that they are said to be in."""
    found = [_ROW.match(line) for line in (ROOT / "README.md").read_text("utf-8").splitlines()]
    return [(row[1], row[2], row[3]) for row in found if row]


def numbers_in(content: Any) -> Iterator[float]:
    if isinstance(content, bool):
        return
    if isinstance(content, int | float):
        yield float(content)
    elif isinstance(content, dict):
        for one in content.values():
            yield from numbers_in(one)
    elif isinstance(content, list):
        for one in content:
            yield from numbers_in(one)
    elif isinstance(content, str):
        yield from (float(one) for one in _NUMBER.findall(content))


def test_the_table_has_rows() -> None:
    assert len(rows()) > 15


@pytest.mark.parametrize(("what", "measured", "links"), rows(), ids=[what[:50] for what, _, _ in rows()])
def test_a_number_of_the_readme_is_in_the_file_that_it_names(what: str, measured: str, links: str) -> None:
    """As it is there, as a percentage or in thousands, rounded to the digits that the page shows."""
    there = []
    for file in re.findall(r"\((results/[^)]+)\)", links):
        text = (ROOT / file).read_text("utf-8")
        parts = [json.loads(line) for line in text.splitlines()] if file.endswith(".jsonl") else [json.loads(text)]
        there += list(numbers_in(parts))
    for told in _NUMBER.findall(measured.replace("**", " ").replace(",", " ")):
        near = 0.5000001 * 10 ** -len(told.partition(".")[2])
        assert any(abs(factor * value - float(told)) <= near for value in there for factor in (1, 100, 1e-3)), (
            what,
            told,
        )
