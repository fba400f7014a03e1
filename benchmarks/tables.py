"""The two-step model on tables: patients' measurements and the chemistry of wines, beside logistic regression and PCA.

    python -m benchmarks.tables

Columns are brought to [0, 1] by their training range. Stratified folds; each fits both steps on the other rows. With
all labels the model's own classifier is judged, and again with five labels a class, the other rows unlabelled.
Redrawing is judged beside PCA of as many numbers.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import commit
from isthmus import PCA, TwoStep
from isthmus.files import write_atomically
from isthmus.nets.mlp import MLP
from isthmus.run import machine
from isthmus.stats.intervals import mean_interval, paired_difference

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "adversarial"
LATENT, FOLDS, EACH = 8, 5, 5
HOW: dict[str, Any] = {"sketch": 10.0, "pixels": 10.0, "epochs": 60, "decoder_epochs": 60, "batch_size": 64}


def main() -> int:
    """Both tables; records are written at the end."""
    from sklearn.datasets import load_breast_cancer, load_wine

    torch.set_num_threads(1)
    records: list[dict[str, Any]] = []
    for name, load in (("breast-cancer", load_breast_cancer), ("wine", load_wine)):
        records += _table(name, load)
    RESULTS.mkdir(parents=True, exist_ok=True)
    write_atomically(RESULTS / "tables.jsonl", "".join(json.dumps(record) + "\n" for record in records).encode())
    return 0


def _table(name: str, load: Callable[..., Any]) -> list[dict[str, Any]]:
    x, y = load(return_X_y=True)
    found: dict[str, list[float]] = {}
    for fold, (train, test) in enumerate(_folds(y)):
        for key, value in _fold(x[train], y[train], x[test], y[test], fold).items():
            found.setdefault(key, []).append(value)
    records = []
    pairs = (
        ("accuracy", "logistic"),
        ("accuracy, five labels a class", "logistic, five labels a class"),
        ("MSE", "PCA"),
    )
    for ours, theirs in pairs:
        values, beside = np.array(found[ours]), np.array(found[theirs])
        whole, gap = mean_interval(values), paired_difference(values, beside)
        records.append(
            {
                "name": f"{ours}, {name}",
                "value": whole.value,
                "interval": [whole.low, whole.high],
                "n": len(y),
                "split": f"{FOLDS} stratified folds",
                "data": f"scikit-learn's {name}",
                "seed": 0,
                "command": "python -m benchmarks.tables",
                "machine": machine(),
                "bar": None,
                "baseline": {"name": theirs, "value": float(beside.mean()), "gap": [gap.value, gap.low, gap.high]},
                "per_seed": values.tolist(),
                "commit": commit(),
            }
        )
        print(f"{records[-1]['name']}: {whole.value:.4f}, {theirs} {beside.mean():.4f}", flush=True)
    return records


def _folds(y: np.ndarray) -> Any:
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(np.zeros(len(y)), y)


def _fold(x: np.ndarray, y: np.ndarray, asked: np.ndarray, truth: np.ndarray, seed: int) -> dict[str, float]:
    from sklearn.linear_model import LogisticRegression

    low, high = x.min(0), x.max(0)
    x, asked = (((rows - low) / (high - low)).clip(0, 1).astype(np.float32) for rows in (x, asked))
    random = np.random.default_rng(seed)
    few = np.full(len(y), -1)
    for c in np.unique(y):
        rows = random.choice(np.flatnonzero(y == c), EACH, replace=False)
        few[rows] = c
    found: dict[str, float] = {}
    for title, labels in (("", y), (", five labels a class", few)):
        model = TwoStep(net=MLP(hidden=(64, 32), batch_norm=True), latent=LATENT, seed=seed, **HOW).fit(x, labels)
        found[f"accuracy{title}"] = float((model.predict(asked).astype(int) == truth).mean())
        known = labels >= 0
        plain = LogisticRegression(max_iter=2000).fit(x[known], labels[known])
        found[f"logistic{title}"] = float(plain.score(asked, truth))
        if not title:
            found["MSE"] = float(np.square(model.inverse_transform(model.transform(asked)) - asked).mean())
    pca = PCA(latent=LATENT).fit(x)
    found["PCA"] = float(np.square(pca.inverse_transform(pca.transform(asked)) - asked).mean())
    return found


if __name__ == "__main__":
    raise SystemExit(main())
