"""The layout that model hubs keep: config.json, model.safetensors and a card; the run folder under other names."""

import os
from pathlib import Path
from typing import Any, Self

from isthmus.card import model_card, public
from isthmus.errors import UsageError
from isthmus.models._saving import description, paths_of
from isthmus.run import Run
from isthmus.train.checkpoint import save_tensors

__all__ = ["Pretrained", "fetched"]

_WANTED = ["config.json", "model.safetensors", "README.md", "heads/*.json", "heads/*.safetensors"]


class Pretrained:
    """To a folder that others understand, and from one, here or on the hub."""

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Weights first, then what they are, then the card; `load` reads the folder as it reads a run."""
        self._check_fitted()  # type: ignore[attr-defined]
        run = Run(folder)
        told = {"status": "done", "precision": vars(self).get("precision_")}
        described = public(description(self, run) | told, paths_of(self))  # type: ignore[arg-type]
        save_tensors(run, "model.safetensors", dict(self.net_.state_dict()), {})  # type: ignore[attr-defined]
        run.write_json("config.json", described)
        run.write("README.md", model_card(described).encode())

    @classmethod
    def from_pretrained(
        cls, folder_or_id: str | os.PathLike[str], device: str = "auto", revision: str | None = None
    ) -> Self:
        """The model of a folder; or of an id such as `somebody/cells`, which huggingface_hub fetches if it is here."""
        from isthmus.models._loading import load

        folder = Path(folder_or_id)
        model: Any = load(folder if folder.is_dir() else fetched(str(folder_or_id), revision), device)
        if not isinstance(model, cls):
            what = f"{folder_or_id} holds a {type(model).__name__}, not a {cls.__name__}"
            raise UsageError(what, f"Use {type(model).__name__}.from_pretrained, or isthmus.load for any folder.")
        return model


def fetched(name: str, revision: str | None) -> Path:
    """The folder of this id, from the hub or its cache; only what is never executed is asked for."""
    if name.count("/") != 1 or Path(name).is_absolute() or name.startswith("."):
        raise UsageError(f"there is no folder {name}", "Give a folder, or an id of a hub such as somebody/cells.")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        remedy = f"Run: pip install huggingface_hub, or download {name} and give the folder."
        raise UsageError(f"there is no folder {name}, and fetching it needs huggingface_hub", remedy) from None
    try:
        return Path(snapshot_download(repo_id=name, revision=revision, allow_patterns=_WANTED))
    except Exception as error:  # its own kinds, those of the network, and those of the disk
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{name} cannot be fetched ({reason})", "Check the id and the network.") from None
