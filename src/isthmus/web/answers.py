"""How servers of ours answer: JSON that any browser reads, and every failure as a sentence with its remedy."""

import json
import math
import sys
import traceback
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from isthmus.errors import IsthmusError, UsageError
from isthmus.web.guard import HEADERS

__all__ = ["Plain", "as_json", "speak"]


def as_json(content: Any) -> str:
    """In ASCII, so that half a character in somebody's file is no hindrance; what is not finite is null."""
    try:
        return json.dumps(content, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(content), allow_nan=False)


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    return [_finite(value) for value in content] if isinstance(content, list | tuple) else content


class Plain(Response):
    """JSON that any browser reads, whatever a file that somebody sent holds."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return as_json(content).encode()


def speak(app: FastAPI) -> None:
    """From here on the app says what went wrong as the command line does."""
    app.add_exception_handler(IsthmusError, _sentence)
    app.add_exception_handler(RequestValidationError, _misshapen)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(Exception, _unexpected)


async def _sentence(request: Request, error: Exception) -> Response:
    assert isinstance(error, IsthmusError)
    status = 400 if isinstance(error, UsageError) else 409
    return Plain({"what": error.what, "remedy": error.remedy}, status)


async def _misshapen(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    where = ".".join(str(part) for part in first.get("loc", ())[1:])
    return Plain({"what": f"{where or 'the request'}: {first.get('msg', 'is wrong')}", "remedy": ""}, 422)


async def _not_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Plain({"what": f"{request.url.path}: {error.detail}", "remedy": ""}, error.status_code, error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Sent from outside the guard, and so with its headers."""
    traceback.print_exception(error, file=sys.stderr)
    what = f"something unexpected happened ({type(error).__name__})"
    return Plain({"what": what, "remedy": "The terminal of the server says more."}, 500, HEADERS)
