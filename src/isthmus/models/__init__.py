"""One idea a file, each ends with `Model = TheClass`; `two_step.py` is `--model two-step`."""

from typing import Any

from isthmus import discover

__all__ = ["PRESETS", "make", "names"]

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "conv-autoencoder": ("autoencoder", {"net": "conv"}),
    "conv-vae": ("vae", {"net": "conv"}),
    "densenet-vae": ("vae", {"net": "densenet", "likelihood": "gaussian", "sigma": 1.0, "latent": 100}),
    "wasserstein-gan": ("gan", {"objective": "wasserstein"}),
}
"""Names for a model with fields already set: the objective is the model, the network a field."""


def names() -> list[str]:
    return sorted({*discover.names("models"), *PRESETS})


def make(name: str, **fields: Any) -> Any:
    """The model of this name, or of this preset, with these fields."""
    model, preset = PRESETS.get(name, (name, {}))
    return discover.find("models", model, "Model")(**(preset | fields))
