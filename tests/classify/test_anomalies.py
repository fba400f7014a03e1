"""Odd pictures among normal ones: any model, promised false alarms, saved and loaded, the verb, and what it refuses."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus import PCA, Autoencoder, Pictures
from isthmus.classify.anomalies import Comparison, Detector, held_out
from isthmus.classify.heat import HeatMaps
from isthmus.classify.oddness import BASELINES, WAYS
from isthmus.classify.saving import load_detector, save_detector
from isthmus.cli import main
from isthmus.errors import DataError, IsthmusError, RunError, UsageError
from isthmus.run import Run
from isthmus.stats import auroc


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))
    return data.images[order].astype(np.uint8), data.target[order]


@pytest.fixture(scope="module")
def parts(drawn: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normal ones to learn from, fresh normal ones, and odd ones: everything but 0, 1, 4 and 6 is odd."""
    x, y = drawn
    good = np.isin(y, (0, 1, 4, 6))
    return x[good][:500], x[good][500:], x[~good]


@pytest.fixture(scope="module")
def plane(parts: Any) -> Any:
    return PCA(latent=12).fit(parts[0])


@pytest.mark.parametrize("by", [*WAYS])
def test_each_way_tells_odd_from_normal_and_keeps_its_promise(by: str, plane: Any, parts: Any) -> None:
    normal, fresh, odd = parts
    detector = Detector(model=plane, by=by, alarms=0.05).fit(normal)
    assert detector.learnt_from_ == 400
    scores = detector.oddness(np.concatenate([fresh, odd]))
    assert auroc(scores, np.arange(len(scores)) >= len(fresh)).value > 0.9
    assert detector.promise_.low <= 0.05 <= detector.promise_.high
    assert detector.predict(fresh).mean() <= detector.promise_.high + 0.03  # 217 fresh ones: three more by chance
    assert detector.predict(odd).mean() > 0.4
    np.testing.assert_array_equal(detector.predict(odd), detector.p_values(odd) <= 0.05)


def test_a_network_serves_too_and_a_picture_is_not_its_own_neighbour(parts: Any) -> None:
    normal, fresh, odd = parts
    model = Autoencoder(net="conv", latent=8, epochs=2, precision="float32").fit(normal)
    detector = Detector(model=model, by="features", alarms=0.05).fit(normal)
    seen, new = np.median(detector.oddness(normal)), np.median(detector.oddness(fresh))
    assert seen == pytest.approx(new, rel=0.15)
    assert np.median(detector.oddness(odd)) > 1.1 * new


@pytest.mark.parametrize("kind", BASELINES.values(), ids=BASELINES)
def test_baselines_follow_the_same_protocol(kind: Any, plane: Any, parts: Any) -> None:
    normal, fresh, odd = parts
    scores = kind.learn(PCA(latent=2).fit(normal), normal[:300]).of(np.concatenate([fresh, odd]))
    assert scores.shape == (len(fresh) + len(odd),)
    assert np.isfinite(scores).all()


def test_what_is_set_aside_is_used_and_nothing_is_held_out(plane: Any, parts: Any) -> None:
    normal, fresh, _ = parts
    detector = Detector(model=plane, by="density", alarms=0.05).fit(normal, aside=fresh)
    assert (detector.learnt_from_, detector.promise_.n) == (500, len(fresh))


def test_no_group_straddles() -> None:
    together = np.repeat(np.arange(60), np.random.default_rng(0).integers(1, 9, 60))
    held = held_out(together, 0.05, seed=3)
    assert not np.intersect1d(together[held], together[~held]).size
    assert 0.15 < held.mean() < 0.3
    np.testing.assert_array_equal(held, held_out(together, 0.05, seed=3))


def test_groups_of_pictures_are_respected(plane: Any, parts: Any) -> None:
    pictures = Pictures.from_array(parts[0][:, None])
    pictures.columns["part"] = np.array([f"part {i // 250}" for i in range(500)], dtype=object)
    pictures.source["group"] = "part"
    detector = Detector(model=plane, by="density", alarms=0.05).fit(pictures)
    assert (detector.learnt_from_, detector.promise_.n) == (250, 250)
    pictures.columns["part"][:] = "one"
    with pytest.raises(DataError, match="are 1 groups"):
        Detector(model=plane, by="density", alarms=0.05).fit(pictures)


@pytest.mark.parametrize("by", [*WAYS])
def test_what_was_saved_judges_as_before_at_any_rate(by: str, plane: Any, parts: Any, tmp_path: Path) -> None:
    normal, fresh, odd = parts
    run = Run(tmp_path / "run")
    plane.save(run)
    detector, heat = Detector(model=plane, by=by, alarms=0.05).fit(normal), HeatMaps.learn(plane, fresh)
    save_detector(detector, heat, run, {"normal": []})
    again, maps = load_detector(run, plane)
    np.testing.assert_allclose(again.oddness(odd), detector.oddness(odd), rtol=1e-6)
    np.testing.assert_array_equal(again.predict(odd), detector.predict(odd))
    assert again.promise_ == detector.promise_
    assert load_detector(run, plane, 0.2)[0].threshold_ < detector.threshold_
    assert maps is not None
    np.testing.assert_array_equal(maps.of(odd[:5])[1], heat.of(odd[:5])[1])
    with pytest.raises(DataError, match="cannot promise"):
        load_detector(run, plane, 0.001)


def test_heat_is_one_where_it_is_as_usual_and_glows_where_it_is_not(plane: Any, parts: Any) -> None:
    normal, fresh, _ = parts
    heat = HeatMaps.learn(plane, normal)
    scratched = fresh[:20].copy()
    scratched[:, 1, 6] = 16
    redrawn, before = heat.of(fresh[:20])
    _, after = heat.of(scratched)
    assert redrawn.shape == (20, 1, 8, 8)
    assert before.shape == (20, 8, 8)
    assert 0.3 < before.mean() < 1.1
    assert np.median(after[:, 1, 6]) > heat.top / 2
    assert np.median(after[:, 1, 6] / before[:, 1, 6]) > 2
    assert heat.top > 1


class _OneWay:
    """A model that says what it cannot do."""

    encodes = decodes = False


@pytest.mark.parametrize(
    ("how", "n", "error", "words"),
    [
        ({"alarms": 0.0}, 500, UsageError, "alarms is 0.0. Give a rate between 0 and 1"),
        ({"alarms": 1.5}, 500, UsageError, "alarms is 1.5"),
        ({"by": "smell"}, 500, UsageError, "by is 'smell'. Choose one of: blend"),
        ({"alarms": 0.01}, 120, DataError, "120 normal pictures cannot promise a false-alarm rate of 0.01. Give 198"),
        ({"model": None}, 500, UsageError, "needs a fitted model"),
        ({"model": _OneWay(), "by": "features"}, 500, UsageError, "does not encode"),
    ],
)
def test_what_cannot_be_is_refused(how: Any, n: int, error: Any, words: str, plane: Any, parts: Any) -> None:
    with pytest.raises(error, match=words):
        Detector(**({"model": plane} | how)).fit(parts[0][:n])


@pytest.mark.parametrize("by", ["blend", "reconstruction"])
def test_a_model_that_does_not_decode_has_other_ways(
    by: str, plane: Any, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(plane), "decodes", False, raising=False)
    with pytest.raises(UsageError, match="does not decode. Choose density or features"):
        Detector(model=plane, by=by, alarms=0.05).fit(parts[0])
    Detector(model=plane, by="density", alarms=0.05).fit(parts[0])


def test_nothing_is_judged_before_it_is_fitted(plane: Any, parts: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not fitted"):
        Detector(model=plane).predict(parts[0])
    with pytest.raises(DataError, match="20 set-aside pictures cannot promise"):
        Detector(model=plane).fit(parts[0], aside=parts[1][:20])
    plane.save(tmp_path / "run")
    with pytest.raises(RunError, match="has not learnt what is normal"):
        load_detector(Run(tmp_path / "run"), plane)


def test_the_verdict_says_who_wins() -> None:
    odd = np.arange(200) < 60
    noise = np.random.default_rng(0).normal(size=(3, 200))
    scores = {"ours": noise[0] + 3 * odd, "good": noise[1] + 3 * odd, "poor": noise[2]}
    assert Comparison(scores, odd, ("poor",)).verdict("ours").startswith("The model helps: ours")
    assert Comparison(scores, odd, ("poor", "good")).verdict("ours").startswith("No winner")
    lost = Comparison(scores, odd, ("good", "ours")).verdict("poor")
    assert lost.startswith("A baseline wins: poor tells odd from normal with an AUROC of 0.")


# -- the verb ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("odd") / "run"
    assert main(["fit", "digits", "--model", "pca", "--latent", "12", "--out", str(run), "--quiet"]) == 0
    return run


def ranked(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_verb_learns_ranks_judges_and_draws(
    fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, maps = "0,1,2,3,4,5,6,7,8", tmp_path / "maps"
    words = ["anomalies", str(fitted), "--normal", known, "--alarms", "0.02", "-n", "5", "--maps", str(maps)]
    assert main(words) == 0
    said = capsys.readouterr()
    assert any(said.out.startswith(start) for start in ("The model helps", "A baseline wins", "No winner"))
    assert "PCA-64, pixels" in said.out
    assert "were all of them normal" in said.err
    for name in ("anomalies.json", "anomalies.safetensors", "anomalies.csv", "anomalies.png"):
        assert (fitted / name).is_file()
    assert len(list(maps.glob("*.png"))) == 5
    rows = ranked(fitted / "anomalies.csv")
    scores = [float(row["score"]) for row in rows]
    assert len(rows) == 1797
    assert scores == sorted(scores, reverse=True)
    assert all((row["flagged"] == "yes") == (float(row["p"]) <= 0.02) for row in rows)
    records = {record["name"]: record for record in Run(fitted).read_lines("metrics.jsonl")}
    found = records["AUROC, reconstruction and density (PCA)"]
    assert found["n"] == 180  # the run's test pictures
    assert found["baseline"] in ("PCA-64, pixels", "nearest neighbours, pixels")
    assert records["false alarms, share of normal"]["split"] == "test"


def test_where_no_test_picture_is_odd_the_record_says_so(
    tmp_path: Path, fitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    splits = {row["id"]: row["split"] for row in ranked(fitted / "splits.csv")}
    trained = [name for name, split in splits.items() if split == "train"][:30]
    table = tmp_path / "labels.csv"
    lines = [f"{name},{'bad' if name in trained else 'good'}" for name in splits]
    table.write_text("\n".join(["id,label", *lines]) + "\n")
    words = ["anomalies", str(fitted), "--labels", str(table), "--normal", "good", "--alarms", "0.02", "--json"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "judged on odd ones that the model was trained with" in said.err
    records = {record["name"]: record for record in map(json.loads, said.out.splitlines())}
    assert records["found, share of odd"]["split"] == "test, odd ones from all splits"
    assert records["found, share of odd"]["n"] == 30


def test_other_pictures_are_judged_by_what_was_learnt(
    fitted: Path, drawn: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["anomalies", str(fitted), "--by", "reconstruction", "--alarms", "0.02"]) == 0
    before = (fitted / "anomalies.safetensors").read_bytes()
    noise = np.random.default_rng(0).integers(0, 17, (40, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "new.npy", np.concatenate([drawn[0][:60], noise]))
    out = tmp_path / "new.csv"
    capsys.readouterr()
    assert main(["anomalies", str(fitted), str(tmp_path / "new.npy"), "-o", str(out), "--json"]) == 0
    (record,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (record["name"], record["by"], record["alarms"]) == ("flagged, share of all", "reconstruction", 0.02)
    assert 0.35 < record["value"] < 0.45
    rows = ranked(out)
    assert {int(row["id"]) for row in rows[:35]} <= set(range(60, 100))
    assert (fitted / "anomalies.safetensors").read_bytes() == before  # learnt once
    assert main(["anomalies", str(fitted), str(tmp_path / "new.npy"), "-o", str(out), "--by", "density"]) == 0
    assert (fitted / "anomalies.safetensors").read_bytes() != before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--alarms", "0"], 2, "--alarms is 0. Give a rate between 0 and 1"),
        (["--alarms", "1e-4"], 1, "cannot promise a false-alarm rate of 0.0001"),
        (["--normal", "11"], 2, "there is no class '11'. Did you mean '1'?"),
        (["--normal", "cat"], 2, "there is no class 'cat'. The classes are: 0, 1"),
        (["-n", "0"], 2, "Ask for at least 1"),
    ],
)
def test_bad_calls_are_one_sentence(
    words: list[str], code: int, said: str, fitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["anomalies", str(fitted), *words]) == code
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note")]
    assert said in line


def test_a_damaged_file_is_said_to_be(plane: Any, parts: Any, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    plane.save(run)
    save_detector(Detector(model=plane, by="density", alarms=0.05).fit(parts[0]), None, run, {})
    described = run.read_json("anomalies.json")
    del described["by"]
    run.write_json("anomalies.json", described)
    with pytest.raises(IsthmusError, match="not whole"):
        load_detector(run, plane)
