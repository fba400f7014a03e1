"""The studio's server: bound to this machine, on the first free port, until it is interrupted."""

import contextlib
import secrets
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from typing import Any

from isthmus.errors import UsageError
from isthmus.studio.app import Studio, make_app

__all__ = ["Serving", "bound", "serve"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TRIES = 20
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
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")

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


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; of the next twenty ports the first that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason = ""
    for number in range(port, port + _TRIES) if port else [0]:
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named: asyncio sends at once on it
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
        except (OSError, OverflowError) as error:
            listener.close()
            reason = getattr(error, "strerror", None) or str(error)
            continue
        listener.listen(128)
        return listener
    raise UsageError(f"nothing can be served at {host}:{port} ({reason})", "Choose another --port or --host.")


def serve(studio: Studio, host: str, port: int, browser: bool, told: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; whoever binds it to more than this machine gets an address with a token in it."""
    token = None if host in _LOOPBACK else secrets.token_urlsafe(24)
    serving = Serving(studio, bound(host, port), token)
    told(serving.address)
    if browser:
        threading.Timer(0.5, webbrowser.open, (serving.address,)).start()
    serving.run()
