"""What the screens look like, beside kept pictures of them; designing, training and the report, as a person does it."""

import base64
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import Client, copied
from map_page import served as map_served
from PIL import Image
from test_page import Window

from isthmus.studio.app import Studio
from isthmus.studio.serving import Serving
from isthmus.studio.shelf import Shelf
from isthmus.web.listening import bound

KEPT = Path(__file__).parent / "screens"
DIFFER = 0.002
"""The share of pixels that may differ from the kept picture: the processor draws, but rounding is its own."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["points", "density"])
def test_the_map_looks_as_it_did(chrome: Any, scheme: str, mode: str) -> None:
    """ISTHMUS_RENEW=1 keeps what is drawn now; look at it before it is committed."""
    with map_served() as url:
        page = chrome.new_page(
            viewport={"width": 800, "height": 600}, reduced_motion="reduce", color_scheme=scheme, device_scale_factor=1
        )
        page.goto(f"{url}/test/map.html")
        for _ in range(200):
            if page.evaluate("Boolean(window.map)"):
                break
            page.wait_for_timeout(25)
        page.evaluate(
            """mode => { const { places, codes } = clusters(6000, 3); map.setPoints(places);
            map.setColours({ kind: "classes", codes, names: [] }); map.setMode(mode); }""",
            mode,
        )
        page.wait_for_timeout(200)
        page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        told = page.evaluate("() => map.layer.context.canvas.toDataURL('image/png')")
        page.close()
    drawn = Image.open(io.BytesIO(base64.b64decode(told.partition(",")[2]))).convert("RGB")
    kept = KEPT / f"map-{mode}-{scheme}.png"
    if os.environ.get("ISTHMUS_RENEW"):
        KEPT.mkdir(exist_ok=True)
        drawn.save(kept, optimize=True)
    wanted = np.asarray(Image.open(kept).convert("RGB"), int)
    differ = (np.abs(np.asarray(drawn, int) - wanted).max(axis=2) > 8).mean()
    assert differ <= DIFFER, f"{differ:.2%} of the pixels are not as in {kept.name}"


@pytest.fixture(scope="module")
def studio(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Path]]:
    runs = copied(shelf, tmp_path_factory.mktemp("screens"), "one", "two")
    with Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving:
        with Client(serving.address, "one") as client:
            client.opened()
            assert client.done(client.post("map", {"by": "pca"}))["state"] == "done"
        yield serving, runs


@pytest.fixture
def window(chrome: Any, studio: tuple[Serving, Path]) -> Iterator[Window]:
    wrong: list[str] = []
    made = Window(chrome, studio[0].address, wrong)
    yield made
    made.close()
    assert wrong == []


def test_a_design_is_asked_for_judged_walked_to_and_kept(window: Window, studio: tuple[Serving, Path]) -> None:
    window.go("run=one&map=pca&panel=design")
    window.page.wait_for_selector("textarea")
    window.page.fill("textarea", "class=3")
    window.page.locator("button", has_text="Look for designs").click()
    window.page.wait_for_selector(".designs", timeout=200_000)
    assert window.page.locator(".designs > *").count() == 16
    assert "guides say" in window.text(".headline").lower() and "judge" in window.text(".headline")
    window.until("studio.atlas.view.overlay !== undefined")
    before = set((studio[1] / "one").glob("designs/*/design.json"))
    window.page.locator("button.main", has_text="Keep").click()
    for _ in range(400):
        if set((studio[1] / "one").glob("designs/*/design.json")) - before:
            break
        window.page.wait_for_timeout(25)
    assert set((studio[1] / "one").glob("designs/*/design.json")) - before


def test_training_shows_curves_and_what_the_model_made_of_pictures(window: Window) -> None:
    window.page.goto(f"{window.address}#run=one&view=training")
    window.page.wait_for_selector(".curves svg polyline")
    assert window.page.locator("input[type=checkbox]:checked").count() >= 1
    window.page.wait_for_selector(".looked canvas")
    window.page.locator("label", has_text="two").first.click()
    window.until("document.querySelectorAll('.curves svg polyline').length >= 4")


def test_the_report_is_one_press_away(window: Window) -> None:
    window.page.goto(f"{window.address}#run=one&view=report")
    with window.context.expect_page() as opened:
        window.page.locator("text=Open the report").click()
    report = opened.value
    report.wait_for_selector("h1")
    assert report.locator("h1").inner_text() == "one"
    assert report.locator("script").count() == 0
    report.close()
