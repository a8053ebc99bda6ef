"""What was measured of a title's film, for its publisher: as values, and as a page that stands alone.

Another publisher is told what it is told of a title that does not exist.
"""

from collections.abc import Sequence

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.engine import Connection

from matinee.base.errors import NotAllowed, NotFound
from matinee.base.ids import PublisherId, TitleId, is_id
from matinee.base.party import PUBLISHERS
from matinee.catalogue import store
from matinee.catalogue.answers import AnyRequest, revalidated
from matinee.catalogue.model import Language, Title, TitleNotFound
from matinee.catalogue.rules import name_of
from matinee.encoding.analysis_report import AnalysisReport, Delivered, report_html, report_of
from matinee.library import store as library_store
from matinee.library.model import TrackKind
from matinee.outside.database import Database

_ANY = Language("")


class NoReport(NotFound):
    """A title whose film was not analysed, or not by a version that is still read."""


def report_on(conn: Connection, title: Title) -> AnalysisReport:
    """What was measured of a title's film, beside what its package holds. Raises NoReport."""
    found = None if title.playable is None else library_store.analysis_of(conn, title.playable.package)
    if title.playable is None or found is None:
        raise NoReport(
            f"{name_of(title, _ANY)} was not analysed.",
            remedy="Films are, that are added with a ladder which measures (the setting ladder).",
        )
    files = library_store.get(conn, title.playable.package).files
    delivered = [
        Delivered(name=track.name, average=track.average, peak=track.peak)
        for track in (() if files is None else files.tracks)
        if track.kind is TrackKind.VIDEO and track.average
    ]
    return report_of(name_of(title, _ANY), found, delivered)


def routes(database: Database) -> Sequence[HTTPRouteHandler]:
    def asked(publisher: PublisherId | None, title_id: str) -> AnalysisReport:
        if publisher is None:
            raise NotAllowed("This key belongs to no publisher.")
        if not is_id(title_id):
            raise TitleNotFound
        with database.read() as conn:
            title = store.load_title(conn, TitleId(title_id))
            if title.publisher != publisher:
                raise TitleNotFound
            return report_on(conn, title)

    @get("/api/v1/titles/{title_id:str}/analysis", opt={"policy": PUBLISHERS}, sync_to_thread=True)
    def get_analysis(request: AnyRequest, title_id: FromPath[str]) -> Response[AnalysisReport]:
        """What was measured of a title's film: every encode with its rate and VMAF, the rungs chosen, what was delivered."""
        return revalidated(request, asked(request.user.publisher, title_id))

    @get("/api/v1/titles/{title_id:str}/report", opt={"policy": PUBLISHERS}, sync_to_thread=True)
    def get_report(request: AnyRequest, title_id: FromPath[str]) -> Response[str]:
        """The same as a page: the hull, the ladder, the film's timeline."""
        page = report_html(asked(request.user.publisher, title_id))
        return Response(page, media_type="text/html", headers={"Cache-Control": "private, no-store"})

    return [get_analysis, get_report]
