"""A partner's server on 127.0.0.1 for tests: it answers by path as a test says, and remembers what it was asked."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "tv.partner.example"
"""Where the links of the items below lead."""


def work(called: str, *, kind: str = "Movie", **fields: Any) -> dict[str, Any]:
    """An item of a feed that is good, its @id made from its name, with what a test changes."""
    access = {"@type": "ActionAccessSpecification", "category": "free"}
    link = {"@type": "EntryPoint", "urlTemplate": f"https://{HOST}/watch/{{id}}"}
    made = {
        "@type": kind,
        "@id": f"urn:partner:{called.replace(' ', '-')}",
        "name": [{"@language": "fr", "@value": called}],
        "typicalAgeRange": "0-",
        "potentialAction": {"@type": "WatchAction", "target": link, "actionAccessibilityRequirement": [access]},
    }
    return {key: value for key, value in (made | fields).items() if value is not None}


def part_of(series: str, season: int, number: int, called: str, **fields: Any) -> dict[str, Any]:
    """An episode."""
    whole = {"@type": "TVSeries", "@id": f"urn:partner:{series.replace(' ', '-')}", "name": series}
    season_told = {"@type": "TVSeason", "seasonNumber": season}
    return work(called, kind="TVEpisode", partOfSeries=whole, partOfSeason=season_told, episodeNumber=number, **fields)


def access(category: str = "free", **fields: Any) -> dict[str, Any]:
    """The action of an item with one requirement."""
    told = {"@type": "ActionAccessSpecification", "category": category, **fields}
    return {"@type": "WatchAction", "target": f"https://{HOST}/x", "actionAccessibilityRequirement": told}


def document(works: Sequence[Any], **fields: Any) -> bytes:
    return json.dumps({"@context": "https://schema.org", "@type": "DataFeed", "dataFeedElement": list(works), **fields}).encode()


class Partner:
    """What the server answers: `pages` by path with query, with an ETag where `has_tags`; `answer` takes all over."""

    def __init__(self) -> None:
        self.origin = ""
        self.pages: dict[str, bytes] = {}
        self.has_tags = True
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] | None = None

    @property
    def url(self) -> str:
        return f"{self.origin}/feed"

    def tell(self, *works: Any, **fields: Any) -> None:
        """The whole feed in one part."""
        self.pages["/feed"] = document(works, **fields)

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append((request.path, {name.lower(): value for name, value in request.headers.items()}))
        if self.answer is not None:
            self.answer(request)
            return
        body = self.pages.get(request.path)
        if body is None:
            request.send_error(404)
            return
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.has_tags and request.headers.get("If-None-Match") == tag:
            request.send_response(304)
            request.end_headers()
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        if self.has_tags:
            request.send_header("ETag", tag)
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def partner_server() -> Iterator[Partner]:
    partner = Partner()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                partner.serve(self)
            except OSError:  # the reader has hung up
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    partner.origin = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield partner
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
