"""Routes that are nobody's feature: pictures, what is under way, the landing page, health, metrics, the local authority."""

import base64
import hashlib
import html
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from prometheus_client import CONTENT_TYPE_LATEST

from matinee.base.errors import NotAllowed, NotFound
from matinee.base.ids import is_id
from matinee.base.party import ANYONE, PUBLISHERS
from matinee.catalogue import progress
from matinee.catalogue.answers import AnyRequest
from matinee.catalogue.snapshot import Catalogue
from matinee.outside.database import Database
from matinee.outside.objects import ObjectMissing, ObjectStore
from matinee.telemetry.metrics import CountersByPublisher

PICTURES = frozenset({"poster.jpg", "poster-320.jpg", "backdrop.jpg", "backdrop-960.jpg", "tile.jpg"})
PICTURE_MEMORY_BYTES = 64 * 1024 * 1024


class IngestStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An ingest under way; `fraction` is of its stage, from 0 to 1."""

    name: str
    stage: str
    fraction: float


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there is something to watch, and what is coming."""

    ready: bool
    ingests: list[IngestStatus]


class Pictures:
    """Published pictures with the hottest in memory, bounded by bytes. Safe from threads."""

    def __init__(self, published: ObjectStore) -> None:
        self._published = published
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, path: str) -> bytes:
        """One picture. Raises NotFound."""
        with self._lock:
            if path in self._held:
                self._held.move_to_end(path)
                return self._held[path]
        try:
            data = self._published.get(path)
        except ObjectMissing as error:
            raise NotFound("There is no such picture.") from error
        with self._lock:
            if path not in self._held:
                self._held[path] = data
                self._bytes += len(data)
            while self._bytes > PICTURE_MEMORY_BYTES:
                self._bytes -= len(self._held.popitem(last=False)[1])
        return data


def routes(
    *,
    database: Database,
    pictures: Pictures,
    catalogue: Catalogue,
    shows_progress: bool,
    landing: Callable[[], str],
    authority: Path | None,
    counters: CountersByPublisher,
) -> list[HTTPRouteHandler]:
    """`shows_progress` tells everyone what is being ingested: right for a demo, a leak of film names anywhere else."""

    @get("/artwork/{artwork:str}/{name:str}", opt={"policy": ANYONE}, sync_to_thread=True)
    def picture(
        artwork: Annotated[str, Parameter(max_length=64)], name: Annotated[str, Parameter(max_length=64)]
    ) -> Response[bytes]:
        """A title's picture. Its id is random and never means another picture: keep it for ever."""
        if not is_id(artwork) or name not in PICTURES:
            raise NotFound("There is no such picture.")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(pictures.get(f"artwork/{artwork}/{name}"), media_type="image/jpeg", headers=headers)

    @get("/api/v1/status", opt={"policy": ANYONE}, sync_to_thread=True)
    def status() -> Response[Status]:
        """What the screens show while the first films are being made."""
        rows = []
        if shows_progress:
            with database.read() as conn:
                rows = list(progress.under_way(conn))
        ready = bool(catalogue.view.titles) if shows_progress else True
        told = Status(
            ready=ready,
            ingests=[IngestStatus(name=row.name, stage=row.stage, fraction=round(row.fraction, 3)) for row in rows],
        )
        return Response(told, headers={"Cache-Control": "no-store"})

    @get("/", opt={"policy": ANYONE}, include_in_schema=False)
    async def landing_page() -> Response[str]:
        return Response(landing(), media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"})

    @get("/healthz", opt={"policy": ANYONE}, include_in_schema=False)
    async def health() -> Response[str]:
        return Response("ok\n", media_type="text/plain", headers={"Cache-Control": "no-store"})

    @get("/metrics", opt={"policy": PUBLISHERS}, include_in_schema=False)
    async def metrics(request: AnyRequest) -> Response[bytes]:
        """The publisher's own counters: those of all would tell what another has not announced.

        Nothing is for an operator: a counter is of a publisher's plays at every operator, and tells of none.
        """
        if request.user.publisher is None:
            raise NotAllowed("This token belongs to no publisher.")
        return Response(counters.told_to(request.user.publisher), media_type=CONTENT_TYPE_LATEST)

    @get("/authority.pem", opt={"policy": ANYONE}, include_in_schema=False, sync_to_thread=True)
    def authority_certificate() -> Response[bytes]:
        if authority is None:
            raise NotFound("This installation has no local authority.")
        return Response(authority.read_bytes(), media_type="application/x-x509-ca-cert")

    return [picture, status, landing_page, health, metrics, authority_certificate]


def landing_html(lines: list[tuple[str, str, str]]) -> str:
    """A plain page of (name, what it is, address). Without addresses it names the product and gives nothing away."""
    links = "".join(
        f'<li><a href="{html.escape(address, quote=True)}">{html.escape(name)}</a><p>{html.escape(what)}</p></li>'
        for name, what, address in lines
    )
    return _PAGE.replace("LINKS", links)


_STYLE = """
body{margin:0;min-height:100vh;display:grid;place-content:center;background:#0d0e12;color:#f2efe9;
font:18px/1.5 system-ui,sans-serif}h1{font-weight:600;letter-spacing:-.02em;font-size:3rem;margin:0 0 2rem}
ul{list-style:none;padding:0;margin:0;display:grid;gap:1.25rem}a{color:#f5c16c;font-size:1.3rem;text-decoration:none}
a:focus-visible,a:hover{text-decoration:underline}p{margin:.1rem 0 0;color:#a8a59e}"""
_PAGE = f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Matinee</title><style>{_STYLE}</style><main><h1>Matinee</h1><ul>LINKS</ul></main></html>"""


def page_policy(edge_origin: str, inline_styles: Sequence[str]) -> str:
    """The Content-Security-Policy of every answer: our own scripts and styles, and pictures and streams of the edge.

    `inline_styles` are the texts of the style elements that our pages hold; each is allowed by its hash.
    """
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (_STYLE, *inline_styles)]
    styles = " ".join(f"'sha256-{text}'" for text in hashes)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' {styles}",
            f"img-src 'self' data: blob: {edge_origin}",
            "font-src 'self'",
            f"connect-src 'self' {edge_origin}",
            f"media-src 'self' blob: {edge_origin}",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
