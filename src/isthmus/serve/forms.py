"""The forms of questions and answers, as `/openapi.json` tells them to programs that write clients."""

from typing import Any

from pydantic import BaseModel, Field

from isthmus.serve.bodies import ARRAY, FILES

__all__ = [
    "CODES_IN",
    "PICTURES_IN",
    "Codes",
    "Designs",
    "Health",
    "Order",
    "Pictures",
    "Predictions",
    "Served",
    "Wrong",
]

_BINARY = {"schema": {"type": "string", "format": "binary"}}


def _body(name: str, *files: str, **more: Any) -> dict[str, Any]:
    """A body that is JSON with lists of numbers below `name`, or a file."""
    numbers: dict[str, Any] = {"type": "array", "items": {"type": "array", "items": {}}}
    schema = {"type": "object", "required": [name], "properties": {name: numbers, **more}}
    content = {"application/json": {"schema": schema}} | dict.fromkeys((ARRAY, *files), _BINARY)
    return {"requestBody": {"required": True, "content": content}}


PICTURES_IN = _body("pictures", *FILES)
CODES_IN = _body("codes", classes={"type": "array", "items": {"type": ["string", "integer", "null"]}})


class Order(BaseModel):
    """A wish, as `isthmus design --want` takes it."""

    want: str = Field(min_length=1, max_length=2000)
    n: int = Field(4, ge=1)
    seed: int = Field(0, ge=0, lt=2**31)


class Health(BaseModel):
    status: str
    run: str
    isthmus: str


class Taken(BaseModel):
    """What pictures look like: axes of one, their order in a pile, and the type of their numbers."""

    shape: list[int]
    layout: str
    dtype: str


class Served(BaseModel):
    run: str
    model: str
    encodes: bool
    latent_shape: list[int]
    pictures: Taken
    classes: list[str]
    draws_classes: list[str]
    heads: list[str]
    limits: dict[str, int]


class Codes(BaseModel):
    codes: list[list[float]]


class Pictures(BaseModel):
    pictures: list[list[Any]]


class Prediction(BaseModel, extra="forbid"):
    told: str = Field(alias="class")
    probability: float
    probabilities: dict[str, float]
    may_be: list[str]
    typical: float


class Predictions(BaseModel):
    predictions: list[Prediction]


class Judge(BaseModel):
    """The share of designs that meet the wish, as the judge sees it, with its interval."""

    value: float
    low: float
    high: float


class Designs(BaseModel):
    want: str
    verdict: str
    judge: Judge | None
    notes: list[str]
    met: list[bool]
    designs: list[dict[str, Any]]
    pictures: list[list[Any]]
    codes: list[list[float]]


class Wrong(BaseModel):
    """Why a question has no answer, and what to do."""

    what: str
    remedy: str
