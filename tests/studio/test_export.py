"""A page that is sent without its studio: what it holds, that it harms nobody, and that it opens by a double click."""

import base64
import csv
import gzip
import hashlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from map_page import chromium

from isthmus import cli
from isthmus.errors import RunError, UsageError
from isthmus.images.label_log import LabelLog
from isthmus.report.without_paths import without_paths
from isthmus.run import Run
from isthmus.studio.columns import Column
from isthmus.studio.packing import unpacked
from isthmus.studio.room import Room
from isthmus.studio.sending import page as pages
from isthmus.studio.sending.choosing import chosen_rows
from isthmus.studio.sending.sheets import EXACT, best_quality, encoded, laid_out
from isthmus.studio.sending.site import check_folder, send

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "src" / "isthmus" / "studio" / "page"
MODULES = sorted(path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*.js"))
EVIL = "</script><script>alert(1)</script>"
COUNT = 90

no_browser = pytest.mark.skipif(
    importlib.util.find_spec("playwright") is None or chromium() is None,
    reason="needs playwright (pip install -e '.[dev]') and a Chromium (name one in ISTHMUS_CHROMIUM)",
)


def silent(done: int, total: int, what: str) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run of digits with two maps; one class and one place are called what a careless page would run."""
    from sklearn.datasets import load_digits

    work = tmp_path_factory.mktemp("secret-place")
    (work / "pictures").mkdir()
    lines = ["id,label,thick,place,part"]
    bunch = load_digits()
    for number in range(COUNT):
        name = f"d{number:03d}.png"
        Image.fromarray((bunch.images[number] * 15).astype(np.uint8)).save(work / "pictures" / name)
        label = EVIL if bunch.target[number] == 7 else str(bunch.target[number])
        lines.append(
            f"{name},{label},{bunch.images[number].mean():.4f},{'=1+1' if number % 2 else 'here'},{1234567 + number}"
        )
    (work / "labels.csv").write_text("\n".join(lines) + "\n", "utf-8")
    before = Path.cwd()
    os.chdir(work)
    try:
        fit = ["fit", str(work / "pictures"), "--labels", "labels.csv", "--model", "pca", "--latent", "3", "--quiet"]
        for words in (
            [*fit, "--out", "digits"],
            ["map", "digits", "--by", "pca"],
            ["map", "digits", "--by", "pca", "--of", "pixels"],
            ["classify", "digits", "--labels", "labels.csv", "--head", "linear"],
        ):
            assert cli.main(words) == 0, words
    finally:
        os.chdir(before)
    LabelLog(work / "digits" / "labels.jsonl").add({"d005.png": "five or so"}, "somebody")
    return work / "digits"


@pytest.fixture(scope="module")
def room(run: Path) -> Iterator[Room]:
    room = Room("digits", Run(run))
    room.open(silent)
    yield room
    room.close()


@pytest.fixture(scope="module")
def sent(room: Room, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return send(room, tmp_path_factory.mktemp("post") / "site", 1000).path


def block(file: Path, name: str) -> bytes:
    found = re.search(rf'<script type="[^"]+" id="{name}">([^<]*)</script>', file.read_text("utf-8"))
    assert found is not None, name
    return base64.b64decode(found[1])


def header_of(file: Path) -> dict[str, Any]:
    return unpacked(gzip.decompress(block(file, "numbers")))[0]


# -- the modules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_every_file_that_a_module_imports_is_there(name: str) -> None:
    for found in re.findall(r"""["'](\.{1,2}/[^"'\s]+\.js)["']""", (PAGE / name).read_text("utf-8")):
        assert (PAGE / name).parent.joinpath(found).resolve().is_file(), f"{name} imports {found}"


def test_every_import_of_every_module_is_by_a_name_that_the_map_has() -> None:
    """Whatever looks like a relative address and is not that of a worker has become a name."""
    there = pages.modules()
    assert len(there) > 20
    for name, text in there.items():
        relative = [
            line for line in text.splitlines() if re.search(r"""["']\.{1,2}/""", line) and "new URL(" not in line
        ]
        assert relative == [], name
        named = re.findall(r"""(?:from\s*|import\s*\(?\s*)["']([^"']+)["']""", text)
        assert set(named) <= set(there), name
        assert "/page/" not in text, name


def test_what_needs_a_server_is_not_in_the_page() -> None:
    there = pages.modules()
    assert not {f"isthmus/{name}" for name in pages.INSTEAD} & set(there)
    assert not any("await fetch(" in text or "WebSocket" in text for text in there.values())


def test_the_answers_of_the_page_have_the_names_of_the_studio() -> None:
    def exports(name: str) -> set[str]:
        text = (PAGE / name).read_text("utf-8")
        single = re.findall(r"^export (?:async )?(?:const|let|function|class) (\w+)", text, re.MULTILINE)
        return {
            *single,
            *(one.strip() for some in re.findall(r"^export {([^}]*)}", text, re.MULTILINE) for one in some.split(",")),
        }

    assert exports("static/api.js") == exports("api.js")


def test_the_wheel_holds_the_page() -> None:
    """Hatchling takes all of a package that git does not ignore."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"] == {"packages": ["src/isthmus"]}
    assert set(build) == {"targets"}
    assert PAGE.is_relative_to(ROOT / "src" / "isthmus")
    if (ROOT / ".git").exists():
        files = "\n".join(str(path) for path in PAGE.rglob("*") if path.is_file())
        ignored = subprocess.run(
            ["git", "check-ignore", "--stdin"], input=files, capture_output=True, text=True, cwd=ROOT
        )
        assert ignored.stdout == ""


# -- what goes in -----------------------------------------------------------------------------------------------------


def test_pictures_that_people_labelled_come_first_and_the_others_evenly(room: Room) -> None:
    rows = chosen_rows(room, 10)
    assert len(rows) == 10
    assert room.rows["d005.png"] in rows
    assert (np.diff(rows) > 0).all()
    assert {0, COUNT - 1} <= set(rows)
    assert chosen_rows(room, 1000).tolist() == list(range(COUNT))


def test_the_page_holds_maps_columns_labels_and_predictions(sent: Path) -> None:
    told = header_of(sent)
    assert [one["name"] for one in told["maps"]] == ["pca", "pca-pixels"]
    assert all(one["scores"] for one in told["maps"])
    columns = {one["name"]: one for one in told["columns"]}
    assert {"label", "thick", "place", "prediction", "certainty"} <= set(columns)
    assert columns["thick"]["kind"] == "numbers" and "said" not in columns["thick"]
    assert columns["part"]["said"] == [1234567 + number for number in range(COUNT)], "in all digits"
    assert {EVIL, "five or so"} <= set(columns["label"]["names"])
    assert told["room"]["sent"] == ""


def test_a_label_that_is_given_is_searched_and_has_its_direction(run: Path) -> None:
    from isthmus.studio.routes.decoding import _directions
    from isthmus.studio.routes.pictures import _texts

    shutil.copytree(run, run.parent / "own")
    own = Room("own", Run(run.parent / "own"))
    own.open(silent)
    assert "class mine" not in _directions(own) and not any("mine" in text for text in _texts(own))
    LabelLog(own.run.path / "labels.jsonl").add({f"d{i:03d}.png": "mine" for i in range(9)}, "somebody")
    assert "class mine" in _directions(own) and sum("mine" in text for text in _texts(own)) == 9
    own.close()


def test_a_page_of_fewer_pictures_says_so(room: Room, tmp_path: Path) -> None:
    told = send(room, tmp_path / "few", 20)
    header = header_of(told.path)
    assert len(header["ids"]) == 20
    assert header["room"]["sent"] == f"20 of {COUNT} pictures are in this page"
    assert any(f"20 of the run's {COUNT}" in line for line in header["sent"]["holds"])


def test_neither_places_of_the_machine_nor_metadata_leave_it(sent: Path, run: Path) -> None:
    everything = sent.read_bytes() + gzip.decompress(block(sent, "numbers"))
    assert b"secret-place" not in everything
    assert str(Path.home()).encode() not in everything or str(Path.home()) == "/"
    assert Image.open(io.BytesIO(block(sent, "pictures-0"))).getexif() == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/data/mine/cells", "cells"),
        ("read from /a/b.png twice", "read from b.png twice"),
        ("C:\\pile\\cells", "cells"),
        ("5-NN and/or t-SNE", "5-NN and/or t-SNE"),
        ("a of 1 / 2", "a of 1 / 2"),
        ("train/0001", "train/0001"),
    ],
)
def test_of_a_path_from_the_root_the_last_name_is_left(text: str, told: str) -> None:
    assert without_paths(text) == told


def test_small_pictures_come_back_exactly() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 9, 7, 3), dtype=np.uint8)
    made = laid_out("x", lambda rows: pixels[rows], len(pixels), EXACT)
    assert len(made.files) == 2
    sheet = np.asarray(Image.open(io.BytesIO(made.files[1])).convert("RGB"))
    assert (sheet[:9, 7:14] == pixels[257]).all()


def test_quality_falls_until_pictures_fit() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 16, 16, 3), dtype=np.uint8)
    whole = len(encoded(pixels, EXACT))
    kinds = [(lambda rows: pixels[rows], 256, 512)]
    assert best_quality(kinds, 2 * whole) == EXACT
    lower = best_quality(kinds, 2 * whole - 1)
    assert lower is not None
    assert lower < EXACT
    assert best_quality(kinds, 10) is None


# -- the file ---------------------------------------------------------------------------------------------------------


def test_the_policy_names_what_is_run_and_nothing_else(sent: Path) -> None:
    text = sent.read_text("utf-8")
    policy = re.search(r'<meta http-equiv="content-security-policy" content="([^"]+)">', text)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    assert not re.search(r"https?:|\*", policy[1])
    run_here = [
        inside
        for kind, inside in re.findall(r'<script type="([^"]+)"[^>]*>(.*?)</script>', text, re.DOTALL)
        if kind in ("importmap", "module")
    ]
    assert len(run_here) == 2
    for inside in [*run_here, *re.findall(r"<style>(.*?)</style>", text, re.DOTALL)]:
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]


def test_what_people_wrote_is_never_markup(sent: Path) -> None:
    assert EVIL not in sent.read_text("utf-8")
    assert "alert(1)" not in sent.read_text("utf-8")
    assert "/page/" not in sent.read_text("utf-8")
    named = pages.one_file(f"{EVIL} & co", [])
    assert b"<title>&lt;/script&gt;" in named


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, sent: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("my own page")
    (tmp_path / "file").write_text("x")
    for taken, words in (("mine", "holds something else"), ("file", "is a file")):
        with pytest.raises(UsageError, match=words):
            check_folder(tmp_path / taken)
    assert check_folder(sent.parent) == sent.parent
    assert check_folder(tmp_path / "new") == tmp_path / "new"


def test_a_full_disk_leaves_nothing_behind(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left"):
        send(room, tmp_path / "site", 1000)
    assert list(tmp_path.iterdir()) == []


def test_the_verb_writes_it_and_refuses_what_cannot_be(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["studio", str(run), "--export", str(tmp_path / "site"), "--pictures", "30"]) == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(tmp_path / "site" / "index.html")
    assert "30 of the run's" in told.err
    assert cli.main(["studio", str(run), "--pictures", "30"]) == 2
    assert cli.main(["studio", str(run), "--export", str(tmp_path / "site"), "--pictures", "0"]) == 2
    (run.parent / "another").mkdir(exist_ok=True)
    (run.parent / "another" / "run.json").write_text("{}")
    assert cli.main(["studio", str(run.parent), "--export", str(tmp_path / "other")]) == 2
    assert "one is sent at a time" in capsys.readouterr().err.lower()


def test_a_run_without_a_map_says_how_to_draw_one(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "maps", list)
    with pytest.raises(RunError, match="isthmus map"):
        send(room, tmp_path / "site", 1000)


# -- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(chrome: Any) -> Any:
    return chrome


@pytest.fixture
def page(browser: Any, sent: Path) -> Iterator[Any]:
    """Opened from the disk; whatever goes wrong or is asked of anybody fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce", color_scheme="light")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    mine = (sent.as_uri(), "data:", "blob:")
    page.on("request", lambda asked: None if asked.url.startswith(mine) else wrong.append(asked.url))
    page.goto(sent.as_uri())
    until(page, "window.studio?.atlas?.first.map && document.querySelector('.legend button')")
    yield page
    page.close()
    assert wrong == []


def until(page: Any, true: str) -> None:
    ends = time.monotonic() + 20
    while not page.evaluate(f"Boolean({true})"):
        assert time.monotonic() < ends, f"still not: {true}"
        page.wait_for_timeout(20)


def at(page: Any, row: int) -> tuple[float, float]:
    """Where a picture lies on the screen."""
    x, y = page.evaluate(
        "row => { const v = studio.atlas.view; return v.toScreen(v.places[2*row], v.places[2*row+1]); }", row
    )
    box = page.locator(".maphost").bounding_box()
    return box["x"] + x, box["y"] + y


def shown(page: Any) -> str:
    return page.evaluate("document.querySelector('canvas.big').toDataURL()")


COLOURS_DRAWN = """() => {
    const canvas = document.querySelector(".maphost canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return new Set(new Uint32Array(pixels.buffer)).size;
}"""
FIRST_ON_TOP = """() => {
    const { view } = studio.atlas;
    for (let row = 0; ; row++) {
        if (view.pick(...view.toScreen(view.places[2 * row], view.places[2 * row + 1])) === row) return row;
    }
}"""
HOVERED = """() => {
    const pen = new OffscreenCanvas(8, 8).getContext("2d");
    pen.drawImage(document.querySelector(".hover img"), 0, 0);
    return Array.from(pen.getImageData(0, 0, 8, 8).data).filter((_, k) => k % 4 === 0);
}"""
REFUSED = """async () => {
    const { post, getNumbers } = await import("isthmus/static/api.js");
    const asked = [post("desk"), getNumbers("map/forming"), post("map")];
    return Promise.all(asked.map((one) => one.catch((error) => error.message)));
}"""


@no_browser
def test_the_map_is_drawn_and_a_picture_has_its_card(page: Any, room: Room) -> None:
    assert page.evaluate(COLOURS_DRAWN) > 10
    row = page.evaluate(FIRST_ON_TOP)
    page.mouse.move(*at(page, row))
    page.locator(".hover b").wait_for(state="visible")
    assert page.locator(".hover b").inner_text() == room.pictures.ids[row]
    until(page, "[...document.querySelectorAll('.hover img')].every((one) => one.naturalWidth === 8)")
    pixels = page.evaluate(HOVERED)
    assert pixels == room.thumbs(np.array([row])).ravel().tolist()


@no_browser
def test_pressing_and_dragging_shows_pictures_of_the_grid(page: Any) -> None:
    page.locator("text=from a grid of 1,024 pictures").first.wait_for()
    seen = {shown(page)}
    box = page.locator(".maphost").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(box["x"] + 60 + 90 * step, box["y"] + 60 + 60 * step)
        page.wait_for_timeout(80)
        seen.add(shown(page))
    page.mouse.up()
    assert len(seen) > 3
    assert page.locator(".said").inner_text() != ""


@no_browser
def test_a_picture_has_its_neighbours_and_search_finds_it(page: Any, room: Room) -> None:
    page.fill("input.search", "d011")
    page.press("input.search", "Enter")
    page.locator("h2", has_text="d011.png").wait_for()
    until(page, "document.querySelectorAll('[aria-label^=Neighbour]').length === 8")
    distances = np.linalg.norm(room.codes - room.codes[11], axis=1)
    nearest = np.argsort(distances)[1]
    assert page.locator("[aria-label='Neighbour 1']").get_attribute("title").startswith(f"row {nearest},")
    page.fill("input.search", "<SCRIPT>alert")
    page.press("input.search", "Enter")
    until(page, "studio.atlas.selection?.length > 3")
    assert page.evaluate("[...studio.atlas.selection].length") == sum(
        str(room.pictures.classes[i]) == EVIL for i in room.pictures.labels
    )


@no_browser
def test_the_lasso_chooses_and_the_table_is_the_studios(page: Any, room: Room) -> None:
    from isthmus.studio.routes.selection import _table

    page.locator("[data-panel=select]").click()
    page.locator("[data-tool=lasso]").click()
    box = page.locator(".maphost").bounding_box()
    left, top, right, low = box["x"] + 3, box["y"] + 3, box["x"] + box["width"] - 3, box["y"] + box["height"] - 3
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, low), (left, low), (left, top)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    until(page, "studio.atlas.selection")
    rows = np.asarray(page.evaluate("[...studio.atlas.selection]"))
    assert len(rows) > COUNT // 2
    until(page, "document.querySelector('.tiles canvas').width === 8")
    with page.expect_download() as waiting:
        page.locator("text=Save as CSV").click()
    got = list(csv.reader(io.StringIO(Path(waiting.value.path()).read_text("utf-8"))))
    labels, classes = room.called_now()
    room.kept["column label"] = Column("now", labels, classes)
    wanted = list(csv.reader(io.StringIO(_table(room, rows, "pca"))))
    del room.kept["column label"]
    assert got[0] == [*wanted[0], "prediction", "certainty"]
    for mine, theirs in zip(got[1:], wanted[1:], strict=True):
        for one, other in zip(mine, theirs, strict=False):
            assert one == other or float(one) == pytest.approx(float(other), rel=1e-5)
    assert any("'=1+1" in line for line in got)


@no_browser
def test_a_path_is_a_film_of_the_grid(page: Any) -> None:
    page.locator("[data-tool=path]").click()
    box = page.locator(".maphost").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 400, steps=12)
    page.mouse.up()
    page.locator(".film h3").wait_for(state="visible")
    assert "from a grid of 1,024 pictures" in page.locator(".film h3").inner_text()
    assert 2 <= page.locator(".film canvas").count() <= 24


@no_browser
def test_other_maps_other_colours_both_themes_and_the_page_about_it(page: Any, room: Room) -> None:
    page.locator("select[aria-label=Map]").select_option("pca-pixels")
    until(page, "studio.atlas.mapName === 'pca-pixels'")
    for name in ("thick", "prediction", "certainty", "place", "label"):
        page.locator("select[aria-label='Colour by']").select_option(name)
        until(page, f"studio.atlas.first.coloured.name === '{name}'")
    assert page.locator(".legend").inner_text().count(EVIL) == 1
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.locator("[aria-label='Switch between light and dark']").click()
    assert page.evaluate(paper) != light
    assert page.locator("[data-panel]").all_inner_texts() == ["Explore", "Select"]
    page.locator("[data-view=report]").click()
    page.locator("text=What this page holds").wait_for()
    assert f"{COUNT} of the run's {COUNT} pictures" in page.locator(".sent").inner_text()


@no_browser
def test_what_needs_the_studio_is_refused_in_a_sentence(page: Any) -> None:
    said = page.evaluate(REFUSED)
    assert said == ["this page was sent without its studio. Open the run with: isthmus studio"] * 3


@no_browser
def test_it_opens_from_a_web_server_and_on_a_phone_too(browser: Any, sent: Path) -> None:
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(sent.parent)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    try:
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        until(page, "window.studio?.atlas?.first.map && document.querySelector('.legend button')")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert wrong == []
    finally:
        page.close()
        server.shutdown()
        server.server_close()
        thread.join()
