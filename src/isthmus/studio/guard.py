"""Who may ask the studio anything: the person before it, and no page of somebody else's.

A page elsewhere can make a browser send requests here, or point a name of its own at this machine. So the name that was
asked for and the page that asked are looked at, for sockets too; where the studio is bound to more than this machine, a
token is asked for besides. Bodies are bounded, and whatever is sent forbids the page to load anything from elsewhere.
"""

import hmac
import json
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["COOKIE", "POLICY", "Guard"]

COOKIE = "isthmus-token"
_MOST = 16 * 2**20
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Guard:
    """Around the whole app. Without a token only the names of this machine are answered to."""

    def __init__(self, app: Any, token: str | None = None) -> None:
        self.app, self.token = app, token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refused(scope, headers)
        if refused:
            await _refuse(scope, receive, send, *refused)
        elif self._enters(scope):
            await _welcome(scope, send, str(self.token))
        elif scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self.app(scope, _Bounded(receive, send), _with_headers(send))

    def _refused(self, scope: Any, headers: dict[str, str]) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        if self.token is None and _name_of(host) not in _HERE:
            return 403, "the studio answers to the names of this machine only", "Open the address that it printed."
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "another page asked for this", "Open the studio in a tab of its own."
        if origin is None and scope["type"] == "websocket":
            return 403, "a socket must say which page opened it", ""
        elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if elsewhere and not (headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET"):
            return 403, "another page asked for this", "Open the studio in a tab of its own."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _MOST:
            return 413, f"at most {_MOST >> 20} MB can be sent at once", "Send less."
        if self.token is not None and not self._knows(scope, headers):
            return 401, "this studio asks for its token", "Open the whole address that it printed."
        return None

    def _knows(self, scope: Any, headers: dict[str, str]) -> bool:
        cookies = SimpleCookie()
        cookies.load(headers.get("cookie", ""))
        given = [cookies[COOKIE].value] if COOKIE in cookies else []
        given += parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
        return any(hmac.compare_digest(one.encode(), str(self.token).encode()) for one in given)

    def _enters(self, scope: Any) -> bool:
        """The address with the token in it: it is put into a cookie and leaves the address bar."""
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return self.token is not None and scope["type"] == "http" and scope["path"] == "/" and "token" in asked


class _Bounded:
    """Counts what comes in, for senders that do not say how long it will be."""

    def __init__(self, receive: Any, send: Any) -> None:
        self.receive, self.send, self.seen = receive, send, 0

    async def __call__(self) -> Any:
        message = await self.receive()
        self.seen += len(message.get("body", b""))
        if self.seen > _MOST:
            return {"type": "http.disconnect"}
        return message


def _name_of(host: str) -> str:
    """Without the port; an address of six parts stands in brackets."""
    return host[1 : host.find("]")] if host.startswith("[") else host.rpartition(":")[0] or host


def _with_headers(send: Any) -> Any:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            here = {name for name, _ in message["headers"]}
            extra = [(n.encode(), v.encode()) for n, v in _HEADERS.items() if n.encode() not in here]
            message = message | {"headers": [*message["headers"], *extra]}
        await send(message)

    return sending


async def _refuse(scope: Any, receive: Any, send: Any, status: int, what: str, remedy: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403, "reason": what})
        return
    body = json.dumps({"what": what, "remedy": remedy}).encode()
    sending = _with_headers(send)
    kind = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await sending({"type": "http.response.start", "status": status, "headers": kind})
    await sending({"type": "http.response.body", "body": body})


async def _welcome(scope: Any, send: Any, token: str) -> None:
    cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
    headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
    sending = _with_headers(send)
    await sending({"type": "http.response.start", "status": 303, "headers": headers})
    await sending({"type": "http.response.body", "body": b""})
