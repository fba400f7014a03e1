"""Whatever is sent, the answer is a sentence and the server goes on; who is not known is told nothing."""

import io
import json
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from isthmus.cli import main
from isthmus.serve.service import Limits, Service
from isthmus.serve.serving import TOKEN, Serving, token_for
from isthmus.web.listening import bound

ROUTES = ("encode", "predict", "decode", "design")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it is that wide and that high."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def npy_header(shape: str, dtype: str = "<f4") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def objects() -> bytes:
    """An array that would need unpickling."""
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
    return file.getvalue()


BODIES: dict[str, tuple[str, bytes]] = {
    "nothing": ("application/json", b""),
    "no kind": ("", b"x"),
    "a form": ("multipart/form-data; boundary=x", b"--x--"),
    "no JSON": ("application/json", b"{"),
    "a list": ("application/json", b"[1, 2]"),
    "deep": ("application/json", b"[" * 100_000),
    "deep numbers": ("application/json", b'{"pictures": ' + b"[" * 900 + b"]" * 900 + b"}"),
    "a number": ("application/json", b'{"pictures": 3, "codes": 3, "want": 3}'),
    "ragged": ("application/json", b'{"pictures": [[1, 2], [3]], "codes": [[1, 2], [3]]}'),
    "words": ("application/json", b'{"pictures": [["a"]], "codes": [["a"]], "want": [1]}'),
    "infinite": ("application/json", b'{"pictures": [[1e999]], "codes": [[1e999, 0, 0, 0]]}'),
    "not finite": (
        "application/json",
        b'{"pictures": [[NaN]], "codes": [[NaN, 0, 0, 0]], "want": "x", "n": NaN}',
    ),
    "huge numbers": ("application/json", b'{"pictures": [[' + b"9" * 5000 + b']], "codes": [[' + b"9" * 5000 + b"]]}"),
    "empty lists": ("application/json", b'{"pictures": [], "codes": [], "want": "", "n": 0}'),
    "half a character": (
        "application/json",
        b'{"want": "\\ud800=1", "codes": [[0, 0, 0, 0]], "classes": "\\ud800"}',
    ),
    "of another size": ("application/json", json.dumps({"pictures": [[[0] * 9] * 9], "codes": [[0] * 5]}).encode()),
    "below zero": ("application/json", json.dumps({"pictures": [[[-1] * 8] * 8], "codes": [["-"]]}).encode()),
    "unknown class": ("application/json", b'{"codes": [[0, 0, 0, 0]], "classes": {"a": 1}, "want": "class=llama"}'),
    "a far seed": ("application/json", b'{"want": "class=3", "seed": 99999999999999999999}'),
    "no array": ("application/x-npy", b"\x93NUMPY"),
    "an array cut short": ("application/x-npy", npy_header("(9, 8, 8)") + b"\0" * 9),
    "an array of terabytes": ("application/x-npy", npy_header("(1000000, 1000, 1000)")),
    "an array of minus many": ("application/x-npy", npy_header("(-1, 8, 8)")),
    "an array past all numbers": ("application/x-npy", npy_header("(4294967296, 4294967296, 4)")),
    "an array of objects": ("application/x-npy", objects()),
    "an array of text": ("application/x-npy", npy_header("(1,)", "<U8") + b"\0" * 32),
    "an array of records": ("application/x-npy", npy_header("(1,)", "|V8") + b"\0" * 8),
    "no picture": ("image/png", b"\x89PNG\r\n\x1a\nxxxx"),
    "a bomb": ("image/png", bomb(50_000)),
    "a picture cut short": ("image/jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
    "a picture of none": ("image/gif", b"GIF89a\x00\x00\x00\x00\x00\x00\x00;"),
    "a page": ("text/html", b"<script>"),
}


@pytest.mark.parametrize("name", BODIES)
def test_nonsense_is_answered_with_a_sentence(http: httpx.Client, name: str) -> None:
    kind, body = BODIES[name]
    for route in ROUTES:
        answer = http.post(f"/{route}", content=body, headers={"content-type": kind})
        assert 400 <= answer.status_code < 500, f"{route}: {answer.status_code} {answer.text}"
        said = answer.json()
        assert set(said) == {"what", "remedy"} and said["what"] and "\n" not in said["what"]
    assert http.get("/health").status_code == 200


def test_random_bytes_never_surprise_it(http: httpx.Client) -> None:
    generator = np.random.default_rng(0)
    whole = [body for _, body in BODIES.values() if 8 < len(body) < 5000]
    for turn in range(300):
        body = bytearray(whole[turn % len(whole)] if turn % 2 else generator.bytes(int(generator.integers(1, 400))))
        for place in generator.integers(0, len(body), 3):
            body[place] = generator.integers(0, 256)
        kind = ("application/json", "application/x-npy", "image/png", "image/tiff", "image/webp")[turn % 5]
        answer = http.post(f"/{ROUTES[turn % 3]}", content=bytes(body), headers={"content-type": kind})
        assert answer.status_code < 500, f"{kind} {bytes(body)!r}: {answer.text}"


def raw(server: Serving, *parts: bytes, seconds: float = 0.2) -> bytes:
    """Sent as it is, whatever library would refuse to send; then hung up."""
    with socket.create_connection(server.listener.getsockname()[:2], timeout=5) as sender:
        for part in parts:
            sender.sendall(part)
        heard, _, _ = select.select([sender], [], [], seconds)
        return sender.recv(65536) if heard else b""


def test_broken_requests_and_those_who_hang_up_do_not_matter(served: Serving, http: httpx.Client) -> None:
    post = b"POST /encode HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-npy\r\n"
    raw(served, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # TLS
    raw(served, b"GET / HTTP/9.9\r\n\r\n")
    raw(served, post + b"content-length: 100\r\n\r\nabc")
    raw(served, post + b"content-length: -1\r\n\r\nabc")
    raw(served, post + b"transfer-encoding: chunked\r\n\r\nzz\r\n")
    raw(served, b"GET /health HTTP/1.1\r\nhost: localhost\r\n" + b"x: " + b"y" * 200_000)
    for _ in range(50):
        raw(served, post, seconds=0)
    assert http.get("/health").status_code == 200


@contextmanager
def serving(folder: Path, **how: Any) -> Iterator[tuple[Serving, httpx.Client]]:
    limits = how.pop("limits", Limits())
    with (
        Serving(Service(folder, limits), bound("127.0.0.1", 0), **how).in_background() as server,
        httpx.Client(base_url=server.address, timeout=60, trust_env=False) as http,
    ):
        yield server, http


def test_limits_are_kept_and_said(folder: Path) -> None:
    picture = np.zeros((8, 8), int).tolist()
    with serving(folder, limits=Limits(body=1 << 20, pictures=3)) as (_, http):
        many = http.post("/encode", json={"pictures": [picture] * 4})
        assert (many.status_code, many.json()["what"]) == (422, "4 pictures are more than 3")
        large = http.post("/encode", content=b"x" * (1 << 20 | 1), headers={"content-type": "image/png"})
        assert large.status_code == 413 and "1 MB" in large.json()["what"]
        streamed = http.post("/encode", content=iter([b"x" * 300_000] * 9), headers={"content-type": "image/png"})
        assert streamed.status_code == 413
        assert http.post("/encode", json={"pictures": [picture] * 3}).status_code == 200


def test_when_too_much_waits_it_says_so_and_when_to_come_back(folder: Path) -> None:
    service, gate = Service(folder, Limits(waiting=2, batch=1)), threading.Event()
    own = service._encoded

    def slow(pixels: np.ndarray) -> tuple[np.ndarray]:
        gate.wait(20)
        return own(pixels)

    service._encoded = slow  # type: ignore[method-assign]
    body, statuses = {"pictures": [np.zeros((8, 8), int).tolist()]}, list[httpx.Response]()
    with Serving(service, bound("127.0.0.1", 0)).in_background() as server:

        def ask() -> None:
            with httpx.Client(base_url=server.address, timeout=60, trust_env=False) as http:
                statuses.append(http.post("/encode", json=body))

        askers = [threading.Thread(target=ask) for _ in range(8)]
        for asker in askers:
            asker.start()
        end = time.monotonic() + 20
        while len(statuses) < 5 and time.monotonic() < end:
            time.sleep(0.01)
        gate.set()
        for asker in askers:
            asker.join()
    refused = [answer for answer in statuses if answer.status_code == 503]
    assert len(refused) == 5 and sum(answer.status_code == 200 for answer in statuses) == 3
    assert all(answer.headers["retry-after"] == "1" and answer.json()["remedy"] for answer in refused)


def test_beyond_this_machine_a_token_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    assert token_for("127.0.0.1", False) is None and token_for("0.0.0.0", True) is None
    made = token_for("0.0.0.0", False)
    assert made and len(made) >= 24 and made != token_for("0.0.0.0", False)
    monkeypatch.setenv(TOKEN, "mine")
    assert token_for("0.0.0.0", False) == token_for("localhost", False) == "mine"
    with serving(folder, token="mine") as (_, http):
        for headers in ({}, {"authorization": "Bearer other"}, {"authorization": "mine"}):
            for path in ("/health", "/metrics", "/model", "/openapi.json"):
                assert http.get(path, headers=headers).status_code == 401
        assert http.get("/model", headers={"authorization": "Bearer mine"}).status_code == 200


def test_pages_of_others_and_names_of_others_are_refused(served: Serving, http: httpx.Client, folder: Path) -> None:
    assert http.get("/model", headers={"host": "evil.example"}).status_code == 403
    assert http.get("/model", headers={"origin": "http://evil.example"}).status_code == 403
    assert http.post("/design", headers={"sec-fetch-site": "cross-site"}, json={"want": "class=3"}).status_code == 403
    with serving(folder, open=True) as (_, behind):
        assert behind.get("/model", headers={"host": "models.example"}).status_code == 200


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_answers_first(folder: Path, way: signal.Signals) -> None:
    words = [sys.executable, "-m", "isthmus", "serve", str(folder), "--port", "0", "--threads", "1"]
    pictures, found = np.zeros((1000, 8, 8), int).tolist(), list[httpx.Response]()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stderr is not None
        address = server.stdout.readline().strip()

        def ask() -> None:
            found.append(httpx.post(f"{address}encode", json={"pictures": pictures}, timeout=60, trust_env=False))

        asker = threading.Thread(target=ask)
        asker.start()
        while "under_way 2" not in httpx.get(f"{address}metrics", trust_env=False).text and asker.is_alive():
            time.sleep(0.001)
        server.send_signal(way)
        asker.join()
        said = server.stderr.read()
    assert server.returncode == 0, said
    assert "Traceback" not in said and "Ctrl-C" in said
    assert found[0].status_code == 200 and np.shape(found[0].json()["codes"]) == (1000, 4)


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (["--port", "70000"], "--port is 70000"),
        (["--body", "0"], "--body is 0"),
        (["--batch", "-1"], "--batch is -1"),
        (["--host", "no.such.host.invalid"], "nothing can be served"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    folder: Path, words: list[str], about: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["serve", str(folder), *words]) != 0
    said = capsys.readouterr().err
    assert about in said and "Traceback" not in said


def test_no_run_and_a_port_that_is_taken(
    folder: Path, served: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(tmp_path)]) != 0
    port = served.listener.getsockname()[1]
    assert main(["serve", str(folder), "--port", str(port)]) != 0
    assert "Choose another --port" in capsys.readouterr().err
