"""The studio's server: bound to this machine, on the first free port, until it is interrupted."""

import secrets
import threading
import webbrowser
from collections.abc import Callable

from isthmus.studio.app import Studio, make_app
from isthmus.web.listening import LOOPBACK, Listener, bound
from isthmus.web.serving import Server

__all__ = ["Serving", "serve"]

_GRACE = 1
_LARGEST_MESSAGE = 2**20


class Serving(Server):
    """When it ends, jobs are asked to end, and locks are given back."""

    def __init__(self, studio: Studio, listener: Listener, token: str | None = None) -> None:
        sockets = {"ws": "websockets-sansio", "ws_max_size": _LARGEST_MESSAGE}
        super().__init__(make_app(studio, token), listener, studio.close, _GRACE, **sockets)
        self.studio = studio
        self.address += f"?token={token}" if token else ""


def serve(studio: Studio, host: str, port: int, browser: bool, told: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; whoever binds it to more than this machine gets an address with a token in it."""
    token = None if host in LOOPBACK else secrets.token_urlsafe(24)
    serving = Serving(studio, bound(host, port), token)
    told(serving.address)
    if browser:
        threading.Timer(0.5, webbrowser.open, (serving.address,)).start()
    serving.run()
