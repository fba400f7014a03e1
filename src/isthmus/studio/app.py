"""The studio as a web application: its state, its routes, and errors as sentences."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from isthmus import __version__, discover
from isthmus.errors import UsageError
from isthmus.studio.events import Hub
from isthmus.studio.jobs import Jobs
from isthmus.studio.room import Room
from isthmus.studio.shelf import Shelf
from isthmus.web.answers import Plain, speak
from isthmus.web.guard import Guard

__all__ = ["PAGE", "Studio", "make_app"]

PAGE = Path(__file__).parent / "page"


@dataclass
class Studio:
    """Everything that requests share."""

    shelf: Shelf
    hub: Hub = field(default_factory=Hub)
    rooms: dict[str, Room] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.hub)
        self._entering = threading.Lock()

    def room(self, name: str) -> Room:
        """The open room of a run."""
        room = self.rooms.get(name)
        if room is None or not room.ready:
            raise UsageError(f"the run {name!r} is not open", "Open it first.")
        return room

    def enter(self, name: str) -> Room:
        """The room of a run, open or not; one of a run that was fitted again since is left, for a new one."""
        run = self.shelf.get(name)
        with self._entering:
            left = self.rooms.get(name)
            if left is not None and not left.current():
                self.rooms.pop(name).close()
            return self.rooms.setdefault(name, Room(name, run))

    def close(self) -> None:
        self.jobs.stop()
        for room in self.rooms.values():
            room.close()


def make_app(studio: Studio, token: str | None = None) -> FastAPI:
    """Every file in `routes/` is a part of it. The pages of an API load scripts from elsewhere: there are none."""
    none: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = FastAPI(title="Isthmus studio", version=__version__, default_response_class=Plain, **none)
    app.state.studio = studio
    for name in discover.names("studio.routes"):
        app.include_router(discover.find("studio.routes", name, "router"), prefix="/api")
    speak(app)
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    app.add_api_route("/", _index, include_in_schema=False)
    app.add_middleware(Guard, token=token)
    return app


def _index() -> FileResponse:
    return FileResponse(PAGE / "index.html", media_type="text/html")
