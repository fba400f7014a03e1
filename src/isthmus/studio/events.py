"""What every browser that is open is told: how jobs go, labels that were given, training that moved on."""

import asyncio
import contextlib
import threading
from typing import Any

__all__ = ["Hub"]

_MOST_WAITING = 1000


class Hub:
    """Told from any thread; each browser has a queue of its own on the server's loop."""

    def __init__(self) -> None:
        self._queues: dict[asyncio.Queue[dict[str, Any]], asyncio.AbstractEventLoop] = {}
        self._guard = threading.Lock()

    def join(self) -> asyncio.Queue[dict[str, Any]]:
        """A queue of what happens from now on."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_MOST_WAITING)
        with self._guard:
            self._queues[queue] = asyncio.get_running_loop()
        return queue

    def leave(self, queue: asyncio.Queue[dict[str, Any]]) -> None:
        with self._guard:
            self._queues.pop(queue, None)

    @property
    def listeners(self) -> int:
        return len(self._queues)

    def tell(self, kind: str, **what: Any) -> None:
        """To all, at once; one that does not keep up misses the oldest."""
        event = {"kind": kind, **what}
        with self._guard:
            waiting = list(self._queues.items())
        for queue, loop in waiting:
            with contextlib.suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(_put, queue, event)


def _put(queue: asyncio.Queue[dict[str, Any]], event: dict[str, Any]) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)
