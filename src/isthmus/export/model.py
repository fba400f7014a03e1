"""The graphs of a model: pictures to codes, codes to pictures, and the classes that it was taught beside them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.contract import check_encodes
from isthmus.errors import MissingError
from isthmus.export.graph import Answers, Graph, Inputs
from isthmus.export.plain import DrawnPictures, ScaledPictures, mean_only, plain_model
from isthmus.images.arrays import in_layout
from isthmus.nets._net import size_of

__all__ = ["class_in_code", "model_graphs", "sentence_why_not"]


def model_graphs(model: Any, pictures: np.ndarray) -> Iterator[Graph]:
    """All that this model can; `pictures`, in its layout, are what is compared."""
    plain = plain_model(model)

    def asked(n: int, start: int) -> Inputs:
        return (pictures[np.arange(start, start + n) % len(pictures)],)

    if model.encodes:
        codes = ("codes",)
        read = _Mean(plain) if getattr(model, "gaussian_codes", False) else _Encoder(plain)
        yield Graph("encoder", read, ("pictures",), codes, asked, lambda x: {"codes": model.transform(x[0])})
    yield _decoder(model, plain, asked)
    if getattr(model, "told", None) is not None and "classifier" in model.net_:
        about = {"classes": list(model.classes_)}
        names = ("pictures",), ("probabilities",)
        yield Graph(
            "classes", _Classes(plain), *names, asked, lambda x: {"probabilities": model.predict_proba(x[0])}, about
        )


def sentence_why_not(model: Any) -> str:
    """Why there is no encoder; nothing where there is one."""
    try:
        check_encodes(model)
    except MissingError as reason:
        return reason.what
    return ""


def class_in_code(model: Any) -> bool:
    """Whether the class that is drawn is in the code already, so that the decoder need not be told it."""
    return not model.conditional or not model.classes_ or hasattr(type(model), "drawn_classes")


def _decoder(model: Any, plain: Any, pictures: Any) -> Graph:
    told = not class_in_code(model)

    def asked(n: int, start: int) -> Inputs:
        z = model.transform(pictures(n, start)[0]) if model.encodes else model.sample_codes(start + n)[start:]
        return (z, np.arange(start, start + n) % (len(model.classes_) + 1) - 1) if told else (z,)

    def answer(given: Inputs) -> Answers:
        z = torch.from_numpy(given[0]).unflatten(1, model.latent_shape_)
        y = torch.from_numpy(given[1]) if told else None
        with torch.no_grad():
            drawn = model.decode(z, y).float().numpy()
        return {"pictures": model.inverse_transform(*given), "scaled": in_layout(drawn, model.layout_)}

    inputs = ("codes", "class") if told else ("codes",)
    rounded = () if np.dtype(model.scaling_.dtype).kind == "f" else ("pictures",)
    about = {"classes": list(model.classes_), "unknown_class": -1} if told else {}
    return Graph("decoder", _Decoder(plain), inputs, ("pictures", "scaled"), asked, answer, about, rounded)


class _Encoder(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.net, self.scaled, self.of = model.net_, ScaledPictures(model), model.encode

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        codes: torch.Tensor = self.of(self.scaled(pictures)).mean.flatten(1).float()
        return codes


class _Mean(_Encoder):
    """Of Gaussian codes the mean alone is asked for, and alone computed."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.short = mean_only(model.net_["encoder"], size_of(model.latent_shape_))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return super().forward(pictures) if self.short is None else self.short(self.scaled(pictures)).float()


class _Classes(_Encoder):
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net["classifier"](self.of(self.scaled(pictures)).mean).float()
        return logits.softmax(1)


class _Decoder(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.net, self.drawn, self.shape, self.of = model.net_, DrawnPictures(model), model.latent_shape_, model.decode

    def forward(self, codes: torch.Tensor, label: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        z = codes.unflatten(1, self.shape) if len(self.shape) > 1 else codes
        pictures, scaled = self.drawn(self.of(z, label))
        return pictures, scaled
