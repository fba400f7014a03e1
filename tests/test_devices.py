"""Many processes train as one would: two of them, started once, fit several models; one alone fits the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from isthmus import models
from isthmus.cli import main
from isthmus.errors import UsageError
from isthmus.models._loading import untrained
from isthmus.models._saving import compare
from isthmus.ranks import current, everyone, leads
from isthmus.run import Run

HERE = Path(__file__).parent
# Plain descent: rules that divide by a gradient's size make much of the last bit of one that is nearly nothing.
HOW: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "precision": "float32",
    "latent": 3,
    "optimiser": "sgd",
    "learning_rate": 1e-3,
}
SMALL = {"net": "mlp", "net_fields": {"hidden": [8]}}
NORMED = {"net": "mlp", "net_fields": {"hidden": [8], "batch_norm": True}}


def case(model: str, net: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    short = {"decoder_epochs": 1} if "decoder_epochs" in models.make(model).get_params() else {}
    return {"model": model, "fields": HOW | short | fields, **(net or {})}


CASES = {
    "vae": case("vae", SMALL),
    "pieces": case("vae", NORMED, accumulate=3, clip=0.5, ema=0.9, learning_rate=1e-2),
    "spikes": case("autoencoder", SMALL, spikes=1.5, learning_rate=0.3),
    "correlation": case("beta-tcvae", SMALL),
    "game": case("gan", epochs=1, learning_rate=1e-2),
    # With few numbers in a code some pictures have none that is above zero, and no direction to be compared by.
    "views": case("contrastive", latent=16),
    "steps": case("two-step", latent=16, balance="relative", learning_rate=1e-4),
}


def start(folder: Path, cases: dict[str, Any], rank: int | None, size: int = 2) -> subprocess.Popen[str]:
    (folder / "cases.json").write_text(json.dumps(cases))
    own = {} if rank is None else {"RANK": str(rank), "WORLD_SIZE": str(size), "GLOO_SOCKET_IFNAME": "lo"}
    words = [sys.executable, str(HERE / "together.py"), str(folder), str(folder / "cases.json")]
    env = os.environ | {"OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"} | own
    return subprocess.Popen(words, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def fitted(folder: Path, cases: dict[str, Any]) -> Path:
    """What two processes, and one, make of these cases."""
    running = [start(folder, cases, 0), start(folder, cases, 1), start(folder, cases, None)]
    try:
        said = [process.communicate(timeout=280)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0, 0], said
    return folder


def check_alike(folder: Path, name: str) -> None:
    alone, first, second = (load_file(folder / f"{name}-{who}.safetensors") for who in ("alone", 0, 1))
    for key, value in alone.items():
        assert torch.equal(first[key], second[key]), f"{key} differs between the two processes"
        mine = first[key]
        if key == "prior.factor":  # roots of a covariance, which may be turned
            mine, value = mine @ mine.mT, value @ value.mT
        torch.testing.assert_close(mine, value, atol=1e-6, rtol=1e-5, msg=lambda m, k=key: f"{name}, {k}: {m}")
    before = untrained(folder / "alone" / name).net_.state_dict()
    moved = max(float((alone[key] - value).abs().max()) for key, value in before.items() if value.ndim > 1)
    assert moved > 1e-3, f"{name} has hardly moved ({moved:.1g}): that it is alike says nothing"
    one, two = (json.loads((folder / f"{name}-{who}.json").read_text()) for who in ("alone", 0))
    assert len(one) == len(two)
    for line, other in zip(one, two, strict=True):
        assert line["players"].keys() == other["players"].keys()
        assert numbers(other) == pytest.approx(numbers(line), rel=1e-4, abs=1e-6)


def numbers(line: dict[str, Any], before: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in line.items():
        if isinstance(value, dict):
            found |= numbers(value, f"{before}{name}/")
        elif isinstance(value, int | float) and name != "seconds":
            found[before + name] = value
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted(tmp_path_factory.mktemp("many"), CASES)


@pytest.mark.parametrize("name", CASES)
def test_two_processes_end_with_the_weights_and_the_history_of_one(both: Path, name: str) -> None:
    """Batches of 16 of 75 pictures, the last one short and odd; every player's gradients are therefore synchronised."""
    check_alike(both, name)
    assert Run(both / name).read_json("run.json")["status"] == "done"


@pytest.mark.slow
def test_every_model_trains_on_two_processes_as_on_one(tmp_path: Path) -> None:
    names = [name for name in models.names() if hasattr(models.make(name), "epochs")]
    rates = dict.fromkeys(("autoencoder", "conv-autoencoder", "denoising", "linear"), 0.3)
    rates |= {"gan": 1e-2, "wasserstein-gan": 1e-3, "contrastive": 1e-3, "two-step": 1e-4, "densenet-vae": 5e-4}
    cases = {name: case(name, latent=16, learning_rate=rates.get(name, 3e-2)) for name in names}
    fitted(tmp_path, cases)
    for name in names:
        check_alike(tmp_path, name)


def test_alone_nothing_is_shared() -> None:
    rows = torch.ones(3, 2)
    whole, first = everyone(rows)
    assert whole is rows
    assert first == 0
    assert current() is None
    assert leads()


def test_whoever_differs_is_named_before_the_first_move() -> None:
    same = {"isthmus": "0.1.0", "torch": "2.6.0", "pictures": "10x1x8x8-ab", "latent": 16}
    compare([same, same])
    with pytest.raises(UsageError, match=r"process 1 has torch 2.7.0, process 0 has 2.6.0. Give all nodes the same"):
        compare([same, same | {"torch": "2.7.0"}])
    with pytest.raises(UsageError, match="process 2 has latent 8, process 0 has 16"):
        compare([same, same, same | {"latent": 8}])


# -- the command ------------------------------------------------------------------------------------------------------

FIT = ["fit", "digits", "--model", "vae", "--precision", "float32", "--quiet"]


def test_more_devices_than_there_are_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FIT, "--device", "cpu", "--out", str(tmp_path / "run"), "--devices", "4096"]) == 2
    said = capsys.readouterr().err
    assert "4096 devices were asked for, and this machine has" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_nodes_need_a_place_to_meet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FIT, "--out", str(tmp_path / "run"), "--nodes", "2"]) == 2
    assert "--nodes and --master go together" in capsys.readouterr().err


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_a_process_that_dies_ends_the_training_which_goes_on_later(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = [sys.executable, "-m", "isthmus", *FIT, "--device", "cpu", "--epochs", "500", "--out", str(out)]
    launcher = subprocess.Popen([*words, "--devices", "2"], stderr=subprocess.PIPE, text=True)
    until(lambda: Run(out).has("history.jsonl") and len(Run(out).read_lines("history.jsonl")) > 1)
    os.kill(children(launcher.pid)[1], signal.SIGKILL)
    _, said = launcher.communicate(timeout=100)
    assert launcher.returncode == 1, said
    assert "was ended by SIGKILL" in said
    assert f"isthmus fit --resume {out}" in said
    assert "Traceback" not in said
    assert Run(out).read_json("run.json")["status"] == "training"


def until(there: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.2)


def children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    found = sorted({int(word) for task in tasks for word in (task / "children").read_text().split()})
    return [one for one in found if "isthmus" in Path(f"/proc/{one}/cmdline").read_text()]
