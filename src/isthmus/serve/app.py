"""The questions that a served run answers. Pictures come as files, arrays or JSON; numbers go out as JSON or arrays."""

import asyncio
from typing import Annotated, Any

import numpy as np
from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import PlainTextResponse, Response

from isthmus import __version__
from isthmus.contract import decoded
from isthmus.errors import DataError, UsageError
from isthmus.models._classes import class_numbers
from isthmus.serve import forms
from isthmus.serve.batching import Busy
from isthmus.serve.bodies import ARRAY, array_of, as_array_file, as_picture_file, json_of, numbers_of, pixels_of
from isthmus.serve.service import Service
from isthmus.web.answers import Plain, speak
from isthmus.web.guard import Guard

__all__ = ["make_app"]

_PNG = "image/png"
_SMALL = 1 << 16
"""Bytes of an array that is read faster than it is handed to another thread."""


async def _service(request: Request) -> Service:  # without async it would cost a thread each time
    service: Service = request.app.state.service
    return service


Asked = Annotated[Service, Depends(_service)]


def make_app(service: Service, token: str | None = None, open: bool = False) -> Any:
    """The app with everything around it. The pages of an API load scripts from elsewhere: there are none."""

    none: dict[str, Any] = {"docs_url": None, "redoc_url": None}
    app = FastAPI(title="Isthmus", version=__version__, default_response_class=Plain, **none)
    app.state.service = service
    speak(app)
    app.add_exception_handler(Busy, _busy)
    app.add_exception_handler(DataError, _unfit)
    wrong: dict[int | str, Any] = {status: {"model": forms.Wrong} for status in (400, 413, 422, 503)}
    for path, method, answer, form, extra in (
        ("/health", "GET", _health, forms.Health, None),
        ("/metrics", "GET", _metrics, None, None),
        ("/model", "GET", _model, forms.Served, None),
        ("/encode", "POST", _encode, forms.Codes, forms.PICTURES_IN),
        ("/predict", "POST", _predict, forms.Predictions, forms.PICTURES_IN),
        ("/decode", "POST", _decode, forms.Pictures, forms.CODES_IN),
        ("/design", "POST", _design, forms.Designs, None),
    ):
        said = ({200: {"model": form}} if form else {}) | (wrong if method == "POST" else {})
        app.add_api_route(path, answer, methods=[method], openapi_extra=extra, responses=said, name=path.strip("/"))
    guarded = Guard(app, token, "this server", service.limits.body, open)
    return service.counting.around(guarded)


async def _busy(request: Request, error: Exception) -> Response:
    assert isinstance(error, Busy)
    return Plain({"what": error.what, "remedy": error.remedy}, 503, {"retry-after": "1"})


async def _unfit(request: Request, error: Exception) -> Response:
    """What was sent can be read by nobody: here it is the request that is wrong."""
    assert isinstance(error, DataError)
    return Plain({"what": error.what, "remedy": error.remedy}, 422)


async def _health(service: Asked) -> dict[str, Any]:
    """Whether it is there, and what it serves."""
    return {"status": "ok", "run": service.name, "isthmus": __version__}


async def _metrics(service: Asked) -> PlainTextResponse:
    """Requests, seconds and batches, as Prometheus reads them."""
    return PlainTextResponse(service.counting.text(service.waiting), media_type="text/plain; version=0.0.4")


async def _model(service: Asked) -> dict[str, Any]:
    """Shapes, classes, classifiers and limits."""
    return service.described()


async def _encode(service: Asked, request: Request) -> Response:
    """The codes of pictures, the same as `isthmus encode` gives."""
    batcher = service.encoder()
    (codes,) = await batcher.ask(await _pixels(service, request))
    return _numbers(request, "codes", codes)


async def _predict(service: Asked, request: Request, name: Annotated[str, Query(max_length=100)] = "labels") -> Plain:
    """The class of each picture, how sure that is, which classes it may be, and how usual it looks."""
    batcher, classes = service.teller(name)
    probabilities, sets, typical = await batcher.ask(await _pixels(service, request))
    told = [
        {
            "class": classes[int(row.argmax())],
            "probability": round(float(row.max()), 6),
            "probabilities": dict(zip(classes, row.round(6).tolist(), strict=True)),
            "may_be": [classes[place] for place in np.flatnonzero(may)],
            "typical": round(float(usual), 6),
        }
        for row, may, usual in zip(probabilities, sets, typical, strict=True)
    ]
    return Plain({"predictions": told})


async def _decode(service: Asked, request: Request) -> Response:
    """The pictures of codes, in the units of those that the model was fitted on, or one of them as a PNG."""
    kind, body = _kind(request), await request.body()
    given = {"codes": array_of(body)} if kind == ARRAY else json_of(kind, body)
    codes, y = _codes(service, given)
    if _PNG in request.headers.get("accept", ""):
        if len(codes) != 1:
            raise UsageError(f"a PNG is of one picture, and there are {len(codes)} codes", "Send one.")
        loop = asyncio.get_running_loop()
        drawn = await loop.run_in_executor(service.computing, decoded, service.model, codes, y)
        return Response(as_picture_file(drawn[0]), media_type=_PNG)
    classes = np.full((len(codes), 1), -1.0) if y is None else y[:, None].astype(np.float64)
    (pictures,) = await service.decoder().ask(np.concatenate([codes, classes], axis=1))
    return _numbers(request, "pictures", pictures)


async def _design(service: Asked, order: forms.Order) -> Plain:
    """Pictures that meet a wish, and what the judge says of them; the first of a kind takes minutes."""
    if order.n > service.limits.designs:
        raise UsageError(f"{order.n} designs are more than {service.limits.designs}", "Ask for fewer.")
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(service.designing, service.design, order.want, order.n, order.seed)
    made, judge = found.made, found.made.by_judge()
    return Plain(
        {
            "want": order.want,
            "verdict": made.verdict(),
            "judge": None if judge is None else {"value": judge.value, "low": judge.low, "high": judge.high},
            "notes": list(made.notes),
            "met": made.success.tolist(),
            "designs": made.rows(),
            "pictures": made.pictures.clamp(0, 1).tolist(),
            "codes": made.codes.reshape(len(made.codes), -1).tolist(),
        }
    )


# -- in and out -------------------------------------------------------------------------------------------------------


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _pixels(service: Service, request: Request) -> np.ndarray:
    """Decoding a body takes a while: it is done beside the loop that answers everybody."""
    kind, body = _kind(request), await request.body()
    read = (service.model, service.run, kind, body, service.limits.pictures)
    if kind == ARRAY and len(body) < _SMALL:
        return pixels_of(*read)
    return await asyncio.get_running_loop().run_in_executor(None, pixels_of, *read)


def _codes(service: Service, given: dict[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    if "codes" not in given:
        raise DataError('there are no "codes" in the body', 'Send {"codes": [[...], ...]}.')
    codes = numbers_of(given["codes"], "codes")
    size = int(np.prod(service.model.latent_shape_))
    codes = codes[None] if codes.ndim == 1 else codes
    if codes.ndim != 2 or codes.shape[1] != size or not 0 < len(codes) <= service.limits.pictures:
        most = f"1 to {service.limits.pictures:,}"
        raise DataError(f"codes of shape {codes.shape} are not ({most}, {size})", "See /model.")
    if given.get("classes") is None:
        return codes, None
    classes = given["classes"] if isinstance(given["classes"], list) else [given["classes"]] * len(codes)
    told = class_numbers(service.model, np.asarray(classes, object), len(codes))
    assert told is not None
    return codes, told.numpy()


def _numbers(request: Request, name: str, found: np.ndarray) -> Response:
    if ARRAY in request.headers.get("accept", ""):
        return Response(as_array_file(found), media_type=ARRAY)
    return Plain({name: found.tolist()})
