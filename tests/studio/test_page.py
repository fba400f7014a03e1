"""The page in a real browser, against a real server: what a person does, and what comes of it."""

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import MARKUP, PICTURES, QUOTED, Client, copied, logged
from PIL import Image

from isthmus.look.maps import load_map
from isthmus.run import Run
from isthmus.studio.app import Studio
from isthmus.studio.room import Room
from isthmus.studio.serving import Serving
from isthmus.studio.shelf import Shelf
from isthmus.web.listening import bound

WIDE, HIGH = 1280, 800
ZEROS = "[title^='<img']"
CARD = ".hover:not([hidden])"


class Window:
    """A tab of a browser, and whatever goes wrong in it: said on the console, thrown, or asked of another host."""

    def __init__(self, chrome: Any, address: str, wrong: list[str], **how: Any) -> None:
        how = {"viewport": {"width": WIDE, "height": HIGH}, "reduced_motion": "reduce", "color_scheme": "light"} | how
        self.context = chrome.new_context(accept_downloads=True, **how)
        self.address, self.wrong = address, wrong
        self.page = self._watched(self.context.new_page())

    def _watched(self, page: Any) -> Any:
        page.on("pageerror", lambda error: self.wrong.append(f"thrown: {error}"))
        page.on("console", self._said)
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda asked: None if self._ours(asked.url) else self.wrong.append(asked.url))
        page.on("websocket", lambda one: None if self._ours(one.url) else self.wrong.append(one.url))
        return page

    def _said(self, said: Any) -> None:
        ours = "willReadFrequently" in said.text  # it is the tests that read canvases
        if said.type in ("error", "warning") and not ours:
            self.wrong.append(said.text)

    def _ours(self, url: str) -> bool:
        return url.startswith((self.address, self.address.replace("http", "ws"), "blob:", "data:"))

    def go(self, view: str = "run=one&map=umap") -> None:
        """A view, by its address; there when its map is."""
        self.page.goto(f"{self.address}#{view}")
        self.until("window.studio?.atlas?.first.map && document.querySelector('.legend button')")
        self.settle()

    def ask(self, text: str, given: Any = None) -> Any:
        return self.page.evaluate(text, given)

    def until(self, true: str, seconds: float = 20) -> None:
        """Playwright's own waiting evaluates text within the page, which the content policy forbids."""
        end = time.monotonic() + seconds
        while not self.ask(f"Boolean({true})"):
            assert time.monotonic() < end, f"still not: {true}"
            self.page.wait_for_timeout(25)

    def settle(self) -> None:
        """Two frames have been drawn."""
        self.ask("new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))")

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Where a place of the map is."""
        told = self.ask(
            "([x, y]) => { const v = studio.atlas.view, b = v.host.getBoundingClientRect(), p = v.toScreen(x, y);"
            " return [b.left + p[0], b.top + p[1]]; }",
            [float(x), float(y)],
        )
        return told[0], told[1]

    def canvas(self) -> np.ndarray:
        """What the decoded picture shows: the first of its channels."""
        flat, wide = self.ask(
            "(() => { const c = document.querySelector('canvas.big');"
            " return [[...c.getContext('2d').getImageData(0, 0, c.width, c.height).data], c.width]; })()"
        )
        return np.array(flat, np.uint8).reshape(-1, wide, 4)[..., 0]

    def text(self, where: str) -> str:
        return str(self.page.locator(where).first.inner_text())

    def close(self) -> None:
        self.context.close()


@pytest.fixture(scope="module")
def studio(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Two runs with two maps each, that are looked at and not changed."""
    runs = copied(shelf, tmp_path_factory.mktemp("page"), "one", "two")
    with Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving:
        for run in ("one", "two"):
            with Client(serving.address, run) as client:
                client.opened()
                for wanted in ({"by": "pca"}, {"by": "umap", "fields": {"epochs": 60}}):
                    assert client.done(client.post("map", wanted))["state"] == "done"
        yield serving


@pytest.fixture
def wrong() -> Iterator[list[str]]:
    """What went wrong in any window of a test."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def window(chrome: Any, studio: Serving, wrong: list[str]) -> Iterator[Window]:
    made = Window(chrome, studio.address, wrong)
    yield made
    made.close()


@pytest.fixture
def room(studio: Serving) -> Room:
    return studio.studio.room("one")


@pytest.fixture
def places(room: Room) -> np.ndarray:
    return np.asarray(room.map("umap").places, float)


@pytest.fixture
def desk(chrome: Any, own: Client, wrong: list[str]) -> Iterator[Window]:
    """A studio of its own with an empty desk, for tests that label."""
    own.done(own.post("map", {"by": "pca"}))
    own.done(own.post("map", {"by": "umap", "fields": {"epochs": 20}}))
    own.desk(blank=True)
    made = Window(chrome, own.address, wrong)
    made.go("run=one&map=umap&panel=label&blank=yes")
    made.page.wait_for_selector("img.big")
    yield made
    made.close()


def lonely(places: np.ndarray) -> int:
    """The row that is farthest from all others: nothing else is hit where it lies."""
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return int(apart.min(axis=1).argmax())


# -- opening ----------------------------------------------------------------------------------------------------------


def test_it_begins_with_the_runs_and_a_map_appears_while_it_forms(
    chrome: Any, shelf: Path, tmp_path: Path, wrong: list[str]
) -> None:
    runs = copied(shelf, tmp_path, "one", "two")
    with Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving:
        window = Window(chrome, serving.address, wrong)
        window.page.goto(serving.address)
        window.page.wait_for_selector("button.card")
        assert set(window.page.locator("button.card b").all_inner_texts()) == {"one", "two"}
        window.page.get_by_role("button", name="one", exact=False).first.click()
        window.until("window.studio?.atlas?.first.view.places.length")
        window.until("document.querySelector('.mapfoot').textContent.includes('forming')")
        window.until("studio.atlas.mapName === 'umap'", 40)
        assert "map=umap" in window.page.url
        assert "5-NN accuracy" in window.text(".mapfoot")
        window.close()
    found = load_map(Run(runs / "one"), "umap")
    assert found.places.shape == (PICTURES, 2)


def test_the_card_beside_the_pointer_is_of_the_picture_under_it(window: Window, places: np.ndarray, room: Room) -> None:
    window.go()
    row = lonely(places)
    window.page.mouse.move(*window.on_screen(*places[row]))
    window.page.wait_for_selector(CARD)
    assert window.text(f"{CARD} b") == str(room.pictures.ids[row])
    assert f"row={row}" in window.page.locator(f"{CARD} img").first.get_attribute("src")
    window.until("[...document.querySelectorAll('.hover img')].every(one => one.naturalWidth === 8)")
    window.page.mouse.move(5, 5)
    window.page.wait_for_selector(CARD, state="detached")


# -- decoding ---------------------------------------------------------------------------------------------------------


def shows(window: Window, pixels: np.ndarray) -> None:
    """The canvas comes to show these pixels."""
    end = time.monotonic() + 10
    while not np.array_equal(window.canvas(), pixels[..., 0]):
        assert time.monotonic() < end, "another picture is shown"
        window.page.wait_for_timeout(25)


def test_press_and_drag_decode_what_lies_under_the_hand(window: Window, places: np.ndarray, room: Room) -> None:
    window.go()
    row = lonely(places)
    x, y = window.on_screen(*places[row])
    window.page.mouse.move(x, y)
    window.page.mouse.down()
    shows(window, room.drawn(room.codes[[row]])[0])
    for step in range(1, 6):
        window.page.mouse.move(640 - 300 + 40 * step, 300 + 20 * step)
    window.settle()
    at = window.ask("studio.atlas.view.overlay.marks[0]")
    shows(window, room.drawn(room.codes_at("umap", np.array([[at["x"], at["y"]]])))[0])
    window.page.mouse.up()
    end = window.ask(
        "([x, y]) => { const v = studio.atlas.view, b = v.host.getBoundingClientRect();"
        " return v.toMap(x - b.left, y - b.top); }",
        [640 - 300 + 200, 400],
    )
    shows(window, room.drawn(room.codes_at("umap", np.array([end])))[0])
    assert "lie as far out" in window.text(".panel")


def test_sliders_move_the_picture_and_reset_puts_it_back(window: Window, room: Room) -> None:
    window.go("run=one&map=umap&row=3")
    still = room.drawn(room.codes[[3]])[0]
    shows(window, still)
    window.page.get_by_label(f"class {MARKUP}, in deviations").evaluate(
        "one => { one.value = '2'; one.dispatchEvent(new Event('input')); }"
    )
    along = next(d for name, d in room.kept["directions"][1].items() if name == f"class {MARKUP}")
    code = room.codes[[3]] + np.float32(2 * along.spread) * along.vector.astype(np.float32)
    shows(window, room.drawn(code)[0])
    window.page.get_by_role("button", name="All to the middle").click()
    shows(window, still)


def test_neighbours_lead_on_and_a_walk_is_shown_as_a_film(window: Window, room: Room, studio: Serving) -> None:
    window.go("run=one&map=umap&row=3")
    window.page.wait_for_selector("[aria-label='Neighbour 1']")
    with Client(studio.address) as client:
        near = client.get("neighbours", row=3, k=12).json()["rows"]
    window.page.get_by_role("button", name="Walk from here").click()
    window.page.get_by_label("Neighbour 1", exact=True).click()
    window.until(f"studio.store.get('row') === {near[0]} && document.querySelector('.panel h2')?.textContent")
    window.until(f"document.querySelector('.panel h2').textContent === {str(room.pictures.ids[near[0]])!r}")
    window.page.get_by_role("button", name="Walk to here").click()
    window.page.wait_for_selector(".film canvas")
    assert window.page.locator(".film canvas").count() == 12
    first, last = (window.ask(FRAME, number) for number in (0, 11))
    assert first == room.drawn(room.codes[[3]])[0][..., 0].ravel().tolist()
    assert last == room.drawn(room.codes[[near[0]]])[0][..., 0].ravel().tolist()
    with window.page.expect_download() as told:
        window.page.get_by_role("button", name="Save as PNG").click()
    with Image.open(told.value.path()) as film:
        assert film.size == (12 * 66 - 2, 64)
    window.page.get_by_label("Close the film strip").click()
    assert not window.page.locator(".film").is_visible()


FRAME = """number => { const c = document.querySelectorAll('.film canvas')[number];
    return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0); }"""


def test_a_path_that_is_drawn_is_walked(window: Window) -> None:
    window.go()
    window.page.get_by_role("button", name="Path").click()
    for x, y in ((300, 300), (400, 500), (600, 400)):
        window.page.mouse.click(x, y)
    window.page.keyboard.press("Enter")
    window.page.wait_for_selector(".film canvas")
    assert window.page.locator(".film canvas").count() == 24
    assert window.ask("studio.atlas.view.overlay.paths.length") == 1
    window.page.get_by_role("button", name="Press").click()
    window.page.mouse.click(300, 300)
    window.settle()


# -- choosing ---------------------------------------------------------------------------------------------------------


def lassoed(window: Window, corners: list[tuple[int, int]]) -> None:
    window.page.get_by_role("button", name="Lasso").click()
    window.page.mouse.move(*corners[0])
    window.page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        window.page.mouse.move(*corner, steps=4)
    window.page.mouse.up()
    window.until("studio.atlas.selection")


def within(points: np.ndarray, loop: list[tuple[int, int]]) -> np.ndarray:
    """By counting the sides that lie to the right of each point."""
    crossed = np.zeros(len(points), int)
    for (ax, ay), (bx, by) in zip(loop, [*loop[1:], loop[0]], strict=True):
        level = (points[:, 1] < ay) != (points[:, 1] < by)
        crossed += level & (points[:, 0] < ax + (points[:, 1] - ay) * (bx - ax) / (by - ay or 1))
    return crossed % 2 == 1


def test_a_lasso_chooses_what_is_within_and_it_can_be_taken_away(
    window: Window, places: np.ndarray, room: Room
) -> None:
    window.go("run=one&map=umap&panel=select")
    assert "Nothing is chosen" in window.text(".panel")
    loop = [(120, 120), (600, 150), (560, 460), (200, 520)]
    lassoed(window, loop)
    screen = np.array([window.on_screen(*place) for place in places[:5]])
    scale = np.linalg.lstsq(np.c_[places[:5], np.ones(5)], screen, rcond=None)[0]
    inside = np.flatnonzero(within(np.c_[places, np.ones(PICTURES)] @ scale, loop))
    assert len(inside) > 30
    assert window.ask("[...studio.atlas.selection]") == inside.tolist()
    assert window.text(".panel h2") == f"{len(inside)} chosen"
    with window.page.expect_download() as told:
        window.page.get_by_role("button", name="Save as CSV").click()
    assert told.value.suggested_filename == "one-selection.csv"
    with open(told.value.path(), encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["id"] for row in table] == [str(room.pictures.ids[row]) for row in inside]
    assert [float(row["x"]) for row in table] == pytest.approx(places[inside, 0], rel=1e-4, abs=1e-4)
    window.page.get_by_role("button", name="Clear").click()
    assert "Nothing is chosen" in window.text(".panel")


def test_new_pictures_from_there_are_files(window: Window, studio: Serving) -> None:
    window.go("run=one&map=umap&panel=select")
    window.page.locator(f".legend {ZEROS}").click()
    window.page.get_by_label("how many").fill("6")
    window.page.get_by_role("button", name="Draw", exact=True).click()
    window.until("document.querySelector('.panel').textContent.includes('6 new pictures')")
    folder = window.ask("document.querySelector('.panel').textContent.match(/samples\\/\\d+/)[0]")
    files = sorted(path.name for path in (studio.studio.shelf.folder / "one" / folder).iterdir())
    assert files == [*(f"{i:04}.png" for i in range(6)), "codes.npy"]


def test_search_and_the_legend_choose(window: Window, room: Room) -> None:
    window.go("run=one&map=umap&panel=select")
    find = window.page.get_by_label("Find a picture by its id or label")
    find.fill("d/0123")
    find.press("Enter")
    window.until("studio.store.get('row') === 123")
    assert window.ask("[...studio.atlas.selection]") == [123]
    find.fill("nobody at all")
    find.press("Enter")
    window.page.wait_for_selector(".toast:has-text('nothing is called')")
    window.page.locator(f".legend {ZEROS}").click()
    zeros = np.flatnonzero(room.pictures.labels == room.pictures.classes.index(MARKUP))
    assert window.ask("[...studio.atlas.selection]") == zeros.tolist()


def test_columns_colour_the_map_and_one_that_is_not_there_is_made(window: Window) -> None:
    window.go()
    window.page.get_by_label("Colour by").select_option("error")
    window.until("studio.atlas.first.coloured?.name === 'error'")
    assert "colour=error" in window.page.url
    window.until("document.querySelector('.legend .ramp')")
    window.page.get_by_label("Colour by").select_option("hand")
    window.until("document.querySelector('.legend').textContent.includes('=1+2')")


# -- labelling --------------------------------------------------------------------------------------------------------


def count(window: Window) -> int:
    return int(window.ask("studio.panelHost && fetch('/api/desk?run=one').then(a => a.json()).then(d => d.labels)"))


def labelled(window: Window, number: int) -> None:
    end = time.monotonic() + 20
    while count(window) != number:
        assert time.monotonic() < end
        window.page.wait_for_timeout(25)


def test_keys_label_the_picture_that_is_shown_and_undo_takes_it_back(desk: Window, own: Client, tmp_path: Path) -> None:
    runs, seen = tmp_path / "runs", []
    for number in range(14):
        row = int(desk.page.locator("img.big").get_attribute("data-row"))
        seen.append(row)
        desk.page.keyboard.press(str(number % 2 + 1))
        labelled(desk, number + 1)
        desk.until(f"Number(document.querySelector('img.big')?.dataset.row ?? -1) !== {row}")
    assert len(set(seen)) == 14
    assert [line["label"] for line in logged(runs)] == ["1", "2"] * 7
    desk.until("document.querySelector('.panel svg.plot')")
    assert "right with" in desk.text(".panel [aria-live]")
    desk.page.keyboard.press("Control+z")
    labelled(desk, 13)
    assert logged(runs)[-1] == {"undo": 1}
    desk.until(f"document.querySelector('img.big')?.dataset.row === '{seen[-1]}'")
    desk.page.keyboard.press("1")
    labelled(desk, 14)
    desk.page.get_by_role("button", name="colour by prediction").click()
    desk.until("studio.atlas.first.coloured?.name === 'prediction'")
    assert set(desk.page.locator(".legend button").all_inner_texts()) <= {"1", "2"}
    before = desk.ask("[0, 9, 99].map(row => studio.atlas.view.colourOf(row))")
    assert len(set(before)) <= 2


def test_a_new_class_by_typing_and_several_pictures_at_once(desk: Window, own: Client, tmp_path: Path) -> None:
    field = desk.page.get_by_label("A new class")
    field.click()
    field.press_sequentially("<b>odd</b> 1z")
    assert logged(tmp_path / "runs") == [], "what is typed is no key"
    field.press("Enter")
    labelled(desk, 1)
    desk.page.wait_for_selector("[data-class='<b>odd</b> 1z']")
    assert logged(tmp_path / "runs")[0]["label"] == "<b>odd</b> 1z"
    desk.ask("studio.atlas.select(Uint32Array.of(10, 11, 12, 13, 14))")
    desk.until("document.querySelector('.panel').textContent.includes('5 chosen pictures')")
    desk.page.locator("[data-class='3']").click()
    labelled(desk, 6)
    assert {line["id"] for line in logged(tmp_path / "runs")[1:]} == {f"d/{row:04}.png" for row in range(10, 15)}
    desk.until("studio.atlas.selection === null")
    desk.page.keyboard.press("Control+z")
    labelled(desk, 1)
    desk.until("studio.atlas.selection?.length === 5")
    desk.page.keyboard.press("Backspace")
    labelled(desk, 1)
    assert desk.page.locator(".panel b, .panel img:not(.big)").count() == 0, "a name made an element"


def test_two_browsers_see_each_others_labels(desk: Window, chrome: Any, wrong: list[str]) -> None:
    other = Window(chrome, desk.address, wrong)
    other.go("run=one&map=umap&panel=label&blank=yes")
    other.page.wait_for_selector("img.big")
    row = desk.page.locator("img.big").get_attribute("data-row")
    assert other.page.locator("img.big").get_attribute("data-row") == row
    desk.page.keyboard.press("1")
    other.until("document.querySelector(\"[data-class='1'] small\").textContent === '1'")
    other.until(f"document.querySelector('img.big').dataset.row !== '{row}'")
    other.close()


# -- the address, two runs, what is odd -------------------------------------------------------------------------------


def test_the_address_shows_the_same_in_another_tab(window: Window, chrome: Any, wrong: list[str]) -> None:
    window.go("run=one&map=pca&colour=hand&panel=select&row=7")
    window.page.mouse.move(500, 400)
    window.page.mouse.wheel(0, -600)
    window.until("studio.store.get('z') > 1.5")
    window.page.wait_for_timeout(400)
    told = "[studio.atlas.mapName, studio.atlas.first.colour, studio.store.get('panel'), studio.store.get('row')]"
    view = window.ask("studio.atlas.view.getView()")
    other = Window(chrome, window.address, wrong)
    other.go(window.page.url.split("#")[1])
    assert other.ask(told) == window.ask(told) == ["pca", "hand", "select", 7]
    there = other.ask("studio.atlas.view.getView()")
    for name in ("cx", "cy", "zoom"):
        assert there[name] == pytest.approx(view[name], rel=1e-4, abs=1e-4)
    other.close()
    window.page.get_by_role("tab", name="Label").click()
    window.page.get_by_role("tab", name="Training").click()
    window.page.go_back()
    window.until("studio.atlas && document.querySelector('.maphost')")


def test_two_runs_side_by_side_share_a_selection(window: Window) -> None:
    window.go("run=one&map=umap&with=two")
    window.until("studio.atlas.second?.map")
    window.ask("studio.atlas.first.view.choose(Uint32Array.of(3, 77), 'replace')")
    assert window.ask("[...studio.atlas.second.view.selection]") == [3, 77]
    window.ask("studio.atlas.second.view.choose(Uint32Array.of(5), 'replace')")
    assert window.ask("[...studio.atlas.first.view.selection]") == [5]
    assert window.ask("[...studio.atlas.selection]") == [5]
    window.page.get_by_label("Close this map").click()
    window.until("studio.atlas.second === null && document.querySelectorAll('.maphost').length === 1")


def test_names_with_markup_in_them_are_text_everywhere(window: Window) -> None:
    window.go("run=one&map=umap&row=0")
    window.until(f"document.querySelector('.panel').textContent.includes({QUOTED!r})")
    for panel in ("explore", "select", "label"):
        window.page.locator(f"[data-panel={panel}]").click()
        window.until(f"studio.store.get('panel') === '{panel}' && document.querySelector('.panel h2, .panel canvas')")
        window.page.wait_for_timeout(150)
        assert window.ask("(p => p.scrollWidth - p.clientWidth)(document.querySelector('.panel'))") <= 0, panel
    window.page.locator(f".legend {ZEROS}").click()
    window.page.locator("[data-panel=select]").click()
    window.page.wait_for_timeout(200)
    assert MARKUP in window.page.locator(f".legend {ZEROS}").get_attribute("title")
    assert window.page.locator("img[src=x], img[onerror], main b:has(b)").count() == 0


def test_the_keyboard_is_enough(window: Window) -> None:
    window.go()
    for _ in range(40):
        window.page.keyboard.press("Tab")
        if window.ask("document.activeElement?.getAttribute('role') === 'application'"):
            break
    assert window.ask("document.activeElement === studio.atlas.view.host")
    before = window.ask("studio.atlas.view.getView()")
    window.page.keyboard.press("+")
    window.page.keyboard.press("ArrowRight")
    window.until(f"studio.atlas.view.getView().zoom > {before['zoom']}")
    window.page.keyboard.press("Shift+ArrowRight")
    window.page.keyboard.press("Shift+ArrowRight")
    window.page.keyboard.press("n")
    window.until("studio.atlas.view.pointing.cursor !== null")
    window.until("studio.atlas.view.pointing.live.textContent.startsWith('picture ')")
    window.page.keyboard.press("Enter")
    window.until("studio.store.get('row') === studio.atlas.view.pointing.cursor")
    window.page.keyboard.press("Space")
    assert window.ask("[...studio.atlas.selection]") == [window.ask("studio.atlas.view.pointing.cursor")]
    window.page.keyboard.press("Escape")
    window.page.keyboard.press("Escape")
    window.until("studio.atlas.selection === null")


def test_a_phone_shows_all_of_it(chrome: Any, studio: Serving, wrong: list[str]) -> None:
    phone = Window(chrome, studio.address, wrong, viewport={"width": 390, "height": 844}, has_touch=True)
    for panel in ("explore", "select", "label"):
        phone.go(f"run=one&map=umap&row=3&panel={panel}")
        phone.page.wait_for_timeout(150)
        wide = phone.ask("[document.documentElement.scrollWidth, document.body.scrollWidth]")
        assert max(wide) <= 390, panel
        assert phone.page.locator(".maphost").bounding_box()["height"] > 200
    phone.page.touchscreen.tap(200, 250)
    phone.settle()
    phone.close()


def test_a_server_that_is_gone_is_told_and_comes_back(chrome: Any, shelf: Path, tmp_path: Path) -> None:
    runs = copied(shelf, tmp_path)
    found: list[str] = []
    first = Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0))
    port = first.listener.getsockname()[1]
    with first.in_background(), Client(first.address) as client:
        client.opened()
        client.done(client.post("map", {"by": "pca"}))
        client.done(client.post("map", {"by": "umap", "fields": {"epochs": 20}}))
        window = Window(chrome, first.address, found)
        window.go()
    window.page.wait_for_selector(".banner")
    assert "does not answer" in window.text(".banner")
    with Serving(Studio(Shelf(runs)), bound("127.0.0.1", port)).in_background():
        window.page.wait_for_selector(".banner", state="detached", timeout=20000)
        window.until("window.studio?.atlas?.first.map && document.querySelector('.legend button')")
        window.page.mouse.click(400, 400)
        window.until("document.querySelector('canvas.big').width === 8")
        window.close()
    assert all("ERR_CONNECTION_REFUSED" in one for one in found), found


def test_a_run_that_cannot_be_opened_says_why(chrome: Any, shelf: Path, tmp_path: Path, wrong: list[str]) -> None:
    runs = copied(shelf, tmp_path)
    (tmp_path / "pictures").unlink()
    (runs / "broken").mkdir()
    (runs / "broken" / "run.json").write_text('{"format": 1, "model": "<b>", "fitted": {}, "status": "done"}')
    with Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving:
        window = Window(chrome, serving.address, wrong)
        window.page.goto(f"{serving.address}#view=runs")
        window.page.wait_for_selector("text=run.json is not whole")
        window.page.goto(f"{serving.address}#run=one")
        window.page.wait_for_selector("text=one cannot be opened")
        assert "pictures" in window.text("[role=alert]")
        window.close()
