"""The pages say what the program does: commands parse, generated pages are fresh, marked blocks run.

In Markdown, `<!-- runs -->` before a block of Python or shell says that it is run here, `<!-- file: NAME -->` that its
text is that file, and `<!-- not run: WHY -->` why it is neither. The blocks of one page run in order, in a folder with
`pictures/cells/*.png`, for one epoch.
"""

import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from isthmus import cli, discover

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]
_BLOCK = re.compile(r"^(?:<!-- (runs|file: (\S+)|not run: [^\n]+) -->\n)?```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4,}(isthmus .*)$", re.MULTILINE)
_INLINE = re.compile(r"`(isthmus [a-z][^`\n]*)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)")


class Block(NamedTuple):
    runs: bool
    file: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [Block(m[1] == "runs", m[2] or "", m[3], m[4]) for m in _BLOCK.finditer(text)]


def commands_in(text: str) -> list[str]:
    """Every `isthmus ...` of some lines of shell; one line may hold several."""
    lines = text.replace("\\\n", " ").splitlines()
    parts = [part.strip().removeprefix("$ ") for line in lines for part in re.split(r" ; | && ", line)]
    return [part for part in parts if part.startswith("isthmus ")]


def quoted_commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        prose = _BLOCK.sub("", text)
        shell = [command for b in blocks(page) if b.language != "text" for command in commands_in(b.text)]
        quoted = [*shell, *commands_in("\n".join(_INDENTED.findall(prose))), *_INLINE.findall(prose)]
        found += [(page.name, command) for command in quoted if "..." not in command and "VERB" not in command]
    return found


def run_command(command: str) -> int:
    return cli.main(shlex.split(command, comments=True)[1:])


@pytest.fixture
def ideas_of_the_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The files that the pages show, in the registry as if they lay beside the others."""
    added = []
    for block in (block for page in PAGES for block in blocks(page) if block.file.startswith("src/")):
        package, name = Path(block.file).relative_to("src").parent, Path(block.file).name
        place = tmp_path / package
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(block.text, "utf-8")
        home = importlib.import_module(".".join(package.parts))
        monkeypatch.setattr(home, "__path__", [*home.__path__, str(place)])
        added.append((home, name.removesuffix(".py")))
    yield
    for home, name in added:
        sys.modules.pop(f"{home.__name__}.{name}", None)
        vars(home).pop(name, None)


@pytest.fixture
def tiny_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in: a few small pictures, in a folder of a class and in one of none; few digits, one epoch."""
    import sklearn.datasets
    from PIL import Image

    from isthmus.models._trained import Trained

    work = tmp_path / "work"
    (work / "pictures" / "cells").mkdir(parents=True)
    (work / "photos").mkdir()
    for number in range(24):
        values = np.random.default_rng(number).integers(0, 256, (12, 12), dtype=np.uint8)
        Image.fromarray(values).save(work / "pictures" / "cells" / f"{number:04d}.png")
        Image.fromarray(values).save(work / "photos" / f"{number:04d}.png")
    monkeypatch.chdir(work)
    few, load_digits = 60, sklearn.datasets.load_digits

    def some_digits() -> Any:
        bunch = load_digits()
        bunch.images, bunch.data, bunch.target = bunch.images[:few], bunch.data[:few], bunch.target[:few]
        return bunch

    monkeypatch.setattr(sklearn.datasets, "load_digits", some_digits)
    monkeypatch.setattr(Trained, "epochs_for", lambda self, pictures: 1.0)
    return work


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_page_is_what_the_program_says() -> None:
    page = ROOT / "docs" / "commands.md"
    assert page.read_text("utf-8") == generator().commands_page(), "run: python3 dev.py docs"


def test_the_command_page_names_every_verb_model_and_network() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for verb in cli.verbs():
        assert f"## isthmus {verb}\n" in page
    headings = " ".join(re.findall(r"^### With (.*)$", page, re.MULTILINE))
    for name in [*discover.names("models"), *discover.names("nets")]:
        assert re.search(rf"\b{name}\b", headings), name


def test_every_quoted_command_parses(
    ideas_of_the_pages: None, tiny_world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = quoted_commands()
    assert len(commands) > 10
    for page, command in commands:
        words = shlex.split(command, comments=True)[1:]
        if len(words) <= 2 and all(
            re.fullmatch(r"[a-z]+(-[a-z]+)*", word) for word in words
        ):  # a verb that is spoken of
            assert words[0] in cli.verbs(), f"{page}: {command}"
            continue
        try:
            cli.parser(words).parse_args(words)
        except SystemExit as stop:  # --help ends with 0
            assert stop.code == 0, f"{page}: {command}\n{capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_marked_blocks_of_a_page_run(page: Path, ideas_of_the_pages: None, tiny_world: Path) -> None:
    for block in (b for b in blocks(page) if b.file and not b.file.startswith("src/")):
        Path(block.file).write_text(block.text, "utf-8")
    names: dict[str, Any] = {"__name__": "page"}
    for block in (b for b in blocks(page) if b.runs):
        if block.language == "python":
            exec(compile(block.text, page.name, "exec"), names)
        for line in block.text.splitlines() if block.language != "python" else []:
            if line.startswith("python -m "):
                subprocess.run([sys.executable, *shlex.split(line)[1:]], check=True)
            for command in commands_in(line):
                assert run_command(command) == 0, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_code_is_run_or_says_why_not(page: Path) -> None:
    for match in _BLOCK.finditer(page.read_text("utf-8")):
        if match[3] not in ("", "text"):
            assert match[1] is not None, f"{page.name}: a block of {match[3]} is not run and does not say why"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "README.md"], ids=lambda page: page.name)
def test_pages_name_no_place_of_this_machine(page: Path) -> None:
    text = page.read_text("utf-8")
    assert str(ROOT) not in text
    assert not re.search(r"/(?:home|root|Users|work|opt)/", text)


def test_the_run_folder_page_knows_every_file_of_a_run(tiny_world: Path) -> None:
    from isthmus.run import FORMAT, Run

    for command in ("isthmus fit digits --model vae --latent 2 --out run --quiet", "isthmus evaluate run --samples 2"):
        assert run_command(command) == 0
    page = (ROOT / "docs" / "run-folder.md").read_text("utf-8")
    for entry in Path("run").iterdir():
        assert f"| `{entry.name}{'/' if entry.is_dir() else ''}` |" in page
    for key in Run("run").read_json("run.json"):
        assert f"`{key}`" in page
    assert f"| {FORMAT} | " in page
