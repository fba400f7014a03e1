"""Who may ask a server of ours anything: the person before it, and no page of somebody else's.

A page elsewhere can make a browser send requests here, or point a name of its own at this machine. So the name that was
asked for and the page that asked are looked at, for sockets too; where a server is bound to more than this machine, a
token is asked for besides. Bodies are bounded, and whatever is sent forbids the page to load anything from elsewhere.
"""

import hmac
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["COOKIE", "HEADERS", "MOST", "POLICY", "Guard"]

COOKIE = "isthmus-token"
"""With the port after it: a browser sends all cookies of a machine to every port of it."""
MOST = 16 * 2**20
"""Bytes of a body, unless a server says otherwise."""
_HERE = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Guard:
    """Around the whole app. Without a token only the names of this machine are answered to, unless it is `open`."""

    def __init__(
        self, app: Any, token: str | None = None, name: str = "the studio", most: int = MOST, open: bool = False
    ) -> None:
        self.app, self.token, self.name, self.most, self.open = app, token, name, most, open

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refused(scope, headers)
        if refused:
            await _refuse(scope, receive, send, *refused)
        elif self._enters(scope):
            await _welcome(send, f"{_cookie_of(headers)}={self.token}")
        elif scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await _Bounded(receive, _with_headers(send), self.most).answer(self.app, scope)

    def _refused(self, scope: Any, headers: dict[str, str]) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        if self.token is None and not self.open and not _HERE.fullmatch(host):
            return 403, f"{self.name} answers to the names of this machine only", "Use the address that it printed."
        origin = headers.get("origin")
        if origin is not None and (not host or _host_of(origin) != host.lower()):
            return 403, "another page asked for this", f"Open {self.name} in a tab of its own."
        if origin is None and scope["type"] == "websocket":
            return 403, "a socket must say which page opened it", ""
        elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if elsewhere and not (headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET"):
            return 403, "another page asked for this", f"Open {self.name} in a tab of its own."
        length = headers.get("content-length", "0")
        if not re.fullmatch(r"[0-9]{1,18}", length) or int(length) > self.most:
            return _too_much(self.most)
        if self.token is not None and not self._knows(scope, headers):
            return 401, f"{self.name} asks for its token", "Use the whole address that it printed, or a Bearer header."
        return None

    def _knows(self, scope: Any, headers: dict[str, str]) -> bool:
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
        given += _cookies(headers.get("cookie", ""), _cookie_of(headers))
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given += [bearer.strip()] if scheme.lower() == "bearer" else []
        return any(hmac.compare_digest(one.encode(), str(self.token).encode()) for one in given)

    def _enters(self, scope: Any) -> bool:
        """The address with the token in it: it is put into a cookie and leaves the address bar."""
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return self.token is not None and scope["type"] == "http" and scope["path"] == "/" and "token" in asked


class _Bounded:
    """Counts what comes in, for senders that do not say how long it will be; too much is answered with a sentence."""

    def __init__(self, receive: Any, send: Any, most: int) -> None:
        self.receive, self.send, self.most = receive, send, most
        self.seen, self.began = 0, False

    async def answer(self, app: Any, scope: Any) -> None:
        try:
            await app(scope, self._more, self._say)
        except Exception:
            if self.seen <= self.most:
                raise
        if self.seen > self.most and not self.began:
            await _told(self.send, *_too_much(self.most))

    async def _more(self) -> Any:
        message = await self.receive()
        self.seen += len(message.get("body", b""))
        return message if self.seen <= self.most else {"type": "http.disconnect"}

    async def _say(self, message: Any) -> None:
        """Whoever read too much has nothing to say any more."""
        if self.seen <= self.most or self.began:
            self.began = True
            await self.send(message)


def _too_much(most: int) -> tuple[int, str, str]:
    return 413, f"at most {most >> 20} MB can be sent at once", "Send less."


def _cookie_of(headers: dict[str, str]) -> str:
    return f"{COOKIE}-{headers.get('host', '').rpartition(':')[2]}"


def _cookies(text: str, name: str) -> list[str]:
    """The values under a name. Cookies of others on this machine come along, in whatever form."""
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return [value for key, _, value in pairs if key == name]


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # brackets with no address in them
        return ""


def _with_headers(send: Any) -> Any:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            here = {name for name, _ in message["headers"]}
            extra = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in here]
            message = message | {"headers": [*message["headers"], *extra]}
        await send(message)

    return sending


async def _refuse(scope: Any, receive: Any, send: Any, status: int, what: str, remedy: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403, "reason": what})
        return
    await _told(_with_headers(send), status, what, remedy)


async def _told(send: Any, status: int, what: str, remedy: str) -> None:
    body = json.dumps({"what": what, "remedy": remedy}).encode()
    kind = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": kind})
    await send({"type": "http.response.body", "body": body})


async def _welcome(send: Any, cookie: str) -> None:
    cookie = f"{cookie}; Path=/; HttpOnly; SameSite=Strict"
    headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
    sending = _with_headers(send)
    await sending({"type": "http.response.start", "status": 303, "headers": headers})
    await sending({"type": "http.response.body", "body": b""})
