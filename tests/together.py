"""One of several processes that fit models together, or alone: what each made of them is written down to be compared.

Called with a rank, how many there are, a folder and a list of cases; `{"model": ..., "fields": ..., "net": ...}`.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

warnings.simplefilter("error")


def data() -> tuple[np.ndarray, np.ndarray]:
    """90 digits: 75 to train on, which no batch divides, and 15 held out; the labels of every third unknown."""
    from sklearn.datasets import load_digits

    found = load_digits()
    labels = np.where(np.arange(90) % 3 == 0, -1, found.target[:90])
    return found.images[:90].astype(np.uint8), labels


def made(case: dict[str, Any]) -> Any:
    from isthmus import discover, models

    net = {"net": discover.find("nets", case["net"], "Net")(**case.get("net_fields", {}))} if "net" in case else {}
    return models.make(case["model"], **case["fields"], **net)


def fit(case: dict[str, Any], folder: Path, name: str) -> None:
    from safetensors.torch import save_file

    from isthmus.run import Run

    x, y = data()
    model = made(case)
    alone = "" if case.get("labels", True) else None
    told = (x[:75], y[:75]) if alone is None else (x[:75], np.where(y[:75] < 0, 0, y[:75]))
    rank = os.environ.get("RANK", "alone")
    run = Run(folder / "alone" / name if rank == "alone" else folder / name)
    model.fit(*told, validation=(x[75:], y[75:]), run=run)
    weights = {key: value.contiguous() for key, value in model.net_.state_dict().items()}
    save_file(weights, folder / f"{name}-{rank}.safetensors")
    if rank in ("alone", "0"):
        history = run.read_lines("history.jsonl")
        (folder / f"{name}-{rank}.json").write_text(json.dumps(history))


def main() -> None:
    folder, cases = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    torch.set_num_threads(1)
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size > 1:
        import torch.distributed as dist

        dist.init_process_group(
            "gloo", init_method=f"file://{folder}/meeting", rank=int(os.environ["RANK"]), world_size=size
        )
    for name, case in cases.items():
        fit(case, folder, name)
        print(name, "done", flush=True)
    if size > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
