"""Two origins on loopback for the players: the page with the players' libraries, and the package with its licence.

The package's origin answers as an edge does: CORS for everyone, ranges, no listing. The licence server speaks the W3C's
JSON form of ClearKey and keeps what it was asked.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from matinee.library.model import ContentKeys

_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".m4s": "video/iso.segment",
    ".vtt": "text/vtt",
}


class _Files(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **_TYPES}  # noqa: RUF012 -- the base class's own form

    def __init__(self, *args: object, mounts: dict[str, Path], **kwargs: object) -> None:
        self.mounts = mounts
        super().__init__(*args, directory="/nonexistent", **kwargs)  # type: ignore[arg-type]

    def translate_path(self, path: str) -> str:
        first, _, rest = path.partition("?")[0].lstrip("/").partition("/")
        root = self.mounts.get(first)
        target = None if root is None else (root / rest).resolve()
        return str(target) if target is not None and target.is_relative_to(root) else "/nonexistent/file"  # type: ignore[arg-type]

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.send_header("Access-Control-Expose-Headers", "Content-Length, Content-Range")
        super().end_headers()

    def do_OPTIONS(self) -> None:
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        file = Path(self.translate_path(self.path))
        if not wanted.startswith("bytes=") or not file.is_file():
            return super().do_GET()
        data = file.read_bytes()
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) if last else len(data) - 1, len(data) - 1)
        self.send_response(206)
        self.send_header("Content-Type", self.guess_type(str(file)))
        self.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
        self.send_header("Content-Length", str(end - start + 1))
        self.end_headers()
        return self.wfile.write(data[start : end + 1])  # type: ignore[return-value]

    def log_message(self, *_: object) -> None:
        return


    def handle(self) -> None:
        # A player that changes its mind closes a connection midway.
        with suppress(ConnectionError):
            super().handle()


class _Licences(_Files):
    """POST /licence/clearkey, in the form of the W3C's Encrypted Media Extensions, 9.1.4."""

    def __init__(self, *args: object, keys: ContentKeys, asked: list[list[str]], **kwargs: object) -> None:
        self.keys = keys
        self.asked = asked
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body["kids"])
        ours = _base64url(self.keys.kid)
        granted = [{"kty": "oct", "kid": ours, "k": _base64url(self.keys.key)}] if ours in body["kids"] else []
        answer = json.dumps({"keys": granted, "type": "temporary"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@contextmanager
def serve_files(mounts: dict[str, Path]) -> Iterator[str]:
    """Serve folders by their first path element; the origin."""
    with _running(partial(_Files, mounts=mounts)) as origin:
        yield origin


@contextmanager
def serve_package(folder: Path, keys: ContentKeys, asked: list[list[str]]) -> Iterator[str]:
    """Serve a package at /package and its licences at /licence/clearkey; the origin."""
    with _running(partial(_Licences, mounts={"package": folder}, keys=keys, asked=asked)) as origin:
        yield origin


@contextmanager
def _running(handler: object) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:  # type: ignore[arg-type]
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
