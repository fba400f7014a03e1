"""Setting up from nothing, without a network: what dev.py would run, in which order, and what it says when stuck."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """dev.py as a module whose environment would be made in an empty folder."""
    monkeypatch.setenv("ISTHMUS_VENV", str(tmp_path / "venv"))
    monkeypatch.delenv("UV_TORCH_BACKEND", raising=False)
    spec = importlib.util.spec_from_file_location("isthmus_dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Steps:
    """Stands in for `step`: remembers what was asked for, and fails where it is told to."""

    def __init__(self, dev: Any, *failing: str) -> None:
        self.dev, self.failing, self.commands = dev, failing, []

    def __call__(self, what: str, *command: Any, must: bool = True, why: str = "") -> bool:
        text = " ".join(map(str, command))
        self.commands.append(text)
        if "-m venv" in text:
            self.dev.PYTHON.parent.mkdir(parents=True)
            self.dev.PYTHON.touch()
        failed = any(word in text for word in self.failing)
        if failed and must:
            raise self.dev.Failed(why or what)
        return not failed


def steps_of(dev: Any, monkeypatch: pytest.MonkeyPatch, *failing: str) -> Steps:
    steps = Steps(dev, *failing)
    monkeypatch.setattr(dev, "step", steps)
    return steps


def test_a_fresh_set_up_takes_the_torch_that_pip_finds_here(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = steps_of(dev, monkeypatch)
    dev.set_up()
    making, torch, rest = steps.commands
    assert "-m venv" in making
    assert re.search(r"--no-index --no-deps torch==[\d.]+$", torch)
    assert rest.endswith("-c constraints.txt -e .[dev]")
    dev.set_up()
    assert len(steps.commands) == 3, "the second call has nothing to do"


def test_on_linux_uv_picks_the_build_and_cuda_never_comes_by_accident(
    dev: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    steps = steps_of(dev, monkeypatch, "--no-index")
    dev.get_torch()
    assert [("--torch-backend=auto" in command) for command in steps.commands] == [False, False, True]
    assert not any(re.search(r"-m pip .*torch==", command) for command in steps.commands[1:])


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_the_build_of_the_index_is_small_and_right(
    dev: Any, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    steps = steps_of(dev, monkeypatch, "--no-index")
    dev.get_torch()
    assert len(steps.commands) == 2
    assert "uv" not in steps.commands[1].split()


def test_without_any_torch_it_stops_with_one_sentence(
    dev: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    steps_of(dev, monkeypatch, "--no-index", "--torch-backend")
    assert dev.main(["test"]) == 1
    said = capsys.readouterr().err
    assert re.match(r"dev.py: no torch==[\d.]+ for this machine can be had; install the one you want", said)
    assert "Traceback" not in said


def test_a_set_up_that_was_cut_off_is_finished(
    dev: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps_of(dev, monkeypatch, "-e .[dev]")
    with pytest.raises(dev.Failed):
        dev.set_up()
    steps = steps_of(dev, monkeypatch)
    dev.set_up()
    assert "interrupted" in capsys.readouterr().out
    assert steps.commands[-1].endswith("-e .[dev]")
    assert dev.STAMP.read_text("utf-8") == dev.stamp()


def test_what_is_installed_decides_the_stamp(dev: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dev.stamp()
    assert before == dev.stamp()
    monkeypatch.setattr(dev, "HERE", tmp_path)
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    moved = dev.stamp()
    (tmp_path / "constraints.txt").write_text("numpy==1.0", "utf-8")
    assert len({before, moved, dev.stamp()}) == 3


def test_a_folder_of_somebody_else_is_not_emptied(dev: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.txt").write_text("years of work", "utf-8")
    assert dev.main(["demo"]) == 1
    assert "ISTHMUS_VENV" in capsys.readouterr().err
    assert (tmp_path / "venv" / "thesis.txt").exists()


def test_an_old_python_is_told(dev: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    assert dev.main(["demo"]) == 1
    assert "3.11" in capsys.readouterr().err


def test_a_python_without_venv_is_told_what_to_install(
    dev: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    assert dev.main(["demo"]) == 1
    assert "apt install python3-venv" in capsys.readouterr().err


def test_a_step_that_fails_shows_the_end_of_what_was_said(dev: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(dev.Failed, match=r"counting failed(.|\n)*19$") as caught:
        dev.step("counting", sys.executable, "-c", "for i in range(20): print(i)\nraise SystemExit(1)")
    assert len(str(caught.value).splitlines()) <= 1 + dev.LAST_LINES
    assert re.search(r"^counting \.\.\. \d+ s$", capsys.readouterr().out, re.MULTILINE)


def test_tests_run_in_two_processes_of_one_thread(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[tuple[tuple[str, ...], dict[str, str]]] = []
    monkeypatch.setattr(dev, "hand_over", lambda *command, **env: handed.append((tuple(map(str, command)), env)))
    monkeypatch.setattr(os, "chdir", lambda folder: None)
    dev.test(["-m", "slow"])
    dev.test(["-n", "8"])
    assert handed[0][0][1:] == ("-m", "pytest", "-n", "2", "-m", "slow")
    assert handed[0][1]["OMP_NUM_THREADS"] == "1"
    assert handed[1][0][1:] == ("-m", "pytest", "-n", "8")


def test_help_needs_no_set_up() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "dev.py", "help"],
        env={**os.environ, "ISTHMUS_VENV": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "python3 dev.py demo" in done.stdout


def test_the_constraints_name_no_place_and_fit_every_machine() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins), "no hosts, no local versions"
    assert sum(pin.startswith("torch==") for pin in pins) == 1
    named = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    wanted = re.findall(r'^  "([A-Za-z][\w-]*)>=', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert {name.lower() for name in wanted} <= named


def test_pages_name_only_verbs_that_dev_has(dev: Any) -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), ROOT / ".ci" / "run"]:
        verbs = re.findall(r"python3 dev\.py ([a-z]+)", page.read_text("utf-8"))
        assert set(verbs) <= set(dev.VERBS), page.name
