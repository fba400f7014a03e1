"""Sockets that servers of ours listen at."""

import socket

from isthmus.errors import UsageError

__all__ = ["LARGEST_PORT", "LOOPBACK", "Listener", "bound", "shown"]

Listener = socket.socket

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LARGEST_PORT = 65_535


def bound(host: str, port: int, tries: int = 20) -> Listener:
    """A listening socket; of so many ports from this one on the first that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason = ""
    for number in range(port, port + tries) if port else [0]:
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


def shown(listener: Listener) -> str:
    """The address of a bound socket, as a browser takes it."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
