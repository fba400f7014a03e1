"""The page with nothing but the map, served on loopback as the studio serves its own, in a Chromium that is there."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["POLICY", "chromium", "opened", "served"]

ROOT = Path(__file__).parents[2]
POLICY = "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; connect-src 'self'"
FOLDERS = {"page": ROOT / "src" / "isthmus" / "studio" / "page", "test": Path(__file__).parent}


def chromium() -> str | None:
    """Where a Chromium is: as ISTHMUS_CHROMIUM says, or on the path."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
    return os.environ.get("ISTHMUS_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


class Handler(SimpleHTTPRequestHandler):
    """Files of the page and of the tests, under the studio's content policy."""

    def translate_path(self, path: str) -> str:
        first, _, rest = path.split("?")[0].lstrip("/").partition("/")
        folder = FOLDERS.get(first)
        return str(folder / rest) if folder and ".." not in rest else str(ROOT / "nothing")

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@contextmanager
def served() -> Iterator[str]:
    """The address of the page's folder and the tests', while it is open."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def opened(**options: Any) -> Iterator[Any]:
    """A browser and the page's address: `(browser, url)`."""
    from playwright.sync_api import sync_playwright

    with served() as url, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"], **options)
        try:
            yield browser, url
        finally:
            browser.close()
