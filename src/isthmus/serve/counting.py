"""What a server has done, as text that Prometheus reads."""

import time
from bisect import bisect_left
from collections import Counter
from typing import Any

__all__ = ["Counting", "Histogram"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Histogram:
    """Counts below bounds, and the sum of all."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.sum = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def lines(self, name: str) -> list[str]:
        total, lines = 0, list[str]()
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            total += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {total}')
        return [*lines, f"{name}_sum {self.sum:g}", f"{name}_count {total}"]


class Counting:
    """Around the whole app: requests by route and status, seconds, and the sizes of batches. Also what is under way."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds, self.batches = Histogram(_SECONDS), Histogram(_ROWS)
        self.started, self.under_way = time.monotonic(), 0

    def around(self, app: Any) -> Any:
        async def counted(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began, status = time.monotonic(), 500

            async def sending(message: Any) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            self.under_way += 1
            try:
                await app(scope, receive, sending)
            finally:
                self.under_way -= 1
                route = getattr(scope.get("route"), "path", "other")  # never what a stranger wrote
                self.requests[route, status] += 1
                self.seconds.add(time.monotonic() - began)

        return counted

    def text(self, waiting: int) -> str:
        lines = ["# TYPE isthmus_requests_total counter"]
        for (route, status), count in sorted(self.requests.items()):
            lines.append(f'isthmus_requests_total{{route="{route}",status="{status}"}} {count}')
        lines += ["# TYPE isthmus_request_seconds histogram", *self.seconds.lines("isthmus_request_seconds")]
        lines += ["# TYPE isthmus_batch_rows histogram", *self.batches.lines("isthmus_batch_rows")]
        for name, value in (
            ("isthmus_waiting_rows", waiting),
            ("isthmus_requests_under_way", self.under_way),
            ("isthmus_up_seconds", round(time.monotonic() - self.started, 1)),
        ):
            lines += [f"# TYPE {name} gauge", f"{name} {value}"]
        return "\n".join(lines) + "\n"
