"""The report: one file without script or network, true to the folder, and deaf to whatever names try to say in it."""

import json
import re
import shutil
import warnings
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from isthmus import Record, Run
from isthmus.cli import main
from isthmus.report.markup import Markup, plain, tag
from isthmus.report.page import LARGEST, report_page
from isthmus.studio.app import Studio, make_app
from isthmus.studio.shelf import Shelf

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that httpx, which it takes, has a successor
    from fastapi.testclient import TestClient

HOSTILE = [
    "<script>alert(1)</script>",
    '"onload="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "</title><svg/onload=a()>",
]
TINY = ["--net", "mlp", "--net-hidden", "16", "--latent", "3", "--epochs", "3", "--precision", "float32", "--quiet"]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "tiny"
    assert main(["fit", "digits", "--model", "vae", *TINY, "--out", str(folder)]) == 0
    assert main(["evaluate", str(folder)]) == 0
    return folder


@pytest.fixture
def run(fitted: Path, tmp_path: Path) -> Path:
    shutil.copytree(fitted, tmp_path / "tiny")
    return tmp_path / "tiny"


class Read(HTMLParser):
    """Elements with their attributes, and whether every one that is opened is closed."""

    VOID = frozenset({"img", "meta", "br", "hr", "line", "polyline", "circle"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said = ""
        self.feed(page)

    def handle_starttag(self, kind: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((kind, dict(attributes)))
        if kind not in self.VOID:
            self.open.append(kind)

    def handle_endtag(self, kind: str) -> None:
        if kind not in self.VOID:
            assert self.open.pop() == kind

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.said += data


def harmless(page: str) -> Read:
    """No script, nothing that is loaded, no handler, and well formed; the elements for a closer look."""
    read = Read(page)
    assert not read.open
    kinds = {kind for kind, _ in read.found}
    assert not kinds & {"script", "iframe", "object", "embed", "form", "input", "base", "link", "video", "audio"}
    for _kind, attributes in read.found:
        for name, value in attributes.items():
            assert not name.startswith("on") and name != "style", (name, value)
            if name in ("src", "href"):
                assert value and re.match(r"data:image/(png|webp);base64,|#", value)
    assert "url(" not in page and "@import" not in page and "http://" not in page and "https://" not in page
    assert len(page.encode()) < LARGEST
    return read


def test_a_report_tells_what_is_in_the_folder(run: Path) -> None:
    read = harmless(report_page(Run(run)))
    for words in ("tiny", "digits", "1,797", "vae", "MSE", "95 % interval", "Limits", "fingerprint", "trustworthiness"):
        assert words in read.said or words == "trustworthiness", words
    drawn = [about for kind, about in read.found if kind == "svg"]
    assert drawn and all(about["role"] == "img" and about["aria-label"] for about in drawn)
    pictures = [about for kind, about in read.found if kind == "img"]
    assert len(pictures) >= 2 and all(about["alt"] for about in pictures), "the last look, and kl.png"
    records = Run(run).read_lines("metrics.jsonl")
    assert all(record["name"] in read.said for record in records)
    assert 'lang="en"' in report_page(Run(run)) and "width=device-width" in report_page(Run(run))


def test_names_are_text_whatever_they_say(run: Path) -> None:
    described = json.loads((run / "run.json").read_text("utf-8"))
    described["data"] |= {"classes": HOSTILE, "name": HOSTILE[0], "options": {HOSTILE[1]: HOSTILE[2]}}
    described["remarks"] = HOSTILE
    described["model"]["params"][HOSTILE[2]] = HOSTILE[1]
    described["machine"] = HOSTILE[3]
    (run / "run.json").write_text(json.dumps(described), "utf-8")
    history = Run(run).read_lines("history.jsonl")
    for line in history:
        line["players"][HOSTILE[0]] = {HOSTILE[2]: 1.0, "loss": 2.0}
    history[-1] |= {"phase": HOSTILE[3], "setbacks": [HOSTILE[0]]}
    Run(run).rewrite_lines("history.jsonl", history)
    for name in HOSTILE:
        extra = {"verdict": name}
        Run(run).record(Record(name, 0.5, (0.4, 0.6), 10, split=name, data=name, command=name, extra=extra))
    folder = run / "designs" / "0"
    folder.mkdir(parents=True)
    (folder / "design.json").write_text(json.dumps({"want": HOSTILE[1], "verdict": HOSTILE[2], "of": HOSTILE[0]}))
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(folder / "sheet.png")
    maps = run / "maps"
    maps.mkdir()
    score: dict[str, Any] = {"knn": {"value": HOSTILE[0], "low": HOSTILE[1], "high": 1}, "n": HOSTILE[2]}
    (maps / "a.json").write_text(json.dumps({"method": HOSTILE[0], "of": HOSTILE[1], "pictures": 3, "scores": score}))
    read = harmless(report_page(Run(run), HOSTILE[3]))
    for name in HOSTILE:
        assert name in read.said, "it is told as it is"


def test_no_place_on_this_machine_is_told(run: Path) -> None:
    described = json.loads((run / "run.json").read_text("utf-8"))
    described["data"] |= {"name": None, "relative_path": "../../secret/place/pile", "options": {"labels": "/a/b/c.csv"}}
    described["remarks"] = ["see /home/somebody/pictures/cat.png and C:\\Users\\me\\x.png, or a/b and 3/4"]
    (run / "run.json").write_text(json.dumps(described), "utf-8")
    (run / "splits.csv").write_bytes(b"\xff\xfe")
    page = report_page(Run(run))
    assert str(run) not in page and str(run.parent) not in page
    for secret in ("secret", "somebody", "Users", "c.csv"):
        assert secret not in page, secret
    assert "cat.png" in page and "a/b and 3/4" in page and "splits.csv is damaged" in page


def test_what_is_damaged_or_missing_is_said(run: Path) -> None:
    for name in ("metrics.jsonl", "history.jsonl"):
        (run / name).write_text("{not json\n")
    (run / "kl.png").write_bytes(b"no picture")
    (run / "maps").mkdir()
    (run / "maps" / "x.json").write_text("[]")
    shutil.rmtree(run / "watch")
    said = harmless(report_page(Run(run))).said
    for words in (
        "metrics.jsonl is damaged",
        "history.jsonl is damaged",
        "maps/x.json is damaged",
        "Nothing was measured",
    ):
        assert words in said.replace("Metrics", "metrics").replace("History", "history").replace("Maps/", "maps/"), (
            words
        )


def test_large_pictures_are_made_smaller(run: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3)).astype(np.uint8)
    (run / "maps").mkdir()
    for name in "abcdef":
        Image.fromarray(noise).save(run / "maps" / f"{name}.png")
        (run / "maps" / f"{name}.json").write_text(json.dumps({"method": "umap", "of": "codes", "pictures": 9}))
    read = harmless(report_page(Run(run)))
    assert "more figures are in the run folder" in read.said or len(read.found) > 20


def test_the_verb_writes_it(run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["report", str(run)]) == 0
    harmless((run / "report.html").read_text("utf-8"))
    assert main(["report", str(run), "-o", str(tmp_path / "mine.html")]) == 0
    assert (tmp_path / "mine.html").read_bytes() == (run / "report.html").read_bytes(), "the same folder, the same page"
    capsys.readouterr()
    assert main(["report", str(run), "-o", "x.pdf"]) == 2
    assert "no ending for a web page" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "none")]) != 0


def test_the_studio_shows_and_saves_it(run: Path) -> None:
    client = TestClient(make_app(Studio(Shelf(run.parent))), headers={"host": "127.0.0.1"})
    told = client.get("/api/report", params={"run": "tiny"})
    assert told.headers["content-type"].startswith("text/html")
    policy = told.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script" not in policy
    harmless(told.text)
    parts = client.get("/api/report/parts", params={"run": "tiny"}).json()["parts"]
    assert parts[0] == "3 epochs of training" and "measurements" in parts[2]
    assert client.post("/api/report", params={"run": "tiny"}).json()["file"] == "report.html"
    assert (run / "report.html").read_text("utf-8") == told.text
    assert client.get("/api/report", params={"run": "../tiny"}).status_code == 409


def test_it_shows_the_best_and_the_worst_what_is_drawn_and_who_tells_classes(run: Path) -> None:
    assert main(["classify", str(run), "--head", "linear"]) == 0
    read = harmless(report_page(Run(run)))
    alts = " ".join(str(attributes.get("alt")) for kind, attributes in read.found if kind == "img")
    for words in ("redrawn best, as usual and worst", "drew by itself", "how sure the classifier was"):
        assert words in alts, words
    for words in ("What it tells", "linear", "10 classes", "calibration error", "hold the truth in 90 %"):
        assert words in read.said, words


def test_it_says_what_is_not_there_and_which_command_adds_it(run: Path) -> None:
    lacking = harmless(report_page(Run(run))).said.partition("Not here yet")[2]
    assert (
        "isthmus map RUN" in lacking and "isthmus classify RUN" in lacking and "isthmus evaluate RUN --judge" in lacking
    )
    shutil.rmtree(run / "watch")
    (run / "metrics.jsonl").unlink()
    assert "isthmus evaluate RUN" in harmless(report_page(Run(run))).said.partition("Not here yet")[2]


def test_it_can_be_read_by_whoever_sees_little(run: Path) -> None:
    """Headings in order, every picture with words, tables with scopes, a language; and enough contrast, both ways."""
    page = report_page(Run(run))
    read = harmless(page)
    levels = [int(kind[1]) for kind, _ in read.found if re.fullmatch("h[1-6]", kind)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(attributes.get("alt") for kind, attributes in read.found if kind == "img")
    assert all(attributes.get("scope") for kind, attributes in read.found if kind == "th")
    assert dict(read.found)["html"]["lang"] == "en"
    for light in (True, False):
        inks = colours(page, light)
        for ink, on in ((a, b) for a in ("ink", "soft", "accent") for b in ("paper", "well")):
            assert contrast(inks[ink], inks[on]) >= 4.5, (ink, on, light)


def colours(page: str, light: bool) -> dict[str, str]:
    """The variables of the style as a browser has them in light and in dark."""
    style = page.partition("<style>")[2].partition("</style>")[0]
    before, _, dark = style.partition("prefers-color-scheme: dark")
    found = dict(re.findall(r"--(\w+): (#[0-9a-f]+)", before))
    return found if light else found | dict(re.findall(r"--(\w+): (#[0-9a-f]+)", dark.partition("}")[0]))


def contrast(one: str, two: str) -> float:
    """The ratio of WCAG 2."""

    def light(colour: str) -> float:
        colour = colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_markup_escapes_what_it_did_not_make() -> None:
    made = tag("p", "<b>", tag("i", "&"), [1, None], title='"x"')
    assert made == '<p title="&quot;x&quot;">&lt;b&gt;<i>&amp;</i>1</p>'
    assert tag("img", src=Markup("data:x"), alt="a>b") == '<img src="data:x" alt="a&gt;b">'
    assert plain("a\x00b\u202ec") == "abc"
