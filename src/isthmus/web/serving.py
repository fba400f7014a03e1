"""A server of ours: on a socket that is bound already, so that its address is known before it runs."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from isthmus.web.listening import Listener, shown

__all__ = ["Server"]


class Server:
    """Runs an app until it is interrupted; what was asked before has so many seconds of grace to be answered in."""

    def __init__(self, app: Any, listener: Listener, close: Callable[[], None], grace: int, **options: Any) -> None:
        import uvicorn

        quiet: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}
        config = uvicorn.Config(app, lifespan="off", timeout_graceful_shutdown=grace, **quiet, **options)
        self.server, self.listener, self.close, self.grace = uvicorn.Server(config), listener, close, grace
        self.address = shown(listener)

    def run(self) -> None:
        try:
            with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end
                self.server.run(sockets=[self.listener])
        finally:
            self.close()
            self.listener.close()

    @contextlib.contextmanager
    def in_background(self) -> Iterator[Self]:
        """For tests and notebooks: served while the block lasts."""
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        while not self.server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield self
        finally:
            self.server.should_exit = True
            thread.join(self.grace + 10)
