"""The report of a run: the page itself, in a tab of its own, and a copy written into the run."""

from typing import Any

from fastapi import APIRouter, Response

from isthmus.report.found import found_in
from isthmus.report.page import report_page
from isthmus.studio.routes._asking import InStudio

__all__ = ["POLICY", "router"]

router = APIRouter()

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups"
)
"""The page has its style and its pictures in itself. It runs nothing, and is nobody's frame."""
_FILE = "report.html"


@router.get("/report")
def page(studio: InStudio, run: str) -> Response:
    made = report_page(studio.shelf.get(run), _named(run))
    return Response(made, media_type="text/html", headers={"content-security-policy": POLICY})


@router.get("/report/parts")
def parts(studio: InStudio, run: str) -> dict[str, Any]:
    """What the page would hold, before anybody opens it."""
    return {"parts": found_in(studio.shelf.get(run)).words()}


@router.post("/report")
def save(studio: InStudio, run: str) -> dict[str, Any]:
    """A copy in the run's folder."""
    room = studio.enter(run)
    content = report_page(room.run, _named(run)).encode()
    with room.writing() as found:
        found.write(_FILE, content)
    return {"file": _FILE, "bytes": len(content)}


def _named(run: str) -> str:
    return run.rpartition("/")[2]
