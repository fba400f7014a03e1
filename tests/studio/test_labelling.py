"""Labels: on the disk before the reply, learnt from, taken back, and there after whatever happens."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from asking import MARKUP, PICTURES, Client, copied, logged, waits
from websockets.sync.client import connect

from isthmus.images.label_log import LabelLog
from isthmus.studio.app import Studio
from isthmus.studio.serving import Serving
from isthmus.studio.shelf import Shelf
from isthmus.web.listening import bound


@contextlib.contextmanager
def heard(client: Client, seen: list[dict[str, Any]]) -> Iterator[None]:
    """All events of the desk while the block lasts."""
    address = client.address.replace("http", "ws")
    with connect(f"{address}api/events", origin=client.address.rstrip("/"), proxy=None) as events:  # type: ignore

        def hear() -> None:
            with contextlib.suppress(Exception):
                while True:
                    seen.append(json.loads(events.recv()))

        thread = threading.Thread(target=hear)
        thread.start()
        yield
    thread.join(5)


def of_desk(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in seen if event["kind"] == "desk"]


def learnt(state: dict[str, Any]) -> int:
    return int(state["curve"][-1]["labels"])


def truth(own: Client) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The names of the classes, the class of each picture, and which are held out."""
    header, arrays = own.numbers(own.get("column", name="label"))
    split, parts = own.numbers(own.get("column", name="split"))
    return header["names"], arrays["values"], parts["values"] == split["names"].index("test")


def test_a_label_is_on_the_disk_when_the_reply_comes(own: Client, tmp_path: Path) -> None:
    before = own.desk()
    assert before["labels"] == PICTURES
    for number in range(5):
        told = own.post("label", {"rows": [number], "label": " new " if number % 2 else MARKUP}).json()
        lines = logged(tmp_path / "runs")
        assert len(lines) == number + 1
        assert lines[-1]["label"] == ("new" if number % 2 else MARKUP)
        assert told["given"] == number + 1
    assert told["classes"] == [*before["classes"], "new"]
    assert told["counts"][-1] == 2
    about = own.get("about", row=1).json()
    assert about["values"]["label"] == "new"
    table = list(csv.DictReader(io.StringIO(own.get("labels.csv").text)))
    assert table[1] == {"id": "d/0001.png", "label": "new"}
    assert len(table) == PICTURES


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "\u0000", "\u202egnp", "\ud800"])
def test_what_is_no_name_is_not_written(own: Client, tmp_path: Path, name: str) -> None:
    own.desk()
    body = json.dumps({"rows": [1], "label": name}).encode()
    answer = own.http.post("/api/label?run=one", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert logged(tmp_path / "runs") == []


@pytest.mark.parametrize("rows", [[], [-1], [PICTURES], [10**30], [1, -(10**30)], ["x"], [1.5], None])
def test_rows_that_are_none_are_not_written(own: Client, tmp_path: Path, rows: Any) -> None:
    own.desk()
    assert own.post("label", {"rows": rows, "label": "a"}).status_code in (400, 422)
    assert logged(tmp_path / "runs") == []


def test_undo_takes_back_all_that_was_labelled_at_once(own: Client, tmp_path: Path) -> None:
    state = own.desk(blank=True)
    assert (state["labels"], state["given"]) == (0, 0)
    own.post("label", {"rows": [1], "label": "a"})
    own.post("label", {"rows": list(range(2, 9)), "label": "b"})
    told = own.post("label/undo").json()
    assert sorted(told["rows"]) == list(range(2, 9))
    assert told["labels"] == 1
    told = own.post("label/undo").json()
    assert (told["rows"], told["labels"]) == ([1], 0)
    assert own.post("label/undo").json()["rows"] == []
    own.post("label", {"rows": [3], "label": "a"})
    own.post("label", {"rows": [3], "label": None})
    assert own.get("desk").json()["labels"] == 0
    assert own.post("label/undo").json()["labels"] == 1
    assert LabelLog(tmp_path / "runs/one/labels.jsonl").labels() == {"d/0003.png": "a"}


def test_the_curve_grows_and_held_out_pictures_are_never_learnt_from(own: Client, tmp_path: Path) -> None:
    names, labels, held = truth(own)
    assert held.sum() == 150
    own.desk(blank=True)
    train = [np.flatnonzero(~held & (labels == c)) for c in range(len(names))]
    for turn in (0, 3, 6):
        for c, rows in enumerate(train):
            told = own.post("label", {"rows": rows[turn : turn + 3].tolist(), "label": names[c]}).json()
        count = (turn + 3) * len(names)
        state = waits(
            lambda count=count: (s := own.get("desk").json())["curve"][-1:] and s["curve"][-1]["labels"] == count and s
        )
    curve = state["curve"]
    assert [point["labels"] for point in curve] == sorted({point["labels"] for point in curve})
    assert curve[-1]["value"] > 0.5
    assert curve[-1]["value"] > curve[0]["value"]
    assert all(point["low"] <= point["value"] <= point["high"] for point in curve)
    assert state["judged"] == "held-out pictures"
    # What is said of held-out pictures is written, shown, and changes nothing that was learnt.
    wrong = {int(row): names[(labels[row] + 1) % len(names)] for row in np.flatnonzero(held)}
    for name in names:
        rows = [row for row, said in wrong.items() if said == name]
        told = own.post("label", {"rows": rows, "label": name}).json()
    assert told["labels"] == count + held.sum()
    state = waits(lambda: (s := own.get("desk").json())["version"] > told["version"] and s)
    assert state["curve"][-1]["labels"] == count, "nobody learnt from them"
    assert state["curve"][-1]["value"] > 0.5, "they are judged by what they came with"
    shown = own.numbers(own.get("column", name="prediction"))[1]["values"]
    assert np.mean([shown[row] == names.index(said) for row, said in wrong.items()]) < 0.5
    assert not held[[one["row"] for one in state["next"]]].any(), "nobody is asked for them either"
    assert len(logged(tmp_path / "runs")) == count + held.sum()


def test_the_last_event_is_of_the_last_label_however_fast_they_come(own: Client) -> None:
    names, labels, held = truth(own)
    free = np.flatnonzero(~held)[:60]
    seen: list[dict[str, Any]] = []
    with heard(own, seen):
        own.desk(blank=True)
        for row in free:
            told = own.post("label", {"rows": [int(row)], "label": names[labels[row]]}).json()
        last = waits(lambda: (e := of_desk(seen)) and e[-1]["version"] == len(free) + 1 and e[-1])
    versions = [event["version"] for event in of_desk(seen)]
    assert versions == sorted(versions)
    assert last["labels"] == told["labels"] == len(free)
    assert last["curve"][-1]["labels"] == len(free)


def test_many_hands_at_once_lose_nothing(own: Client, tmp_path: Path) -> None:
    own.desk(blank=True)

    def give(hand: int) -> None:
        with Client(own.address) as client:
            for turn in range(10):
                client.post("label", {"rows": [hand * 10 + turn], "label": f"class {hand}"}).raise_for_status()

    threads = [threading.Thread(target=give, args=(hand,)) for hand in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(logged(tmp_path / "runs")) == 60
    state = own.get("desk").json()
    assert state["labels"] == 60
    assert sorted(state["classes"])[-6:] == [f"class {hand}" for hand in range(6)]
    state = waits(lambda: (s := own.get("desk").json())["version"] == 61 and s)
    rows = own.numbers(own.get("column", name="label"))
    assert [rows[0]["names"][i] for i in rows[1]["values"][:60:10]] == [f"class {hand}" for hand in range(6)]


def test_what_fails_while_learning_is_told_and_the_next_label_is_learnt(
    own: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from isthmus.studio import desk as module

    names, labels, held = truth(own)
    free = np.flatnonzero(~held)
    seen: list[dict[str, Any]] = []

    def fails(*asked: Any) -> Any:
        raise ZeroDivisionError

    with heard(own, seen):
        own.desk(blank=True)
        with monkeypatch.context() as patch:
            patch.setattr(module, "Classifier", fails)
            patch.setattr(module, "suggest", fails)
            for row in free[:20]:
                own.post("label", {"rows": [int(row)], "label": names[labels[row]]}).raise_for_status()
            waits(lambda: any("unexpected" in event["note"] for event in of_desk(seen)))
        told = own.post("label", {"rows": [int(free[30])], "label": names[labels[free[30]]]}).json()
        waits(lambda: (s := own.get("desk").json())["curve"] and s["version"] > told["version"] and s["next"])
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_desk_can_begin_anew_with_and_without_the_labels_there_were(own: Client) -> None:
    assert own.desk(blank=False)["labels"] == PICTURES
    waits(lambda: own.get("desk").json()["curve"])
    state = own.desk(blank=True)
    assert (state["labels"], state["blank"], state["curve"]) == (0, True, [])
    own.post("label", {"rows": [1], "label": "a"})
    shown = lambda: own.numbers(own.get("column", name="prediction"))[1]["values"]  # noqa: E731
    waits(lambda: (shown() == -1).all())  # of one class nothing can be learnt
    assert own.desk(blank=False)["labels"] == PICTURES
    assert own.get("desk").json()["given"] == 1


def test_two_studios_on_one_run_the_second_is_told_and_takes_over_when_the_first_ends(
    own: Client, tmp_path: Path
) -> None:
    second = Serving(Studio(Shelf(tmp_path / "runs")), bound("127.0.0.1", 0))
    first = waits(lambda: own)
    first.desk(blank=True)
    with second.in_background(), Client(second.address) as other:
        room = other.opened()
        assert not room["alone"]
        assert any("another studio" in note for note in room["notes"])
        other.desk(blank=True)
        for answer in (other.post("label", {"rows": [1], "label": "a"}), other.post("label/undo")):
            assert answer.status_code == 409
            assert "another studio" in answer.json()["what"]
        assert logged(tmp_path / "runs") == []
        assert other.get("picture", row=1).status_code == 200
        first.post("label", {"rows": [1], "label": "a"}).raise_for_status()


def test_the_lock_is_given_back(shelf: Path, tmp_path: Path) -> None:
    runs = copied(shelf, tmp_path)
    second = Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0))
    with second.in_background(), Client(second.address) as other:
        first = Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0))
        with first.in_background(), Client(first.address) as one:
            one.opened()
            assert not other.opened()["alone"]
        room = other.opened()
        assert room["alone"]
        assert room["notes"] == []
        other.desk(blank=True)
        assert other.post("label", {"rows": [1], "label": "a"}).status_code == 200


GARBAGE = [
    b"no json\n",
    b"[" * 100_000 + b"\n",
    b'{"id": 3, "label": "a"}\n',
    b'{"undo": -1}\n',
    b'{"undo": true}\n',
    b'{"undo": 1e999}\n',
    b"\xff\xfe\n",
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_log_that_somebody_else_wrote_into_is_refused_with_a_sentence(
    own: Client, tmp_path: Path, garbage: bytes
) -> None:
    log = tmp_path / "runs/one/labels.jsonl"
    log.write_bytes(garbage)
    job = own.done(own.post("desk", blank=True))
    if job["state"] == "failed":
        assert "unexpected" not in job["error"]["what"], job
        assert log.read_bytes() == garbage
        assert own.get("desk").status_code == 400
    else:
        assert own.get("desk").json()["given"] == 0


def test_a_log_with_odd_names_harms_nobody(own: Client, tmp_path: Path) -> None:
    lines = [{"id": f"d/{row:04}.png", "label": f"class {row}"} for row in range(1, 300)]
    lines += [
        {"id": "nobody", "label": "b"},
        {"id": "d/0301.png", "label": ""},
        {"id": "d/0302.png", "label": "\ud800"},
    ]
    lines += [{"id": "d/0303.png", "label": "x" * 100_000}, {"undo": 10**18}, {"id": "d/0304.png", "label": "\ud800\n"}]
    log = tmp_path / "runs/one/labels.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"id": "d/0305.png", "lab')
    state = own.desk(blank=True)
    assert state["given"] == 1
    assert own.post("label", {"rows": [5], "label": "fine"}).json()["given"] == 2
    assert own.get("labels.csv").status_code == 200
    assert own.get("column", name="label").status_code == 200
    assert own.get("about", row=304).status_code == 200


def test_every_label_that_was_acknowledged_survives_a_kill(shelf: Path, tmp_path: Path) -> None:
    runs = copied(shelf, tmp_path)
    env = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "isthmus", "studio", str(runs), "--port", "0", "--no-browser"]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        acknowledged: dict[str, str] = {}
        killer = threading.Thread(target=lambda: (waits(lambda: len(acknowledged) >= 15), process.kill()))
        with Client(address) as client:
            client.opened()
            client.desk(blank=True)
            killer.start()
            with contextlib.suppress(httpx.HTTPError):
                for number in range(100_000):
                    row = 1 + number % (PICTURES - 1)
                    client.post("label", {"rows": [row], "label": f"name {number % 7}"}).raise_for_status()
                    acknowledged[f"d/{row:04}.png"] = f"name {number % 7}"
        killer.join()
        process.wait(10)
    assert process.returncode == -signal.SIGKILL
    assert len(acknowledged) >= 15
    found = LabelLog(runs / "one/labels.jsonl").labels()
    one_more = {name: label for name, label in found.items() if acknowledged.get(name) != label}
    assert len(one_more) <= 1, "but for the one that was written and not acknowledged any more"
    assert set(acknowledged) <= set(found)
    again = Serving(Studio(Shelf(runs)), bound("127.0.0.1", 0))
    with again.in_background(), Client(again.address) as client:
        assert client.opened()["alone"], "the lock died with the process"
        assert client.desk(blank=True)["labels"] == len(found)
