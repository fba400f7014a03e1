"""A model that is looked at while it is trained ends with the very weights of one that is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isthmus import Run, models
from isthmus.cli import main
from isthmus.images.pictures import Pictures
from isthmus.images.splits import split
from isthmus.report.found import found_in
from isthmus.train import looking
from isthmus.train.checkpoint import load_tensors
from isthmus.train.looking import Looking

TRAINED = [name for name in models.names() if hasattr(models.make(name), "phases")]


def pile() -> Pictures:
    from sklearn.datasets import load_digits

    found = load_digits()
    made = Pictures.from_array(found.images[:60, None].astype(np.uint8), found.target[:60].astype(np.int64))
    made.classes = tuple("0123456789")
    made.split = split(made, 0.2, 0.2, 0)
    return made


def tiny(name: str) -> Any:
    known = models.make(name).get_params(deep=False)
    small = {"epochs": 3, "decoder_epochs": 2, "batch_size": 16, "latent": 3, "precision": "float32", "ema": 0.5}
    return models.make(name, **{key: value for key, value in small.items() if key in known})


def looks(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in (folder / "watch").glob("0*.safetensors"))


@pytest.mark.parametrize("name", TRAINED)
def test_looking_changes_no_bit(name: str, tmp_path: Path) -> None:
    plain = tiny(name).fit(pile())
    run = Run(tmp_path / "run")
    looked = tiny(name).fit(pile(), run=run, watchers=[Looking(run)])
    for key, value in plain.net_.state_dict().items():
        assert torch.equal(value, looked.net_.state_dict()[key]), key
    if not looked.encodes:
        assert not (run.path / "watch").exists()
        return
    lines = run.read_lines("history.jsonl")
    assert looks(run.path) == list(range(1, len(lines) + 1)), "each epoch of a short training is looked at"
    tensors, about = load_tensors(run, f"watch/{len(lines):06d}.safetensors")
    assert tensors["redrawn"].shape == (12, 1, 8, 8) and tensors["redrawn"].dtype == torch.uint8
    assert about == {"line": len(lines), "phase": lines[-1]["phase"], "epoch": lines[-1]["epoch"]}
    assert getattr(looked, "gaussian_codes", False) <= ("kl" in tensors)
    assert len(tensors["spread"]) == int(np.prod(looked.latent_shape_)) and torch.isfinite(tensors["spread"]).all()
    same, told = load_tensors(run, "watch/pictures.safetensors")
    assert same["pictures"].shape == (12, 1, 8, 8) and told == {"learnt": False}


def test_a_long_training_keeps_few_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_MOST", 6)
    monkeypatch.setattr(looking, "_FREE", 60.0)
    run = Run(tmp_path / "run")
    models.make("vae", net="mlp", latent=2, epochs=40, precision="float32").fit(
        pile(), run=run, watchers=[Looking(run)]
    )
    kept = looks(run.path)
    assert len(kept) <= 6 and kept[0] == 1 and kept[-1] == 40
    assert len(set(np.diff(kept[1:]))) == 1, "evenly spread after the first"


def test_it_is_seldom_where_it_would_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_FREE", 0.0)
    monkeypatch.setattr(looking, "_SHARE", 1e-9)
    run = Run(tmp_path / "run")
    models.make("vae", net="mlp", latent=2, epochs=5, precision="float32").fit(pile(), run=run, watchers=[Looking(run)])
    assert looks(run.path) == [1]


def test_a_fit_is_looked_at_and_what_goes_on_forgets_what_was_not(tmp_path: Path) -> None:
    words = ["fit", "digits", "--model", "vae", "--net", "mlp", "--latent", "3", "--epochs", "3", "--quiet"]
    out = tmp_path / "run"
    assert main([*words, "--out", str(out)]) == 0
    assert looks(out) == [1, 2, 3]
    stale = out / "watch" / "000009.safetensors"
    stale.write_bytes((out / "watch" / "000003.safetensors").read_bytes())
    look = Looking(Run(out))
    look.on_model(None, [])
    look.on_start(10, 5)
    assert looks(out) == [1, 2, 3]


def test_pictures_that_it_learns_from_are_not_told_as_held_out(tmp_path: Path) -> None:
    pictures, run = pile(), Run(tmp_path / "run")
    pictures.split = None
    run.write("watch/pictures.safetensors", b"of a fit that was killed in its first epoch")
    tiny("vae").fit(pictures, run=run, watchers=[Looking(run)])
    assert load_tensors(run, "watch/pictures.safetensors")[1] == {"learnt": True}
    run.write_json("run.json", {"format": 1, "model": {}, "fitted": {}, "status": "done"})
    assert found_in(run).watched() == "pictures that it learnt from"
