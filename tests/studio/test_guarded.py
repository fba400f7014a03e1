"""Who is let in, what is let in, and what a run that somebody else has sent can do: nothing but be looked at."""

import json
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
import torch
from asking import Client, copied, logged
from safetensors.torch import save_file
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import isthmus
from isthmus.run import Run
from isthmus.studio.app import PAGE, Studio
from isthmus.studio.serving import Serving
from isthmus.studio.shelf import Shelf
from isthmus.train.checkpoint import load_tensors
from isthmus.web.guard import POLICY
from isthmus.web.listening import bound

TOKEN = "a-token-of-some-length"


def asked(serving: Serving, path: str = "/api/runs", **headers: str) -> httpx.Response:
    host, port = serving.listener.getsockname()[:2]
    with httpx.Client(trust_env=False) as http:
        return http.get(f"http://{host}:{port}{path}", headers={k.replace("_", "-"): v for k, v in headers.items()})


def raw(serving: Serving, text: bytes) -> bytes:
    """Sent as it is: what no library would send."""
    with socket.create_connection(serving.listener.getsockname()[:2], timeout=10) as sender:
        sender.sendall(text)
        parts = []
        while part := sender.recv(65536):
            parts.append(part)
    return b"".join(parts)


def port_of(serving: Serving) -> int:
    return int(serving.listener.getsockname()[1])


# -- names and pages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{}", "localhost:{}", "[::1]:{}", "localhost", "127.0.0.1", "[::1]", "LocalHost:{}"]
)
def test_the_names_of_this_machine_are_answered_to(served: Serving, host: str) -> None:
    assert asked(served, host=host.format(port_of(served))).status_code == 200


OTHERS = """evil.example:{} evil.example localhost.evil.example:{} 127.0.0.1.nip.io:{} :{} ::1 [ []:1 [::2]:{}
    0.0.0.0:{} 127.0.0.2:{} localhost:x@evil.example localhost. 2130706433:{} ][ localhost:123456 127.0.0.1:-1"""


@pytest.mark.parametrize("host", ["", *OTHERS.split()])
def test_another_name_is_not(served: Serving, host: str) -> None:
    """A name of somebody else's that points here now: the page that asks is theirs."""
    answer = asked(served, host=host.format(port_of(served)))
    assert answer.status_code in (400, 403)


def test_a_request_without_a_name_is_refused(served: Serving) -> None:
    for version in (b"1.0", b"1.1"):
        answer = raw(served, b"GET /api/runs HTTP/" + version + b"\r\nConnection: close\r\n\r\n")
        assert answer.split(b" ")[1] in (b"400", b"403")


ORIGINS = """http://evil.example null http://localhost http://localhost:1 http://127.0.0.1.nip.io x http://[ http://[::1
    file:// http://{}@evil.example"""


@pytest.mark.parametrize("origin", ["", *ORIGINS.split()])
def test_what_another_page_asks_is_refused_over_sockets_too(served: Serving, origin: str) -> None:
    host = f"127.0.0.1:{port_of(served)}"
    origin = origin.format(host)
    assert asked(served, origin=origin).status_code == 403
    for path in ("events", "decode?run=one"):
        with pytest.raises(InvalidStatus, match="403"), connect(f"ws://{host}/api/{path}", origin=origin, proxy=None):  # type: ignore
            pass


def test_a_socket_must_say_which_page_opened_it(served: Serving) -> None:
    host = f"127.0.0.1:{port_of(served)}"
    with pytest.raises(InvalidStatus, match="403"), connect(f"ws://{host}/api/events", proxy=None):
        pass
    with connect(f"ws://{host}/api/events", origin=f"http://{host}", proxy=None):  # type: ignore[arg-type]
        pass


def test_what_browsers_say_of_where_a_request_comes_from(served: Serving) -> None:
    assert asked(served, sec_fetch_site="same-origin").status_code == 200
    assert asked(served, sec_fetch_site="none").status_code == 200
    for site in ("cross-site", "same-site"):
        assert asked(served, sec_fetch_site=site).status_code == 403
        assert asked(served, sec_fetch_site=site, sec_fetch_mode="no-cors").status_code == 403
        assert asked(served, "/", sec_fetch_site=site, sec_fetch_mode="navigate").status_code == 200
    with httpx.Client(trust_env=False) as http:
        headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        assert http.post(f"{served.address}api/open?run=one", headers=headers).status_code == 403


# -- the token --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def elsewhere(shelf: Path) -> Iterator[Serving]:
    """As it is served where other machines reach it."""
    with Serving(Studio(Shelf(shelf / "runs")), bound("127.0.0.1", 0), TOKEN).in_background() as serving:
        yield serving


def test_who_comes_from_elsewhere_needs_the_token(elsewhere: Serving) -> None:
    host = f"127.0.0.1:{port_of(elsewhere)}"
    for path in (
        "/",
        "/api/runs",
        "/page/main.js",
        "/nobody",
        "/?token=",
        "/?token=wrong",
        "/?token=%ff",
        "/api/runs?token=x",
    ):
        answer = asked(elsewhere, path)
        assert answer.status_code == 401, path
        assert TOKEN not in answer.text
    for cookie in ("isthmus-token=x", "a", "=;=", "isthmus-token", f"other={TOKEN}", "{a}/b@c=1"):
        assert asked(elsewhere, cookie=cookie).status_code == 401
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(f"ws://{host}/api/events", origin=f"http://{host}", proxy=None),
    ):  # type: ignore
        pass


def test_the_token_becomes_a_cookie_and_leaves_the_address(elsewhere: Serving) -> None:
    assert TOKEN in elsewhere.address
    answer = asked(elsewhere, f"/?token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    said = answer.headers["set-cookie"]
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in said.split(";")[1:]}
    cookie = said.split(";")[0]
    assert str(port_of(elsewhere)) in cookie, "a browser has one jar for all ports of a machine"
    assert asked(elsewhere, cookie=cookie).status_code == 200
    for others in (f"bad/name=1; {cookie}", f'{cookie}; json={{"a":1}}', f'q="a; {cookie}; b=c'):
        assert asked(elsewhere, cookie=others).status_code == 200, others
    host = f"127.0.0.1:{port_of(elsewhere)}"
    how: dict[str, Any] = {"origin": f"http://{host}", "additional_headers": {"cookie": cookie}, "proxy": None}
    with connect(f"ws://{host}/api/events", **how):
        pass
    assert asked(elsewhere, cookie=cookie, origin="http://evil.example").status_code == 403
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        shown = browser.get(elsewhere.address)
        assert shown.status_code == 200
        assert TOKEN not in str(shown.url) + shown.text
        assert browser.get(f"http://{host}/api/runs").status_code == 200


def test_only_this_machine_needs_none(monkeypatch: pytest.MonkeyPatch, shelf: Path) -> None:
    from isthmus.studio import serving as module

    told: list[str] = []
    monkeypatch.setattr(module.Serving, "run", lambda self: self.listener.close())
    for host in ("127.0.0.1", "localhost", "0.0.0.0", "127.0.0.2"):
        module.serve(Studio(Shelf(shelf / "runs")), host, 0, False, told.append)
    assert ["token=" in address for address in told] == [False, False, True, True]
    assert len({address.split("token=")[1] for address in told[2:]}) == 2
    assert len(told[2].split("token=")[1]) >= 30


# -- bodies and paths -------------------------------------------------------------------------------------------------


def test_bodies_are_bounded_also_where_nobody_says_how_long_they_are(served: Serving, client: Client) -> None:
    large = b"\0" * (16 * 2**20 + 4)

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(large), 2**20):
            yield large[start : start + 2**20]

    for path in ("thumbs", "selection.csv", "label", "walk"):
        for body in (large, chunks()):
            try:
                answer = client.http.post(f"/api/{path}", params={"run": "one"}, content=body)
            except httpx.WriteError:  # it is closed before all is sent
                continue
            assert answer.status_code == 413, path
            assert "MB" in answer.json()["what"]
            assert answer.headers["content-security-policy"] == POLICY
    assert client.get("room").status_code == 200


@pytest.mark.parametrize("length", [b"-1", b"x", b"9" * 30, b"\xb2", b"1e3", b"9" * 5000, b"0x10", b""])
def test_a_length_that_is_none_is_refused(served: Serving, length: bytes) -> None:
    text = b"POST /api/thumbs?run=one HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + b"\r\n\r\n"
    assert raw(served, text).split(b" ")[1] in (b"400", b"413")


ELSEWHERE = """/page/../app.py /page/%2e%2e/app.py /page/..%2fapp.py /page/%2e%2e%2fapp.py /page/..%5capp.py
    /page//etc/passwd /page/%2fetc%2fpasswd /page/%00 /page/main.js%00.css /page/ /page //etc/passwd
    /../../../../etc/passwd /page/....//app.py /app.py /page/map /docs /redoc /openapi.json /docs/oauth2-redirect /api
    /api/ /api/docs
    /.git/config"""


@pytest.mark.parametrize("path", [*ELSEWHERE.split(), "/page/\0", "/page/" + "a" * 5000])
def test_nothing_but_the_page_is_handed_out(served: Serving, path: str) -> None:
    answer = raw(
        served, b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert answer.split(b" ")[1] in (b"400", b"404", b"307"), answer[:200]
    assert b"import" not in answer
    assert b"root:" not in answer


PATHS = [
    "../../labels.csv",
    "..",
    ".",
    "/etc/passwd",
    "maps/../../x",
    "..%2f..",
    "C:\\x",
    "a\0b",
    "\udcff",
    "one/.",
    "x" * 9999,
]


@pytest.mark.parametrize("name", PATHS)
def test_no_path_is_made_of_a_name(client: Client, name: str) -> None:
    name = name.encode("utf-8", "replace").decode()
    answers = [
        client.post("open", run=name),
        client.get("room", run=name),
        client.get("map", name=name),
        client.get("map.csv", name=name),
        client.get("map/forming", name=name),
        client.post("map", {"by": name}),
        client.post("map", {"by": "pca", "name": name}),
        client.get("column", name=name),
        client.post("column", name=name),
        client.get("sample", folder=name),
        client.get("sample", folder=f"samples/{name}"),
        client.get("link", other=name),
        client.post("selection.csv", np.arange(2), map=name),
        client.http.post(f"/api/jobs/{quote(name, safe='')}/cancel"),
    ]
    for number, answer in enumerate(answers):
        if number != 4:
            assert 400 <= answer.status_code < 500, (number, answer.text)
        else:
            assert client.numbers(answer)[0]["turn"] == 0
        assert b"onerror" not in answer.content


def test_every_answer_carries_the_policy(served: Serving, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from isthmus.studio.routes import pictures

    def fails(room: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(pictures, "columns_of", fails)
    answers = [
        client.http.get(path) for path in ("/", "/page/main.js", "/page/mark.svg", "/api/runs", "/nobody", "/api/room")
    ]
    answers += [
        client.get("picture", row=1),
        client.get("picture", row=-1),
        client.post("label", {}),
        client.get("about", row=1),
    ]
    answers += [asked(served, host="evil.example"), client.http.options("/api/runs"), client.http.head("/")]
    assert {answer.status_code for answer in answers} == {200, 400, 403, 404, 405, 422, 500}
    for answer in answers:
        assert answer.headers["content-security-policy"] == POLICY, answer.url
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in answer.headers
        assert "ZeroDivisionError" not in answer.text or answer.status_code == 500
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


# -- the page ---------------------------------------------------------------------------------------------------------

FILES = sorted(path for path in PAGE.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_no_file_of_the_page_names_another_host_or_makes_markup_of_text(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8").replace("http://www.w3.org/2000/svg", ""), flags=re.DOTALL)
    assert not re.search(r"(https?|wss?)://(?!\$\{location\.host\})", text)
    assert not re.search(r"""["'`(]//\w""", text), "an address without a scheme"
    forbidden = r"(inner|outer|Adjacent)HTML|document\.write|\beval\(|new Function|DOMParser|createContextualFragment"
    assert not re.search(forbidden, text)
    assert not re.search(r"setTimeout\(\s*[\"'`]|javascript:|srcdoc|\bimport\(", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=\"|\sstyle=\"", text), "a strict policy would not run it"


def test_the_studio_knows_no_pickle_and_no_shell() -> None:
    for path in (Path(isthmus.__file__).parent / "studio").rglob("*.py"):
        assert not re.search(r"pickle|marshal|subprocess|os\.system|allow_pickle=True", path.read_text("utf-8")), path


# -- a run that somebody else has sent --------------------------------------------------------------------------------


@pytest.fixture
def sent(shelf: Path, tmp_path: Path) -> Iterator[tuple[Client, Path]]:
    """A studio on a run that is not open yet, and the folder of the run, to be spoilt first."""
    runs = copied(shelf, tmp_path)
    with (
        Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving,
        Client(serving.address) as made,
    ):
        yield made, runs / "one"


@pytest.mark.parametrize("name", ["labels.jsonl", "cache", "maps", "samples", ".studio", "designs"])
def test_links_that_lead_out_of_a_run_are_not_followed(sent: tuple[Client, Path], tmp_path: Path, name: str) -> None:
    client, run = sent
    outside = tmp_path / "outside"
    if name == "labels.jsonl" or name == ".studio":
        outside.write_text("mine\n")
    else:
        outside.mkdir()
    (run / name).symlink_to(outside)
    job = client.done(client.post("open"))
    assert job["state"] == "failed"
    assert "leads out of the run" in job["error"]["what"]
    assert outside.read_text() == "mine\n" if outside.is_file() else not list(outside.iterdir())


def test_a_table_of_a_map_is_made_and_not_read(sent: tuple[Client, Path], tmp_path: Path) -> None:
    client, run = sent
    client.opened()
    client.done(client.post("map", {"by": "pca"}))
    (tmp_path / "secret").write_text("secret")
    (run / "maps/pca.csv").unlink()
    (run / "maps/pca.csv").symlink_to(tmp_path / "secret")
    assert "secret" not in client.get("map.csv", name="pca").text


def test_a_run_is_not_looked_for_behind_links(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/linked").symlink_to(shelf / "runs/one")
    assert Shelf(tmp_path / "runs").listed() == []


CODES: list[Any] = [
    torch.zeros(600, 7),
    torch.zeros(600),
    torch.tensor(1.0),
    torch.zeros(600, 4, dtype=torch.int64),
    torch.zeros(600, 2, 2),
    torch.full((600, 4), torch.nan),
    torch.zeros(3, 4),
    None,
]


@pytest.mark.parametrize("codes", CODES, ids=lambda codes: str(None if codes is None else tuple(codes.shape)))
def test_codes_that_do_not_fit_are_made_anew(sent: tuple[Client, Path], codes: Any) -> None:
    client, run = sent
    client.opened()
    found, about = load_tensors(Run(run), "cache/codes.safetensors")
    good = found["codes"].clone().numpy()
    held = {"state": json.dumps(about)}
    path = run / "cache/codes.safetensors"
    if codes is None:
        path.write_bytes(b"\xff" * 100)
    else:
        save_file({"codes": codes}, path, held)
    again = Serving(Studio(Shelf(run.parent)), bound("127.0.0.1", 0))
    with again.in_background(), Client(again.address) as other:
        other.opened()
        assert np.array_equal(again.studio.room("one").codes, good)


def spoilt(text: dict[str, Any]) -> list[tuple[str, Any]]:
    huge = 10**400
    return [
        ("method", 3),
        ("method", "nobody"),
        ("method", {"a": 1}),
        ("method", "_projection"),
        ("fields", [1]),
        ("fields", {"nobody": 1}),
        ("fields", None),
        ("of", []),
        ("of", "pixels"),
        ("seed", "x"),
        ("seed", huge),
        ("scores", None),
        ("scores", [1, 2]),
        ("scores", {"n": 1e999}),
        ("scores", text["scores"] | {"n": huge}),
        ("scores", text["scores"] | {"n": float("inf")}),
        ("scores", text["scores"] | {"trustworthiness": float("nan")}),
        ("scores", text["scores"] | {"knn": {"value": huge, "low": 0, "high": 1}}),
        ("scores", text["scores"] | {"knn": {"value": "<b>", "low": 0, "high": 1}}),
        ("distilled", "yes"),
        ("weights", None),
        ("", "[" * 100_000),
        ("", "{"),
        ("", "null"),
    ]


@pytest.fixture(scope="module")
def mapped(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two maps."""
    runs = copied(shelf, tmp_path_factory.mktemp("mapped"))
    with (
        Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving,
        Client(serving.address) as client,
    ):
        client.opened()
        for asked in ({"by": "pca"}, {"by": "umap", "fields": {"epochs": 20}}):
            assert client.done(client.post("map", asked))["state"] == "done"
    return runs


def looked_at(client: Client, name: str, how: tuple[str, ...] = ("map", "walk")) -> None:
    """What shows a map, or moves on it: an answer or a sentence, nothing else."""
    answers = [
        *([client.get("map", name=name)] if "map" in how else []),
        *([client.post("walk", {"map": name, "points": [[0, 0], [1, 1]]})] if "walk" in how else []),
        *([client.post("selection.csv", np.arange(3), map=name)] if "table" in how else []),
    ]
    assert all(answer.status_code < 500 for answer in answers), [
        answer.text[:200] for answer in answers if answer.status_code >= 500
    ]
    assert all(answer.json()["what"] for answer in answers if answer.status_code >= 400)


def test_descriptions_of_maps_with_nonsense_in_them(mapped: Path, tmp_path: Path) -> None:
    runs = copied(mapped.parent, tmp_path)
    path = runs / "one/maps/pca.json"
    good = json.loads(path.read_text())
    with (
        Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving,
        Client(serving.address) as client,
    ):
        client.opened()
        for number, (name, value) in enumerate(spoilt(good)):
            path.write_text(value if not name else json.dumps(good | {name: value}))
            looked_at(client, "pca", ("walk",) if number % 4 else ("map", "table"))
        path.write_text(json.dumps(good))
        looked_at(client, "pca")
        assert client.get("map", name="pca").status_code == 200


def test_arrays_of_maps_with_nonsense_in_them(mapped: Path, tmp_path: Path) -> None:
    runs = copied(mapped.parent, tmp_path)
    with (
        Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving,
        Client(serving.address) as client,
    ):
        client.opened()
        for name in ("pca", "umap"):
            path = runs / f"one/maps/{name}.safetensors"
            mapped_in, state = load_tensors(Run(runs / "one"), f"maps/{name}.safetensors")
            tensors = {key: value.clone() for key, value in mapped_in.items()}
            for key, good in tensors.items():
                for bad in (good[:1], good.double() * 1e300, torch.zeros(3, 3), None):
                    kept = {k: v for k, v in tensors.items() if k != key}
                    held = kept if bad is None else kept | {key: bad.contiguous()}
                    save_file({k: v.clone() for k, v in held.items()}, path, {"state": json.dumps(state)})
                    shutil.copystat(path, runs / f"one/maps/{name}.json")
                    (runs / f"one/maps/{name}.json").touch()
                    looked_at(client, name)
            path.write_bytes(b"")
            (runs / f"one/maps/{name}.json").touch()
            looked_at(client, name)


SPOILT_RUNS: list[tuple[str, Any]] = [
    ("model", {"folder": "models", "name": "nobody", "params": {}}),
    ("model", {"folder": "cli", "name": "studio", "params": {}}),
    ("model", {"folder": "../x", "name": "vae", "params": {}}),
    ("model", {}),
    ("model", 3),
    ("fitted", {}),
    ("fitted", {"shape": "x"}),
    ("data", None),
    ("data", {"kind": "set", "name": "../../etc"}),
    ("data", {"relative_path": "/dev/null"}),
    ("data", {"relative_path": 3, "options": [1]}),
    ("data", {"relative_path": "../../pictures", "options": {"nobody": 1}}),
    ("remarks", "\ud800<b>"),
    ("remarks", {"a": float("nan")}),
]


def test_descriptions_of_runs_with_nonsense_in_them(shelf: Path, tmp_path: Path) -> None:
    runs = copied(shelf, tmp_path)
    good = json.loads((runs / "one/run.json").read_text())
    for number, (name, value) in enumerate(SPOILT_RUNS):
        shutil.copytree(runs / "one", runs / f"spoilt{number}")
        (runs / f"spoilt{number}/run.json").write_text(json.dumps(good | {name: value}))
    with (
        Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0)).in_background() as serving,
        Client(serving.address) as client,
    ):
        assert len(client.http.get("/api/runs").json()["runs"]) == len(SPOILT_RUNS) + 1
        for number, (name, value) in enumerate(SPOILT_RUNS):
            job = client.done(client.post("open", run=f"spoilt{number}"))
            told = f"{name} {value}: {job}"
            if job["state"] == "done":
                assert client.get("room", run=f"spoilt{number}").status_code == 200, told
            else:
                assert "something unexpected" not in job["error"]["what"], told


def test_no_run_writes_beside_itself(sent: tuple[Client, Path], tmp_path: Path) -> None:
    client, run = sent
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if run not in path.parents)
    client.opened()
    client.desk(blank=True)
    client.post("label", {"rows": [1], "label": "../../x"}).raise_for_status()
    client.done(client.post("map", {"by": "pca", "name": "a..b"}))
    client.done(client.post("sample", np.arange(20), n=2))
    after = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if run not in path.parents)
    assert before == after
    assert logged(run.parent)[0]["label"] == "../../x"
