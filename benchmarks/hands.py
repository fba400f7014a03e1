"""How soon the studio answers a hand, in a real browser: drag-to-decode, and from a key to a map in new colours.

    python -m benchmarks.hands decode
    python -m benchmarks.hands label --data fashion-mnist

`decode` fits a small convolutional VAE on pictures of 28, 64 and 128 a side, opens the studio on it in headless
Chromium and drags over its map: milliseconds from a position to its picture painted, positions that were overtaken
left out. `label` opens a desk on all training pictures of a set, gives classes, one every second at the most, and takes
the time from the key to the head that learnt from it and the map in its colours. Everything runs on this machine, the
browser too. Needs Playwright, and a Chromium on the path or in ISTHMUS_CHROMIUM.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import Record, append, commit, met, said
from isthmus import VAE, open_pictures
from isthmus.run import machine
from isthmus.studio.app import Studio
from isthmus.studio.serving import Serving
from isthmus.studio.shelf import Shelf
from isthmus.web.listening import bound
from tests.studio.map_page import chromium

__all__ = ["main"]

RESULTS = Path(__file__).resolve().parents[1] / "results" / "studio"
_SIZES = (28, 64, 128)
_MOVES, _FRAME = 240, 16
_BEFORE, _LONGEST = 10, 10_000.0
"""Labels after which there are two classes for sure; milliseconds after which an answer is not waited for."""

_DRAGGED = """async () => {
  const found = [];
  studio.atlas.addEventListener("decoded", (e) => setTimeout(() => found.push(e.detail.decoder.took)));
  window.took = found;
}"""

_WATCHED = """() => {
  window.answers = [];
  studio.events.addEventListener("desk", (e) => { window.newest = e.detail.labels; });
  studio.atlas.addEventListener("coloured", () => {
    requestAnimationFrame(() => window.answers.push([performance.now(), window.newest]));
  });
}"""


def main(argv: list[str] | None = None) -> int:
    """One case; records are printed, and added to the results with `--write`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=("decode", "label"))
    parser.add_argument("--data", default="fashion-mnist", help="of label")
    parser.add_argument("--labels", type=int, default=60, help="keys that are pressed")
    parser.add_argument("--write", action="store_true", help=f"add the records to {RESULTS.name}/hands.jsonl")
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as place:
        records = _decode(Path(place)) if given.case == "decode" else _label(Path(place), given)
    for record in records:
        record.command, record.machine, record.commit = said("hands", words), machine(), commit()
        low, high = record.interval or (float("nan"),) * 2
        print(f"{record.name}: {record.value:.3g} ({low:.3g} to {high:.3g}); bar {record.bar}, met: {met(record)}")
    if given.write:
        append(RESULTS / "hands.jsonl", records)
    return 0


def _decode(place: Path) -> list[Record]:
    records = []
    for side in _SIZES:
        pictures = np.random.default_rng(0).integers(0, 256, (600, side, side), dtype=np.uint8)
        np.save(place / f"{side}.npy", pictures)
        VAE(net="conv", latent=16, epochs=1.0).fit(place / f"{side}.npy", run=place / f"{side}")
        took = _dragged(place / f"{side}")
        common: dict[str, Any] = {"n": len(took), "data": f"pictures of {side}x{side}"}
        for name, share, bar in (("median", 0.5, "<= 16"), ("95 %", 0.95, "<= 50")):
            value = float(np.quantile(took, share))
            ends = (float(took.min()), float(took.max()))
            records.append(Record(f"decode/{side}, ms, {name}", value, ends, bar=bar, **common))
    return records


def _dragged(run: Path) -> np.ndarray:
    """Milliseconds from position to picture while a hand moves in circles over the map."""
    with _opened(run, "") as page:
        while page.evaluate("studio.atlas?.mapName") != "umap":  # wait_for_function is forbidden by the page's policy
            page.wait_for_timeout(200)
        page.wait_for_timeout(1500)
        page.evaluate(_DRAGGED)
        box = page.locator(".maphost").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.move(*middle)
        page.mouse.down()
        for turn in range(_MOVES):
            angle = turn / 12
            page.mouse.move(middle[0] + 180 * np.cos(angle), middle[1] + 120 * np.sin(angle))
            page.wait_for_timeout(_FRAME)
        page.mouse.up()
        page.wait_for_timeout(300)
        return np.asarray(page.evaluate("window.took"))


def _label(place: Path, given: argparse.Namespace) -> list[Record]:
    pictures = open_pictures(given.data)
    names = np.asarray(pictures.classes, object)[pictures.labels]
    VAE(net="conv", latent=16, epochs=1.0).fit(given.data, run=place / "run")
    took = []
    with _opened(place / "run", "panel=label&blank=yes&colour=prediction") as page:
        page.wait_for_selector("img.big", timeout=600_000)
        page.evaluate(_WATCHED)
        for number in range(given.labels):
            row = int(page.get_attribute("img.big", "data-row"))
            began = page.evaluate("performance.now()")
            page.locator(f'button[data-class="{names[row]}"]').click()
            took.append(_answered(page, began, number + 1))
            page.wait_for_timeout(max(0, 1000 - (page.evaluate("performance.now()") - began)))
    learnt = np.asarray(took[_BEFORE:])
    ends = (float(learnt.min()), float(learnt.max()))
    common: dict[str, Any] = {"n": len(learnt), "data": given.data, "split": "train", "interval": ends}
    return [
        Record("label/ms to colours, median", float(np.median(learnt)), bar="<= 1000", **common),
        Record("label/ms to colours, 95 %", float(np.quantile(learnt, 0.95)), **common),
        Record("label/share of keys within a second", float((learnt <= 1000).mean()), **common),
    ]


def _answered(page: Any, began: float, labels: int) -> float:
    """Milliseconds until the map was in the colours of a head that learnt from so many labels."""
    while True:
        for at, learnt in page.evaluate("window.answers"):
            if at > began and learnt >= labels:
                return float(at - began)
        if page.evaluate("performance.now()") - began > _LONGEST:
            return _LONGEST
        page.wait_for_timeout(20)


@contextmanager
def _opened(run: Path, view: str) -> Iterator[Any]:
    """The studio's page of this run."""
    from playwright.sync_api import sync_playwright

    serving = Serving(Studio(Shelf(run)), bound("127.0.0.1", 0))
    with serving.in_background(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{serving.address}#run={run.name}&{view}")
        yield page
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
