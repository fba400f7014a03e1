"""The studio's server: bound to this machine, on the first free port, until it is interrupted."""

import contextlib
import secrets
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from typing import Any

from isthmus.studio.app import Studio, make_app
from isthmus.web.listening import LOOPBACK, bound, shown

__all__ = ["Serving", "serve"]

_LARGEST_MESSAGE = 2**20


class Serving:
    """A server on a socket that is bound already, so that its address is known before it runs."""

    def __init__(self, studio: Studio, listener: socket.socket, token: str | None = None) -> None:
        import uvicorn

        app = make_app(studio, token)
        quiet: dict[str, Any] = {"log_level": "warning", "access_log": False, "ws_max_size": _LARGEST_MESSAGE}
        config = uvicorn.Config(app, ws="websockets-sansio", lifespan="off", timeout_graceful_shutdown=1, **quiet)
        self.studio, self.listener = studio, listener
        self.server = uvicorn.Server(config)
        self.address = shown(listener) + (f"?token={token}" if token else "")

    def run(self) -> None:
        """Until interrupted; jobs are asked to end, and locks are given back."""
        try:
            with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end
                self.server.run(sockets=[self.listener])
        finally:
            self.studio.close()
            self.listener.close()

    @contextlib.contextmanager
    def in_background(self) -> Any:
        """For tests and notebooks: served while the block lasts."""
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        while not self.server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield self
        finally:
            self.server.should_exit = True
            thread.join(10)


def serve(studio: Studio, host: str, port: int, browser: bool, told: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; whoever binds it to more than this machine gets an address with a token in it."""
    token = None if host in LOOPBACK else secrets.token_urlsafe(24)
    serving = Serving(studio, bound(host, port), token)
    told(serving.address)
    if browser:
        threading.Timer(0.5, webbrowser.open, (serving.address,)).start()
    serving.run()
