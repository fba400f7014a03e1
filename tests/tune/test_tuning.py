"""Studies of seconds: what they leave, that they go on, and that every trouble is one sentence."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("optuna")

from isthmus import PCA, VAE, Autoencoder, Pictures, cli
from isthmus.errors import DataError, RunError, UsageError
from isthmus.tune import Answer, storage, tune
from isthmus.tune.judging import parted

QUICK: dict[str, Any] = {"net": "mlp", "epochs": 0.5, "batch_size": 16, "precision": "float32"}


@pytest.fixture
def pile(digits: np.ndarray) -> Pictures:
    from sklearn.datasets import load_digits

    return Pictures.from_array(digits[:300, None], load_digits().target[:300], classes=tuple("0123456789"))


def numbers(folder: Path) -> list[int]:
    """Trials that the study told as finished, as Optuna reads its journal."""
    with storage.quiet(None):
        there = storage.join(folder, None)
    assert there is not None
    return [trial.number for trial in there[0].get_trials() if trial.state.name == "COMPLETE"]


def test_a_study_answers_with_its_reason_and_leaves_plain_files(pile: Pictures, tmp_path: Path) -> None:
    answer = tune(VAE(**QUICK), pile, out=tmp_path / "study", trials=5)
    assert isinstance(answer, Answer)
    assert answer.default.default
    assert answer.chosen.measured["error"] <= answer.default.measured["error"]
    assert answer.reason.startswith(f"latent {answer.latent}, beta {answer.beta:g}"[:12])
    study = tmp_path / "study"
    for name in ("study.json", "journal.jsonl", "beside.json", "trials.csv", "answer.json", "plot.png"):
        assert (study / name).stat().st_size > 0
    kept = json.loads((study / "answer.json").read_text())
    assert kept["value"] == answer.latent
    assert len((study / "trials.csv").read_text().splitlines()) == 6
    assert not list((study / "workers").iterdir())
    for row in answer.rows:
        assert row.state in ("finished", "given up")
        assert row.state != "finished" or {"error", "rate", "accuracy", "code", "seconds"} <= set(row.measured)


def test_the_same_call_goes_on_and_adds_nothing_when_all_is_there(pile: Pictures, tmp_path: Path) -> None:
    how: dict[str, Any] = {"out": tmp_path / "study", "fixed": ["latent"], "prune": False}
    first = tune(Autoencoder(**QUICK), pile, trials=1, **how)
    assert first.fresh is None
    later = tune(Autoencoder(**QUICK), pile, trials=3, **how)
    assert [row.number for row in later.rows] == [0, 1, 2]
    assert later.rows[0].measured == first.rows[0].measured
    before = (tmp_path / "study" / "journal.jsonl").read_bytes()
    ended: list[Any] = []
    again = tune(Autoencoder(**QUICK), pile, trials=3, ended=ended.append, **how)
    assert not ended
    assert (again.chosen, again.reason) == (later.chosen, later.reason)
    assert (tmp_path / "study" / "journal.jsonl").read_bytes() == before
    assert (again.fresh is None) == (again.chosen is again.default or again.chosen.default)


def test_the_test_is_never_looked_at_and_the_parts_do_not_meet(pile: Pictures) -> None:
    from isthmus import split

    parts = parted(pile, 3)
    held_out_by_fit = set(pile.ids[split(pile, seed=3) == "test"])
    seen = [set(part.ids) for part in (parts.train, parts.validation, parts.held)]
    assert not set.union(*seen) & held_out_by_fit
    assert sum(map(len, seen)) == len(set.union(*seen)) == len(pile) - len(held_out_by_fit)
    pile.split = np.where(np.arange(300) < 100, "test", "train").astype(object)
    parts = parted(pile)
    assert not {*parts.train.ids, *parts.validation.ids, *parts.held.ids} & set(pile.ids[:100])


def test_trials_are_given_up_and_say_why(pile: Pictures, tmp_path: Path) -> None:
    """A learning rate of almost nothing learns almost nothing: beaten by the default at the same share."""
    model = Autoencoder(**{**QUICK, "epochs": 1.0})
    answer = tune(
        model, pile, out=tmp_path / "s", trials=4, search="learning_rate=1e-9|0.02", fixed=["latent", "width"]
    )
    gone = [row for row in answer.rows if row.state == "given up"]
    assert gone
    assert all("of its steps" in row.why and row.values["learning_rate"] == "1e-9" for row in gone)
    kept = tune(
        model, pile, out=tmp_path / "t", trials=4, search="learning_rate=1e-9|0.02", fixed=["latent"], prune=False
    )
    assert all(row.finished for row in kept.rows)


def test_minutes_shorten_trials_and_end_the_call(pile: Pictures, tmp_path: Path) -> None:
    began = time.monotonic()
    model = Autoencoder(net="mlp", precision="float32")
    answer = tune(model, pile, out=tmp_path / "study", trials=1000, minutes=0.03)
    assert answer.share < 1
    assert time.monotonic() - began < 60
    assert 1 <= len(answer.rows) < 1000


_KILLED = """
import sys
from isthmus import Autoencoder, Pictures
from isthmus.tune import tune
from sklearn.datasets import load_digits
pile = Pictures.from_array(load_digits().images[:300, None].astype("uint8"))
model = Autoencoder(net="mlp", epochs=float(sys.argv[2]), batch_size=16, precision="float32")
tune(model, pile, out=sys.argv[1], trials=30, prune=False, ended=lambda row: print(row.number, flush=True))
"""


def test_a_kill_in_the_middle_loses_no_finished_trial(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    study = tmp_path / "study"
    words = [sys.executable, "-c", _KILLED, str(study), "2"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(2)]
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().split()]
    with open(study / "journal.jsonl", "ab") as file:
        file.write(b'{"op_code": 6, "worker_id": "cut sho')  # as if it had been writing
    finished = numbers(study)
    assert set(told) <= set(finished)
    pile = Pictures.from_array(load_digits().images[:300, None].astype("uint8"))
    model = Autoencoder(net="mlp", epochs=2.0, batch_size=16, precision="float32")
    answer = tune(model, pile, out=study, trials=len(finished) + 1, prune=False)
    assert {row.number for row in answer.rows} >= set(finished)
    assert sum(row.finished for row in answer.rows) == len(finished) + 1
    assert len(numbers(study)) == len(finished) + 1


def test_what_a_dead_process_worked_on_waits_again_and_what_a_living_one_does_is_left(tmp_path: Path) -> None:
    from isthmus.tune.workers import Worker, working

    with storage.quiet(None):
        study = storage.create(tmp_path, None, {"objectives": ["error"]}, [{"latent": 3}, {"latent": 5}])
        with working(tmp_path) as living:
            one, two = study.ask(), study.ask()
            for trial, worker in ((one, living), (two, Worker(tmp_path, "dead"))):
                trial.suggest_int("latent", 2, 9)
                worker.takes(trial)
            (tmp_path / "workers" / "dead.lock").touch()
            other = Worker(tmp_path, "other")
            assert other.takes_over(study, [t for t in study.get_trials() if t.state.name == "RUNNING"]) == 1
        states = [(trial.number, trial.state.name) for trial in study.get_trials()]
        assert states == [(0, "RUNNING"), (1, "FAIL"), (2, "WAITING")]
        again = study.ask()
        assert again.suggest_int("latent", 2, 9) == 5


def test_an_interrupted_trial_waits_again(pile: Pictures, tmp_path: Path) -> None:
    def interrupt(done: float, total: int, what: str) -> None:
        if done >= 1:
            raise KeyboardInterrupt

    how: dict[str, Any] = {"out": tmp_path / "study", "trials": 3, "prune": False}
    with pytest.raises(KeyboardInterrupt):
        tune(Autoencoder(**QUICK), pile, told=interrupt, **how)
    assert numbers(tmp_path / "study") == [0]
    answer = tune(Autoencoder(**QUICK), pile, **how)
    assert sum(row.finished for row in answer.rows) == 3
    assert answer.rows[0].finished


def test_a_second_process_joins(pile: Pictures, tmp_path: Path) -> None:
    """Each adds trials to the one study; together they make as many as were asked for, or one more each."""
    script = _KILLED.replace("trials=30", "trials=6")
    words = [sys.executable, "-c", script, str(tmp_path / "study"), "0.5"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = []
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        told += [int(line) for line in out.split()]
    assert len(told) == len(set(told))
    assert sorted(told) == numbers(tmp_path / "study")
    assert 6 <= len(told) <= 7


def test_a_study_is_gone_on_with_as_it_was_begun(pile: Pictures, tmp_path: Path) -> None:
    how: dict[str, Any] = {"out": tmp_path / "study", "trials": 1}
    tune(Autoencoder(**QUICK), pile, **how)
    with pytest.raises(UsageError, match="made on other pictures"):
        tune(Autoencoder(**QUICK), pile.take(np.arange(200)), **how)
    with pytest.raises(UsageError, match="other fields"):
        tune(Autoencoder(**{**QUICK, "epochs": 2}), pile, **how)
    with pytest.raises(UsageError, match=r"searches something else: latent=2\.\.32 log"):
        tune(Autoencoder(**QUICK), pile, search="latent=2..5", **how)
    with pytest.raises(UsageError, match="searches for something else"):
        tune(Autoencoder(**QUICK), pile, objectives=["seconds"], **how)
    with pytest.raises(UsageError, match="Leave out --storage"):
        tune(Autoencoder(**QUICK), pile, url="sqlite:///x.db", **how)


def test_a_study_that_is_damaged_or_of_another_version_is_refused(pile: Pictures, tmp_path: Path) -> None:
    study = tmp_path / "study"
    how: dict[str, Any] = {"out": study, "trials": 1}
    tune(Autoencoder(**QUICK), pile, **how)
    journal, about = (study / "journal.jsonl").read_bytes(), (study / "study.json").read_text()
    (study / "journal.jsonl").write_bytes(b"not json\n" + journal)
    with pytest.raises(RunError, match="cannot be read as a study"):
        tune(Autoencoder(**QUICK), pile, **how)
    (study / "journal.jsonl").unlink()
    with pytest.raises(RunError, match="journal of .* is gone"):
        tune(Autoencoder(**QUICK), pile, **how)
    (study / "journal.jsonl").write_bytes(journal)
    (study / "study.json").write_text(about.replace('"format": 1', '"format": 2'))
    with pytest.raises(RunError, match=r"study format 2.*Upgrade"):
        tune(Autoencoder(**QUICK), pile, **how)
    (study / "study.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        tune(Autoencoder(**QUICK), pile, **how)
    (study / "study.json").write_text(about)
    assert tune(Autoencoder(**QUICK), pile, **how).rows


def test_a_database_keeps_the_trials_and_is_missed_in_a_sentence(pile: Pictures, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    url = f"sqlite:///{tmp_path / 'trials.db'}"
    how: dict[str, Any] = {"out": tmp_path / "study", "trials": 1}
    tune(Autoencoder(**QUICK), pile, url=url, **how)
    assert "trials.db" not in (tmp_path / "study" / "study.json").read_text()
    with pytest.raises(UsageError, match="are in a database"):
        tune(Autoencoder(**QUICK), pile, **how)
    (tmp_path / "trials.db").unlink()
    with pytest.raises(RunError, match="is not where it was"):
        tune(Autoencoder(**QUICK), pile, url=url, **how)
    with pytest.raises(RunError, match="cannot be opened"):
        tune(Autoencoder(**QUICK), pile, url=f"sqlite:///{tmp_path}/none/x.db", **how)
    with pytest.raises(UsageError, match="no database URL"):
        tune(Autoencoder(**QUICK), pile, url="trials.db", **how)


@pytest.mark.parametrize(
    ("model", "how", "kind", "said"),
    [
        (PCA(), {}, UsageError, "not tuned"),
        (VAE(**QUICK), {"trials": 0}, UsageError, "none"),
        (VAE(**QUICK), {"minutes": 0.0}, UsageError, "none"),
        (VAE(**QUICK), {"keep": 95.0}, UsageError, "between 0 and 1"),
        (VAE(**QUICK), {"objectives": ["beauty"]}, UsageError, "cannot be searched for"),
        (Autoencoder(**QUICK), {"objectives": ["rate"]}, UsageError, "cannot be searched for"),
        (VAE(**QUICK), {"search": "latent=2..4", "fixed": ["latent"]}, UsageError, "given and searched"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_written(
    model: Any, how: dict[str, Any], kind: type[Exception], said: str, pile: Pictures, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=said):
        tune(model, pile, out=tmp_path / "study", **how)
    assert not (tmp_path / "study").exists()


def test_too_few_pictures_are_refused(digits: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few"):
        tune(Autoencoder(**QUICK), digits[:20], out=tmp_path / "study")


def test_a_run_folder_is_no_study(pile: Pictures, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="is a run folder"):
        tune(Autoencoder(**QUICK), pile, out=tmp_path, trials=1)


def test_without_optuna_one_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'isthmus\[tune\]'"):
        tune(Autoencoder(**QUICK), np.zeros((40, 8, 8), np.uint8), out=tmp_path / "study")


def test_the_verb_prints_records_and_names_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "study")
    words = [
        "tune",
        "digits",
        "--model",
        "autoencoder",
        "--net",
        "mlp",
        "--epochs",
        "0.2",
        "--trials",
        "2",
        "--out",
        out,
    ]
    assert cli.main([*words, "--json"]) == 0
    said = capsys.readouterr()
    records = [json.loads(line) for line in said.out.splitlines()]
    assert records[0]["name"] == "recommended latent size"
    assert "isthmus fit digits --model autoencoder" in said.err
    assert cli.main([*words, "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("latent ")
    assert "recommended" in shown
    assert "PCA" in shown
    assert cli.main(["tune", str(tmp_path / "none"), "--out", out]) != 0
    assert "none" in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(tmp_path: Path) -> None:
    out = tmp_path / "study"
    words = [
        "tune",
        "digits",
        "--model",
        "autoencoder",
        "--net",
        "mlp",
        "--epochs",
        "3",
        "--trials",
        "40",
        "--out",
        str(out),
    ]
    command = [sys.executable, "-m", "isthmus", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if line.startswith("trial 0"))
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "the same command goes on" in rest
    assert "Traceback" not in rest
    assert 0 in numbers(out)


def test_a_setting_that_fails_fails_alone_and_says_why(pile: Pictures, tmp_path: Path) -> None:
    how: dict[str, Any] = {
        "trials": 4,
        "search": "net_activation=leaky-relu|nonsense",
        "fixed": ["latent", "learning_rate"],
    }
    answer = tune(Autoencoder(**QUICK), pile, out=tmp_path / "study", **how)
    failed = [row for row in answer.rows if row.state == "failed"]
    assert failed
    assert all("no activation 'nonsense'" in row.why for row in failed)
    assert answer.chosen.finished


def test_a_default_that_fails_is_said_at_once_and_again(pile: Pictures, tmp_path: Path) -> None:
    from isthmus.errors import IsthmusError
    from isthmus.nets.mlp import MLP

    model = Autoencoder(**{**QUICK, "net": MLP(activation="nonsense")})
    with pytest.raises(UsageError, match="no activation"):
        tune(model, pile, out=tmp_path / "study", trials=1)
    with pytest.raises(IsthmusError, match="has not finished: there is no activation"):
        tune(model, pile, out=tmp_path / "study", trials=1)
