"""The server of one run: bound to this machine unless told otherwise, until it is asked to stop."""

import gc
import os
import secrets
import signal
from collections.abc import Callable

from isthmus.serve.app import make_app
from isthmus.serve.service import Service
from isthmus.web.listening import LOOPBACK, Listener, bound
from isthmus.web.serving import Server

__all__ = ["TOKEN", "Serving", "serve", "token_for"]

TOKEN = "ISTHMUS_TOKEN"
"""The variable of the environment that may hold the token: a flag would be seen by everybody on the machine."""
_GRACE = 10


class Serving(Server):
    """When it ends, what is being computed is finished."""

    def __init__(self, service: Service, listener: Listener, token: str | None = None, open: bool = False) -> None:
        super().__init__(make_app(service, token, open), listener, service.close, _GRACE, ws="none")


def token_for(host: str, open: bool) -> str | None:
    """None on this machine alone, or where whoever serves says that others keep strangers out; else the environment's,
    or a new one."""
    if open:
        return None
    given = os.environ.get(TOKEN)
    return given or (None if host in LOOPBACK else secrets.token_urlsafe(24))


def serve(service: Service, host: str, port: int, open: bool, told: Callable[[str, str | None], None]) -> None:
    """Serve until Ctrl-C, or until whoever started it ends it."""
    token = token_for(host, open)
    serving = Serving(service, bound(host, port, tries=1), token, open)
    service.warm_up()
    gc.collect()
    gc.freeze()  # looking through all imports again and again would hold everybody up for a fifth of a second
    told(serving.address, token)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn repeats a signal when it has closed
    serving.run()
