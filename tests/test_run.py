"""The run folder: written whole or not at all, read without executing anything, one writer at a time."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus import PCA, VAE, Record, Run, load, resume
from isthmus.errors import DataError, RunError, UsageError
from isthmus.files import write_atomically
from isthmus.images.pictures import Pictures
from isthmus.nets.mlp import MLP
from isthmus.run import FORMAT
from isthmus.train.checkpoint import load_tensors, save_tensors


@pytest.fixture
def finished(tmp_path: Path, digits: np.ndarray) -> Path:
    VAE(net=MLP(hidden=(32,)), latent=2, epochs=2, precision="float32").fit(digits[:60], run=tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def unfinished(tmp_path: Path, digits: np.ndarray) -> Path:
    """A run that somebody stopped after its fifth move."""
    from isthmus.train.watchers import Watcher

    class Stop(Watcher):
        def on_step(self, done: int) -> None:
            if done == 5:
                os.kill(os.getpid(), signal.SIGINT)

    model = VAE(net=MLP(hidden=(32,)), latent=2, epochs=4, batch_size=16, precision="float32")
    with pytest.raises(KeyboardInterrupt):
        model.fit(digits[:60], run=tmp_path / "half", watchers=[Stop()])
    return tmp_path / "half"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# -- what it holds ----------------------------------------------------------------------------------------------------


def test_a_finished_run_holds_plain_files_and_no_checkpoint(finished: Path) -> None:
    assert {path.name for path in finished.iterdir()} == {".lock", "history.jsonl", "run.json", "weights.safetensors"}
    described = json.loads((finished / "run.json").read_text("utf-8"))
    assert described["format"] == FORMAT
    assert described["status"] == "done"
    assert described["model"]["params"]["net"]["params"]["hidden"] == [32]
    assert described["precision"] == "float32"
    assert described["threads"] == 1
    lines = Run(finished).read_lines("history.jsonl")
    assert [line["epoch"] for line in lines] == [1, 2]
    assert {"loss", "distortion", "kl"} <= set(lines[0]["players"]["vae"])


def test_a_split_is_kept_by_id_and_found_again(tmp_path: Path, digits: np.ndarray) -> None:
    from isthmus.models._loading import splits_of

    held = Pictures.from_array(
        digits[:6, None], ids=np.array(["a", 'b "q".png', "c,d", "e\nf", "ä", "ö/ü"], dtype=object)
    )
    held.split = np.array(["train", "test", "train", "validation", "train", "train"], dtype=object)
    PCA(latent=1).fit(held, run=tmp_path)
    np.testing.assert_array_equal(splits_of(Run(tmp_path), held), held.split)
    back = held.take(np.arange(5, -1, -1))
    np.testing.assert_array_equal(splits_of(Run(tmp_path), back), held.split[::-1])
    with pytest.raises(DataError, match="not those"):
        splits_of(Run(tmp_path), held.take(np.arange(5)))


def test_records_are_the_same_everywhere(tmp_path: Path) -> None:
    Run(tmp_path).record(Record("MSE", 0.5, (0.4, 0.6), 100, "test", "digits", 0, "isthmus evaluate RUN"))
    (line,) = Run(tmp_path).read_lines("metrics.jsonl")
    assert list(line) == ["name", "value", "interval", "n", "split", "data", "seed", "command", "machine"]
    assert line["machine"]


# -- whole or not at all ----------------------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically(tmp_path / "file", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for broken in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, broken, full)
            with pytest.raises(RunError, match=r"file cannot be written \(No space left on device\)\. Free some space"):
                write_atomically(tmp_path / "file", b"new")
    assert contents(tmp_path) == {"file": b"old"}


def test_what_a_killed_writer_left_is_swept_up_by_the_next(finished: Path) -> None:
    (finished / ".weights.safetensors-x7.part").write_bytes(b"half")
    (finished / "mine.part").write_bytes(b"kept")
    with Run(finished).writing():
        pass
    assert not (finished / ".weights.safetensors-x7.part").exists()
    assert (finished / "mine.part").exists()


def test_a_torn_last_line_is_left_out_and_makes_way(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.append("lines.jsonl", {"a": 1, "text": "\u2028 and \x85 are no line ends"})
    with open(tmp_path / "lines.jsonl", "ab") as file:
        file.write(b'{"a": 2, "b"')
    assert [line["a"] for line in run.read_lines("lines.jsonl")] == [1]
    run.append("lines.jsonl", {"a": 3})
    assert [line["a"] for line in run.read_lines("lines.jsonl")] == [1, 3]
    (tmp_path / "lines.jsonl").write_bytes(b'{"a": 1}\nnot json\n{"a": 2}\n')
    with pytest.raises(RunError, match=r"line 2, is not JSON"):
        run.read_lines("lines.jsonl")


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
def test_a_disk_that_fills_up_in_the_middle_of_training_is_one_sentence_and_nothing_is_lost(unfinished: Path) -> None:
    """No file may grow beyond 10 kB: smaller than a checkpoint, larger than what is written before it."""
    before = contents(unfinished)
    program = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from sklearn.datasets import load_digits
from isthmus import resume
from isthmus.errors import RunError
resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
try:
    resume({str(unfinished)!r}, load_digits().images[:60].astype("uint8"))
except RunError as error:
    print(error)
    sys.exit(error.exit_code)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "safetensors cannot be written" in done.stdout
    assert "what was already written is whole" in done.stdout
    after = contents(unfinished)
    assert after["checkpoint.safetensors"] == before["checkpoint.safetensors"]
    assert not [name for name in after if name.endswith(".part")]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, digits: np.ndarray) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        PCA(latent=1).fit(digits[:10], run=tmp_path / "file" / "run")
    if os.geteuid() != 0:
        (tmp_path / "shut").mkdir(mode=0o500)
        with pytest.raises(RunError, match="Permission denied"):
            PCA(latent=1).fit(digits[:10], run=tmp_path / "shut" / "run")


# -- one writer, no overwriting ---------------------------------------------------------------------------------------


def test_a_second_writer_is_refused_and_the_lock_dies_with_its_process(tmp_path: Path, digits: np.ndarray) -> None:
    program = f"""
import sys
from isthmus.run import Run
with Run({str(tmp_path)!r}).writing():
    print("holding", flush=True)
    sys.stdin.read()
"""
    holder = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"holding\n"
        with pytest.raises(RunError, match="another process is writing"):
            PCA(latent=1).fit(digits[:10], run=tmp_path)
    finally:
        holder.kill()
        holder.communicate()
    PCA(latent=1).fit(digits[:10], run=tmp_path)


def test_neither_a_finished_nor_an_unfinished_run_is_overwritten(
    finished: Path, unfinished: Path, digits: np.ndarray
) -> None:
    for folder, message in ((finished, "finished run"), (unfinished, "unfinished run")):
        before = contents(folder)
        with pytest.raises(UsageError, match=message):
            VAE(latent=2, epochs=1).fit(digits[:60], run=folder)
        assert contents(folder) == before


# -- reading what is damaged, foreign or missing ----------------------------------------------------------------------


def test_a_run_that_is_not_there_or_is_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run folder"):
        load(tmp_path / "nothing")
    with pytest.raises(RunError, match="not a run folder"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("version", "remedy"), [(FORMAT + 1, "Upgrade isthmus"), (0, "Fit the model again"), (None, "Fit the model again")]
)
def test_another_format_is_refused_with_what_to_do(finished: Path, version: int | None, remedy: str) -> None:
    described = json.loads((finished / "run.json").read_text("utf-8"))
    (finished / "run.json").write_text(json.dumps(described | {"format": version}), "utf-8")
    with pytest.raises(RunError, match=f"run format {version}.*{remedy}"):
        load(finished)


@pytest.mark.parametrize("text", ["", "{", '{"format": 1}', "[1, 2]", "\x00\x01", '{"format": 1, "model": {}}'])
def test_a_damaged_description_is_one_sentence(finished: Path, text: str) -> None:
    (finished / "run.json").write_text(text, "utf-8")
    with pytest.raises(RunError):
        load(finished)


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1])
def test_weights_cut_short_are_said_to_be(finished: Path, keep: int) -> None:
    whole = (finished / "weights.safetensors").read_bytes()
    (finished / "weights.safetensors").write_bytes(whole[:keep])
    with pytest.raises(RunError, match=r"weights\.safetensors is damaged.*Restore it"):
        load(finished)


def test_weights_that_are_missing_or_another_model_s(finished: Path) -> None:
    run = Run(finished)
    save_tensors(run, "weights.safetensors", {"stranger": torch.zeros(3)}, {})
    with pytest.raises(RunError, match="do not fit its model"):
        load(finished)
    (finished / "weights.safetensors").unlink()
    with pytest.raises(RunError, match=r"has no weights\.safetensors"):
        load(finished)


def test_a_safetensors_file_of_somebody_else_is_said_to_be(tmp_path: Path) -> None:
    from safetensors.torch import save

    (tmp_path / "weights.safetensors").write_bytes(save({"a": torch.zeros(2)}))
    with pytest.raises(RunError, match="damaged"):
        load_tensors(Run(tmp_path), "weights.safetensors")


@pytest.mark.parametrize("keep", [0, 8, 200, -1])
def test_a_checkpoint_cut_short_is_said_to_be(unfinished: Path, digits: np.ndarray, keep: int) -> None:
    whole = (unfinished / "checkpoint.safetensors").read_bytes()
    (unfinished / "checkpoint.safetensors").write_bytes(whole[:keep])
    with pytest.raises(RunError, match=r"checkpoint\.safetensors is damaged"):
        resume(unfinished, digits[:60])


# -- going on ---------------------------------------------------------------------------------------------------------


def test_an_unfinished_run_says_how_to_go_on(unfinished: Path) -> None:
    with pytest.raises(RunError, match=r"has not finished training\. Continue it: isthmus fit --resume"):
        load(unfinished)


def test_resuming_what_is_finished_changes_nothing(finished: Path, digits: np.ndarray) -> None:
    before = contents(finished)
    model = resume(finished)
    np.testing.assert_array_equal(model.transform(digits[:5]), load(finished).transform(digits[:5]))
    assert contents(finished) == before


def test_resuming_on_other_pictures_is_refused(unfinished: Path, digits: np.ndarray) -> None:
    changed = digits[:60].copy()
    changed[17, 3, 3] += 1
    for others in (digits[:59], digits[1:61], digits[:60][::-1], changed):
        with pytest.raises(DataError, match="not those that"):
            resume(unfinished, others)
    with pytest.raises(DataError, match="labels"):
        resume(unfinished, digits[:60], np.arange(60) % 3)
    with pytest.raises(RunError, match="does not say where its pictures are"):
        resume(unfinished)
    assert resume(unfinished, digits[:60]).latent == 2


def test_a_torn_history_is_mended_by_going_on(unfinished: Path, digits: np.ndarray, tmp_path: Path) -> None:
    with open(unfinished / "history.jsonl", "ab") as file:
        file.write(b'{"phase": "fit", "epo')
    resume(unfinished, digits[:60])
    assert [line["epoch"] for line in Run(unfinished).read_lines("history.jsonl")] == [1, 2, 3, 4]


def test_a_run_stopped_before_its_first_checkpoint_starts_anew(unfinished: Path, digits: np.ndarray) -> None:
    (unfinished / "checkpoint.safetensors").unlink()
    model = resume(unfinished, digits[:60])
    again = VAE(net=MLP(hidden=(32,)), latent=2, epochs=4, batch_size=16, precision="float32").fit(digits[:60])
    np.testing.assert_array_equal(model.transform(digits[:60]), again.transform(digits[:60]))
    assert len(Run(unfinished).read_lines("history.jsonl")) == 4


def test_a_crash_between_the_weights_and_the_word_done_is_no_loss(
    tmp_path: Path, digits: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Run.write_json

    def dying(run: Run, name: str, content: dict[str, object]) -> None:
        if content.get("status") == "done":
            raise KeyboardInterrupt
        real(run, name, content)

    how = {"net": MLP(hidden=(32,)), "latent": 2, "epochs": 2, "precision": "float32"}
    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_json", dying)
        with pytest.raises(KeyboardInterrupt):
            VAE(**how).fit(digits[:60], run=tmp_path)
    model = resume(tmp_path, digits[:60])
    np.testing.assert_array_equal(model.transform(digits[:9]), VAE(**how).fit(digits[:60]).transform(digits[:9]))
    assert Run(tmp_path).read_json("run.json")["status"] == "done"
