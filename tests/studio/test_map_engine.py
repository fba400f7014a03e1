"""The studio's map in a real browser: what is drawn, pointed at, lassoed, chosen and shown near."""

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from map_page import served

WIDE, HIGH = 800, 600


@pytest.fixture(scope="module")
def browser(chrome: Any) -> Iterator[Any]:
    with served() as url:
        yield chrome, url


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of its own; what goes wrong in it fails the test, breaches of the content policy too."""
    chrome, url = browser
    page = chrome.new_page(viewport={"width": WIDE, "height": HIGH}, reduced_motion="reduce", color_scheme="light")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(f"{url}/test/map.html")
    until(page, "window.map")
    yield page
    page.close()
    assert [one for one in wrong if "favicon" not in one and "404" not in one] == []


def put(page: Any, places: Any, **colours: Any) -> None:
    """Points onto the map; waits until they are drawn."""
    flat = ["NaN" if np.isnan(v) else float(v) for v in np.asarray(places, np.float32).ravel()]
    page.evaluate("places => { map.setPoints(Float32Array.from(places, Number)); }", flat)
    if "codes" in colours:
        codes = [int(c) for c in colours["codes"]]
        page.evaluate("codes => map.setColours({kind: 'classes', codes: Int32Array.from(codes), names: []})", codes)
    settle(page)


def until(page: Any, true: str) -> None:
    """Playwright's own waiting evaluates text within the page, which the content policy forbids."""
    ends = time.monotonic() + 15
    while not page.evaluate(f"Boolean({true})"):
        assert time.monotonic() < ends, f"still not: {true}"
        page.wait_for_timeout(20)


def settle(page: Any) -> None:
    page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")


def heard(page: Any, kind: str) -> list[dict[str, Any]]:
    script = """kind => heard.filter(e => e.type === kind).map(e => ({...e, rows: e.rows && Array.from(e.rows),
        points: e.points && Array.from(e.points)}))"""
    return page.evaluate(script, kind)


def forget(page: Any) -> None:
    page.evaluate("() => { heard.length = 0; }")


def screens(page: Any, places: np.ndarray) -> np.ndarray:
    script = "places => places.map(([x, y]) => map.toScreen(x, y))"
    return np.array(page.evaluate(script, np.asarray(places, float).tolist()))


def colour(page: Any, x: float, y: float) -> tuple[int, ...]:
    """The pixel of the points' canvas at a place of the host."""
    script = "([x, y]) => Array.from(map.layer.context.getImageData(Math.round(x), Math.round(y), 1, 1).data)"
    return tuple(page.evaluate(script, [float(x), float(y)]))[:3]


PAPER = (251, 250, 247)
CORNERS = [[-3, -2], [3, -2], [3, 2], [-3, 2], [0, 0]]


# -- dots -------------------------------------------------------------------------------------------------------------


def test_points_are_drawn_where_they_belong_in_their_class_colour(page: Any) -> None:
    put(page, CORNERS, codes=[0, 1, 2, 3, -1])
    at = screens(page, np.array(CORNERS))
    assert at[0][1] > at[3][1], "y goes up"
    inks = [colour(page, *place) for place in at]
    for found, expected in zip(inks, [(0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0)], strict=False):
        assert np.abs(np.array(found) - expected).max() < 30, (found, expected)
    assert colour(page, *(at[0] + [40, 0])) == PAPER
    drawn = page.evaluate("""() => { const d = map.layer.context.getImageData(0, 0, 800, 600).data; let n = 0;
        for (let i = 0; i < d.length; i += 4) if (d[i] !== 251) n++; return n; }""")
    assert 5 * 50 < drawn < 5 * 160, "five dots of about 5.5 pixels, and nothing else"


def test_a_crowd_of_points_is_drawn_as_pixels_where_they_belong(page: Any) -> None:
    r = np.random.default_rng(0)
    places = np.concatenate([r.uniform(-1, 1, (60000, 2)) * [4, 3], [[9, 0]]]).astype(np.float32)
    page.evaluate("places => { map.setPoints(Float32Array.from(places)); }", [float(v) for v in places.ravel()])
    settle(page)
    x, y = screens(page, places[-1:])[0]
    assert colour(page, np.floor(x), np.floor(y)) != PAPER
    assert colour(page, np.floor(x) - 30, np.floor(y)) == PAPER


def test_numbers_go_along_the_ramp_and_the_unknown_are_grey(page: Any) -> None:
    put(page, CORNERS)
    script = "() => { map.setColours({kind: 'numbers', values: Float32Array.of(0, 1, .5, NaN, .5), low: 0, high: 1}); }"
    page.evaluate(script)
    settle(page)
    low, high, middle, unknown, same = (np.array(colour(page, *p)) for p in screens(page, np.array(CORNERS)))
    assert low.sum() > middle.sum() > high.sum(), "on light paper more is darker"
    assert (middle == same).all()
    assert np.ptp(unknown) < 20


def test_what_has_no_place_is_not_drawn_nor_found(page: Any) -> None:
    put(page, [[0, 0], [np.nan, 1], [2, np.nan], [1, 1]])
    assert page.evaluate("map.grid.count") == 2
    assert page.evaluate("map.camera.extents") == {"x0": 0, "y0": 0, "x1": 1, "y1": 1}
    x, y = screens(page, np.array([[1, 1]]))[0].tolist()
    assert page.evaluate("([x, y]) => map.pick(x, y)", [x, y]) == 3


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_any_points_are_no_trouble(page: Any, n: int) -> None:
    put(page, np.zeros((n, 2)))
    for mode in ("density", "pictures", "points", "auto"):
        page.evaluate("mode => map.setMode(mode)", mode)
        settle(page)
    assert page.evaluate("map.pick(400, 300)") == (0 if n else None)
    page.evaluate("map.zoomAt(100, 100, 3); map.fit(); map.pointing.next(1); map.pointing.walk(1, 0, 5)")
    settle(page)
    assert page.evaluate("map.pointing.cursor") == (0 if n else None)


def test_points_that_are_all_the_same_are_one_dot(page: Any) -> None:
    put(page, np.full((3000, 2), 5.0))
    x, y = screens(page, np.array([[5.0, 5.0]]))[0]
    assert (x, y) == (WIDE / 2, HIGH / 2)
    assert colour(page, x, y) != PAPER
    assert page.evaluate("map.pick(400, 300)") == 0, "of equally near points the lowest row"
    put(page, np.stack([np.arange(3000), np.zeros(3000)], 1))
    assert page.evaluate("map.pick(...map.toScreen(1234, 0))") == 1234


def test_of_very_many_points_some_are_passed_over_while_one_moves_and_all_are_drawn_at_rest(page: Any) -> None:
    drawn = page.evaluate("""async () => {
      const frame = () => new Promise(r => requestAnimationFrame(r));
      map.setPoints(clusters(2500000).places);
      const data = () => map.layer.context.getImageData(0, 0, 800, 600).data;
      const inked = () => data().reduce((n, v, i) => n + (i % 4 === 0 && v !== 251), 0);
      const count = [];
      await frame(); await new Promise(r => setTimeout(r, 300)); await frame();
      count.push(inked());
      map.panBy(1, 0); await frame();
      count.push(inked());
      map.panBy(-1, 0); await frame(); await new Promise(r => setTimeout(r, 300)); await frame();
      count.push(inked());
      return count;
    }""")
    assert drawn[0] == drawn[2]
    assert 0.4 * drawn[0] < drawn[1] < drawn[0]


def test_density_shades_by_count_and_by_class(page: Any) -> None:
    r = np.random.default_rng(0)
    places = np.concatenate([r.normal(-3, 0.5, (4000, 2)), r.normal(3, 0.5, (400, 2))])
    put(page, places)
    page.evaluate("map.setMode('density')")
    settle(page)
    many, few = (np.array(colour(page, *p)) for p in screens(page, np.array([[-3, -3], [3, 3]])))
    assert many.sum() < few.sum() < sum(PAPER) - 30
    put(page, places, codes=[0] * 4000 + [3] * 400)
    many, few = (np.array(colour(page, *p)) for p in screens(page, np.array([[-3, -3], [3, 3]])))
    assert many[2] > many[0] and few[0] > few[2], "blue there, vermilion here"


# -- pointing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zoom", [1, 7])
def test_hover_finds_the_nearest_as_asking_every_point_does(page: Any, zoom: int) -> None:
    found = page.evaluate(
        """zoom => {
      const { places } = clusters(20000, 3);
      for (let i = 0; i < 400; i++) places[2 * i * 7] = NaN;
      map.setPoints(places); map.setView({cx: map.camera.cx, cy: map.camera.cy, zoom});
      const wrong = [];
      let none = 0;
      for (let k = 0; k < 1000; k++) {
        const sx = (k * 7919) % 800 + 0.3, sy = (k * 104729) % 600 + 0.6;
        const [x, y] = map.toMap(sx, sy), radius = 12 / map.camera.scale;
        let best = null, least = radius * radius;
        for (let i = 0; i < 20000; i++) {
          const d = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
          if (d < least) { least = d; best = i; }
        }
        if (best === null) none++;
        if (map.pick(sx, sy) !== best) wrong.push([sx, sy, best, map.pick(sx, sy)]);
      }
      return { wrong, none };
    }""",
        zoom,
    )
    assert found["wrong"] == []
    assert 50 < found["none"] < 950, "pointers on points and beside them"


def test_hover_press_drag_release_and_open_are_told(page: Any) -> None:
    put(page, CORNERS)
    x, y = screens(page, np.array([[3, 2]]))[0].tolist()
    page.mouse.move(x + 2, y - 2)
    settle(page)
    assert heard(page, "hover")[-1]["row"] == 2
    page.mouse.move(x - 120, y + 100)
    settle(page)
    assert heard(page, "hover")[-1]["row"] is None
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y + 30, steps=5)
    page.mouse.up()
    assert not page.evaluate("map.overlay.focused"), "the ring is for keys"
    (press,), (release,) = heard(page, "press"), heard(page, "release")
    assert press["row"] == 2 and np.allclose([press["x"], press["y"]], [3, 2], atol=0.02)
    drags = heard(page, "drag")
    assert drags and np.allclose(drags[-1]["screen"], [x - 60, y + 30], atol=1)
    assert np.allclose([release["x"], release["y"]], page.evaluate("p => map.toMap(...p)", [x - 60, y + 30]), atol=0.02)
    page.mouse.dblclick(x, y)
    assert [event["row"] for event in heard(page, "open")] == [2]


def test_what_is_filtered_out_is_dim_or_gone_and_never_found(page: Any) -> None:
    put(page, CORNERS, codes=[0, 1, 2, 3, 4])
    at = screens(page, np.array(CORNERS))
    page.evaluate("map.setFilter(Uint8Array.of(1, 1, 1, 1, 0))")
    settle(page)
    dim = colour(page, *at[4])
    assert dim != PAPER and np.ptp(dim) < 12
    assert page.evaluate("p => map.pick(...p)", at[4].tolist()) is None
    page.evaluate("map.setFilter(Uint8Array.of(1, 1, 1, 1, 0), 'hide')")
    settle(page)
    assert colour(page, *at[4]) == PAPER
    page.evaluate("map.setFilter(null)")
    assert page.evaluate("p => map.pick(...p)", at[4].tolist()) == 4


# -- view -------------------------------------------------------------------------------------------------------------


def test_zooming_keeps_what_is_under_the_pointer(page: Any) -> None:
    put(page, CORNERS)
    page.mouse.move(610, 140)
    before = page.evaluate("map.toMap(610, 140)")
    for turn in (-100, -300, 240, -30):
        page.mouse.wheel(0, turn)
        settle(page)
        assert np.allclose(page.evaluate("map.toMap(610, 140)"), before, atol=1e-6)
    assert page.evaluate("map.getView().zoom") > 1.3


def test_two_fingers_pan_and_zoom(page: Any) -> None:
    put(page, CORNERS)
    was = page.evaluate("map.getView()")
    fingers = page.evaluate("""() => {
      const send = (type, id, x, y) => host.dispatchEvent(new PointerEvent(type, {pointerId: id, clientX: x, clientY: y,
        pointerType: 'touch', bubbles: true, cancelable: true}));
      const under = [map.toMap(300, 300), map.toMap(500, 300)];
      send('pointerdown', 11, 300, 300); send('pointerdown', 12, 500, 300);
      for (let k = 1; k <= 10; k++) {
        send('pointermove', 11, 300 - 10 * k, 300 + 4 * k);
        send('pointermove', 12, 500 + 10 * k, 300 + 4 * k);
      }
      const now = [map.toScreen(...under[0]), map.toScreen(...under[1])];
      send('pointerup', 11, 200, 340); send('pointerup', 12, 600, 340);
      return now;
    }""")
    assert np.allclose(fingers, [[200, 340], [600, 340]], atol=0.5), "each finger keeps its point"
    assert page.evaluate("map.getView().zoom") == pytest.approx(2 * was["zoom"])
    assert [e["type"] for e in heard(page, "press") + heard(page, "release")] == ["press", "release"], "taken back"


def test_right_button_and_the_tool_pan(page: Any) -> None:
    put(page, CORNERS)
    for button, tool in (("right", "point"), ("middle", "lasso"), ("left", "pan")):
        page.evaluate("tool => { map.fit(); map.setTool(tool); }", tool)
        under = page.evaluate("map.toMap(400, 300)")
        page.mouse.move(400, 300)
        page.mouse.down(button=button)
        page.mouse.move(450, 320, steps=4)
        page.mouse.up(button=button)
        assert np.allclose(page.evaluate("p => map.toScreen(...p)", under), [450, 320], atol=1e-6), tool
    assert heard(page, "press") == []


def test_keys_pan_zoom_walk_select_open_and_clear(page: Any) -> None:
    put(page, [[0, 0], [1, 0.1], [2, 0], [0, 2], [1, 2]])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === host && map.overlay.focused"), "the ring is seen"
    page.keyboard.press("+")
    settle(page)
    assert page.evaluate("map.getView().zoom") == pytest.approx(1.5)
    cx = page.evaluate("map.getView().cx")
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.evaluate("map.getView().cx") > cx
    page.keyboard.press("0")
    settle(page)
    assert page.evaluate("map.getView()") == {"cx": 1, "cy": 1, "zoom": 1}
    page.evaluate("map.goTo(0)")
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("map.pointing.cursor") == 1
    page.keyboard.press("Shift+ArrowUp")
    assert page.evaluate("map.pointing.cursor") == 4
    until(page, "map.pointing.live.textContent === 'picture 4'")
    page.keyboard.press(" ")
    page.keyboard.press("n")
    page.keyboard.press(" ")
    assert len(heard(page, "select")[-1]["rows"]) == 2
    page.keyboard.press("Enter")
    assert heard(page, "open")[-1]["row"] == page.evaluate("map.pointing.cursor")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.evaluate("[map.pointing.cursor, map.selection]") == [None, None]
    assert heard(page, "select")[-1]["rows"] is None


def test_the_view_is_told_kept_and_set(page: Any) -> None:
    put(page, CORNERS)
    page.evaluate("map.setView({cx: 1, cy: -1, zoom: 4})")
    until(page, "heard.some(e => e.type === 'view' && e.zoom === 4 && e.cx === 1)")
    page.evaluate("map.setPoints(Float32Array.of(-9, -9, 9, 9), {keepView: true})")
    view = page.evaluate("map.getView()")
    assert (view["cx"], view["cy"]) == (1, -1)
    assert np.allclose(screens(page, np.array([[1, -1]])), [[WIDE / 2, HIGH / 2]])


def test_the_map_follows_its_host_and_resolution(page: Any, browser: Any) -> None:
    put(page, CORNERS)
    page.set_viewport_size({"width": 500, "height": 700})
    until(page, "map.camera.width === 500 && map.stage.points.width === 500")
    at = screens(page, np.array(CORNERS))
    assert at.min() > 0 and at[:, 0].max() < 500
    assert colour(page, *at[1]) != PAPER
    fine = browser[0].new_page(viewport={"width": 400, "height": 300}, device_scale_factor=2)
    fine.goto(page.url)
    until(fine, "window.map")
    put(fine, CORNERS)
    assert fine.evaluate("map.stage.points.width") == 800
    x, y = screens(fine, np.array([[3, 2]]))[0]
    assert colour(fine, 2 * x, 2 * y) != PAPER
    fine.close()


def test_the_theme_is_the_pages_and_is_followed(page: Any) -> None:
    put(page, CORNERS)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    until(page, "map.theme.dark")
    settle(page)
    assert colour(page, 5, 5) == (21, 22, 26)
    page.evaluate("map.setTheme({paper: '#102030'})")
    settle(page)
    assert colour(page, 5, 5) == (16, 32, 48)


def test_points_go_to_another_map(browser: Any) -> None:
    chrome, url = browser
    page = chrome.new_page(viewport={"width": WIDE, "height": HIGH}, reduced_motion="no-preference")
    page.goto(f"{url}/test/map.html")
    until(page, "window.map")
    put(page, [[0, 0], [1, 0], [0, 1], [np.nan, 0]])
    script = """async () => {
      const seen = [];
      const arrived = map.moveTo(Float32Array.of(5, 5, 6, 5, 5, 6, 6, 6), 300);
      while (map.moving) {
        seen.push(map.moving.xs[map.grid.positions[0]]);
        await new Promise(r => requestAnimationFrame(r));
      }
      await arrived;
      return seen;
    }"""
    seen = page.evaluate(script)
    assert len(seen) > 2 and seen == sorted(seen) and any(0.1 < x < 4.9 for x in seen)
    assert page.evaluate("map.getView()") == {"cx": 5.5, "cy": 5.5, "zoom": 1}
    assert page.evaluate("map.pick(...map.toScreen(6, 6))") == 3
    page.close()


# -- choosing ---------------------------------------------------------------------------------------------------------


def inside(places: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """The even-odd rule, point by point."""
    found = np.zeros(len(places), bool)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        if ay == by:
            continue
        crosses = (ay > places[:, 1]) != (by > places[:, 1])
        found ^= crosses & (places[:, 0] < (bx - ax) * (places[:, 1] - ay) / (by - ay) + ax)
    return found


def draw(page: Any, corners: np.ndarray, *keys: str) -> None:
    for key in keys:
        page.keyboard.down(key)
    first, *others = np.asarray(corners, float).tolist()
    page.mouse.move(*first)
    page.mouse.down()
    for corner in others:
        page.mouse.move(*corner, steps=6)
    page.mouse.up()
    for key in keys:
        page.keyboard.up(key)


STAR = np.array(
    [[400, 80], [460, 250], [640, 250], [500, 350], [560, 520], [400, 410], [240, 520], [300, 350], [160, 250]]
)


def test_a_concave_lasso_holds_what_lies_within(page: Any) -> None:
    r = np.random.default_rng(1)
    places = r.uniform(-1, 1, (4000, 2)).astype(np.float32)
    places[17] = np.nan
    put(page, places)
    page.evaluate("map.setTool('lasso')")
    draw(page, STAR)
    until(page, "heard.some(e => e.type === 'select')")
    (event,) = heard(page, "lasso")
    polygon = np.array(list(event["polygon"].values()) if isinstance(event["polygon"], dict) else event["polygon"])
    expected = np.flatnonzero(inside(places.astype(float), polygon.reshape(-1, 2)))
    assert event["rows"] == expected.tolist()
    assert 100 < len(expected) < 3000
    by_corners = set(np.flatnonzero(inside(screens(page, places), STAR.astype(float))))
    assert len(by_corners ^ set(expected.tolist())) < 0.02 * len(expected), "and the loop is what was drawn"
    assert page.evaluate("Array.from(map.selection)") == expected.tolist()


def test_a_polygon_that_crosses_itself_and_a_level_edge_are_like_the_rule_says(page: Any) -> None:
    script = """async ([places, polygon]) => {
      const { within } = await import('/page/map/lasso.js');
      return Array.from(within(Float32Array.from(places), polygon));
    }"""
    r = np.random.default_rng(2)
    places = np.round(r.uniform(0, 8, (3000, 2)) * 2).astype(np.float32) / 2
    for _ in range(20):
        polygon = np.round(r.uniform(0, 8, (9, 2)))
        found = page.evaluate(script, [places.ravel().tolist(), polygon.ravel().tolist()])
        assert found == np.flatnonzero(inside(places.astype(float), polygon)).tolist()


def test_shift_adds_alt_takes_away_and_a_press_chooses(page: Any) -> None:
    put(page, CORNERS)
    page.evaluate("map.setTool('lasso')")
    at = screens(page, np.array(CORNERS))

    def around(*rows: int) -> np.ndarray:
        low, high = at[list(rows)].min(0) - 20, at[list(rows)].max(0) + 20
        return np.array([low, [high[0], low[1]], high, [low[0], high[1]]])

    def chosen(count: int) -> list[int]:
        until(page, f"heard.filter(e => e.type === 'select').length === {count}")
        return heard(page, "select")[-1]["rows"]

    draw(page, around(0, 1))
    assert chosen(1) == [0, 1]
    draw(page, around(2), "Shift")
    assert chosen(2) == [0, 1, 2]
    draw(page, around(0), "Alt")
    assert chosen(3) == [1, 2]
    page.mouse.click(*at[4].tolist())
    assert chosen(4) == [4]
    page.keyboard.down("Shift")
    page.mouse.click(*at[3].tolist())
    page.keyboard.up("Shift")
    assert chosen(5) == [3, 4]
    page.mouse.click(float(at[4][0]) + 90, float(at[4][1]))
    assert chosen(6) is None


def test_a_path_is_drawn_by_presses_or_in_one_stroke(page: Any) -> None:
    put(page, CORNERS)
    page.evaluate("map.setTool('path')")
    for corner in ((100, 100), (200, 300), (300, 100)):
        page.mouse.click(*corner)
        page.wait_for_timeout(400)
    page.keyboard.press("Enter")
    (path,) = heard(page, "path")
    expected = [page.evaluate("p => map.toMap(...p)", corner) for corner in ((100, 100), (200, 300), (300, 100))]
    assert np.allclose(np.reshape(path["points"], (-1, 2)), expected, atol=1e-3)
    draw(page, np.array([[400, 100], [500, 200], [600, 100]]))
    assert len(heard(page, "path")[-1]["points"]) > 10
    page.mouse.click(100, 100)
    page.keyboard.press("Escape")
    assert page.evaluate("map.overlay.drawing") is None
    page.evaluate("""() => { map.setPaths([{points: Float32Array.of(-3, 0, 0, 1, 3, 0), arrow: true, dashed: true}]);
      map.setMarks([{x: 0, y: 0, kind: 'pin', label: '<b>'}, {x: 1, y: 0, kind: 'ghost'},
        {x: 2, y: 0, kind: 'ring'}]); }""")
    settle(page)
    inked = """() => map.overlay.context.getImageData(0, 0, 800, 600).data.reduce((n, v) => n + (v > 0), 0)"""
    assert page.evaluate(inked) > 1000


# -- pictures ---------------------------------------------------------------------------------------------------------

PROVIDER = """() => {
  window.asked = [];
  map.setThumbs(async rows => {
    asked.push(Array.from(rows));
    const pixels = new Uint8Array(rows.length * 3 * 16);
    rows.forEach((row, k) => {
      for (let p = 0; p < 16; p++) pixels.set([row & 255, row >> 8, 200], 3 * (16 * k + p));
    });
    return { width: 4, height: 4, channels: 3, pixels };
  });
}"""


def test_near_enough_dots_are_pictures_and_the_right_ones(page: Any) -> None:
    r = np.random.default_rng(3)
    places = r.uniform(-1, 1, (3000, 2)).astype(np.float32)
    put(page, places, codes=np.arange(3000) % 10)
    page.evaluate(PROVIDER)
    settle(page)
    assert page.evaluate("[asked.length, map.thumbs.shown]") == [0, 0], "from afar they are dots"
    page.evaluate("map.zoomAt(400, 300, 6)")
    until(page, "map.thumbs.shown === 1 && map.pictures")
    settle(page)
    assert max(map(len, page.evaluate("asked"))) <= 512
    assert heard(page, "mode")[-1]["pictures"] is True
    shown = page.evaluate("""() => {
      const c = map.thumbs.context, out = [];
      for (const w of map.thumbs.last.winners.values()) {
        const row = map.grid.rows[w.position], f = map.thumbs.frameOf(row, map.camera);
        const [x, y] = [f[0] + f[2] / 2, f[1] + f[2] / 2];
        if (x < 2 || y < 2 || x > 798 || y > 598) continue;
        out.push([row, Array.from(c.getImageData(Math.round(x), Math.round(y), 1, 1).data), map.pick(x, y), f]);
      }
      return out;
    }""")
    assert len(shown) > 30
    for row, pixel, picked, _ in shown:
        assert np.abs(np.array(pixel[:3]) - [row & 255, row >> 8, 200]).max() <= 2 and pixel[3] == 255
        assert picked == row
    boxes = np.array([frame for *_, frame in shown])
    apart = np.abs(boxes[:, None, :2] - boxes[None, :, :2]).max(-1) >= boxes[0, 2]
    assert (apart | np.eye(len(boxes), dtype=bool)).all(), "no two overlap"
    rows = [row for row, *_ in shown]
    unit, (x0, y0) = (
        page.evaluate("map.thumbs.last.unit"),
        page.evaluate("[map.camera.extents.x0, map.camera.extents.y0]"),
    )
    cell = np.floor((places - [x0, y0]) / unit)
    far = np.abs(places - ([x0, y0] + (cell + 0.5) * unit)) ** 2 @ [1, 1]
    for row in rows:
        others = np.flatnonzero((cell == cell[row]).all(1))
        assert far[row] <= far[others].min() + 1e-9, "who is nearest to the middle stands for the cell"


def test_panning_exchanges_no_picture_and_pictures_are_kept(page: Any) -> None:
    r = np.random.default_rng(3)
    put(page, r.uniform(-1, 1, (3000, 2)))
    page.evaluate(PROVIDER)
    page.evaluate("map.zoomAt(400, 300, 6)")
    until(page, "map.thumbs.shown === 1")
    rows = "() => Array.from(map.thumbs.last.winners.values(), w => map.grid.rows[w.position])"
    before = set(page.evaluate(rows))
    asked = set(page.evaluate("asked.flat()"))
    page.evaluate("map.panBy(-100, 60)")
    until(page, "map.thumbs.there === 1")
    after = set(page.evaluate(rows))
    assert len(before & after) > 0.6 * len(before)
    page.evaluate("map.panBy(100, -60)")
    settle(page)
    assert set(page.evaluate(rows)) == before
    everything = page.evaluate("asked.flat()")
    assert len(everything) == len(set(everything)), "nothing is asked for twice"
    assert asked <= set(everything)


def test_pictures_that_do_not_come_leave_the_dots(page: Any) -> None:
    put(page, np.random.default_rng(3).uniform(-1, 1, (300, 2)))
    page.evaluate(
        "() => { map.setThumbs(async () => { throw new Error('no pictures today'); }); map.setMode('pictures'); }"
    )
    page.wait_for_timeout(100)
    assert page.evaluate("map.thumbs.shown") == 0
    assert page.evaluate("map.stage.points.style.opacity") == "1"


def test_the_store_of_pictures_is_bounded(page: Any) -> None:
    script = """async () => {
      const { Pages } = await import('/page/map/pages.js');
      const pages = new Pages(async rows => ({ width: 100, height: 100, channels: 1,
        pixels: new Uint8Array(rows.length * 10000) }), () => {});
      for (let k = 0; k < 8; k++) {
        pages.want(Array.from({ length: 400 }, (_, i) => 400 * k + i), performance.now());
        while (pages.under) await new Promise(r => setTimeout(r, 5));
      }
      const kept = [pages.total, pages.held.size, pages.held.has(3100), pages.held.has(0)];
      pages.destroy();
      return kept;
    }"""
    total, held, last, first = page.evaluate(script)
    assert total <= 20e6 and held < 2100
    assert last and not first


def test_it_leaves_nothing_behind(page: Any) -> None:
    put(page, CORNERS)
    page.evaluate("map.destroy()")
    assert page.evaluate("host.querySelectorAll('canvas, [role=status]').length") == 0
    page.mouse.move(200, 200)
    page.mouse.wheel(0, 100)
    settle(page)


def test_it_says_what_it_is(page: Any) -> None:
    said = page.evaluate("['role', 'aria-label', 'tabindex'].map(a => host.getAttribute(a))")
    assert said == ["application", "Map of a test", "0"]
    assert page.evaluate("map.pointing.live.getAttribute('aria-live')") == "polite"
    policy = page.evaluate("fetch('/page/map/view.js').then(r => r.headers.get('content-security-policy'))")
    assert "default-src 'self'" in policy and "unsafe" not in json.dumps(policy)
