"""Feeds out over HTTP: an operator's services for any television, a service's titles for its publisher's partners."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, Parameter

from matinee.base.clock import Clock, Instant, from_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import OperatorId, ServiceId, is_id
from matinee.base.pagination import MAX_PAGE
from matinee.base.party import ANYONE, PUBLISHERS
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.answers import AnyRequest, revalidated, revalidated_for_all
from matinee.catalogue.model import Service
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.model import Operator
from matinee.fleet.snapshot import Fleet
from matinee.home import service_list as dvb_i
from matinee.home import watch_actions
from matinee.home.ranking_told import RankingTold, ranking_told
from matinee.home.service_list import ListedService, service_list
from matinee.home.watch_actions import WatchFeed, watch_feed
from matinee.outside.database import Database
from matinee.parties.snapshot import Publishers

FEED_PAGE = 50


def routes(
    carriage: Carriage,
    fleet: Fleet,
    catalogue: Catalogue,
    publishers: Publishers,
    database: Database,
    web_origin: str,
    clock: Clock,
) -> Sequence[HTTPRouteHandler]:
    def operator_of(text: str) -> Operator:
        operator = fleet.operator(OperatorId(text)) if is_id(text) else None
        if operator is None:
            raise NotFound("There is no such operator.", remedy="Send an operator's id.")
        return operator

    def own_service(request: AnyRequest, text: str) -> Service:
        service = catalogue.view.services.get(ServiceId(text)) if is_id(text) else None
        if service is None or service.publisher != request.user.publisher:
            raise NotFound("There is no such service of yours.", remedy="Send the id of one of your services.")
        return service

    def listed(operator: Operator, now: Instant) -> list[ListedService]:
        services = catalogue.view.services
        return [
            ListedService(
                id=service.id,
                name=service.name,
                provider=publishers.name_of(service.publisher),
                since=one.since,
                until=one.until,
            )
            for one in carriage.carried_openly(operator, now)
            if (service := services.get(one.service)) is not None
        ]

    # A reader of DVB-I has no account: what is here is public, and so holds only what every viewer of the operator may hear.
    @get(
        "/api/v1/operators/{operator:str}/service-list.xml",
        opt={"policy": ANYONE},
        media_type=dvb_i.MEDIA_TYPE,
        sync_to_thread=True,
    )
    def get_service_list(request: AnyRequest, operator: FromPath[str]) -> Response[bytes]:
        """The services that an operator carries for all to know, as a DVB-I service list."""
        found = operator_of(operator)
        return revalidated_for_all(request, service_list(found, listed(found, clock()), web_origin), dvb_i.MEDIA_TYPE)

    @get(
        "/api/v1/services/{service_id:str}/watch-actions",
        opt={"policy": PUBLISHERS},
        media_type=watch_actions.MEDIA_TYPE,
        sync_to_thread=True,
    )
    def get_watch_actions(
        request: AnyRequest,
        service_id: FromPath[str],
        operator: Annotated[
            str | None, Parameter(max_length=64, description="Only what may be watched at this operator.")
        ] = None,
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = FEED_PAGE,
    ) -> Response[WatchFeed]:
        """The titles of one of the publisher's own services with their deep links, as schema.org's WatchAction."""
        view = catalogue.view
        service = own_service(request, service_id)
        where = None if operator is None else operator_of(operator)
        provider = publishers.name_of(service.publisher)
        feed = watch_feed(view, service, provider, where, clock(), web_origin, cursor, limit)
        return revalidated(request, feed, watch_actions.MEDIA_TYPE)

    @get("/api/v1/ranking", opt={"policy": PUBLISHERS}, sync_to_thread=True)
    def get_ranking(
        request: AnyRequest,
        service: Annotated[str, Parameter(max_length=64)],
        operator: Annotated[str, Parameter(max_length=64)],
        at: Annotated[str | None, Parameter(max_length=40)] = None,
    ) -> Response[RankingTold]:
        """The places of one of the publisher's own services in an operator's rows, with the rule and what decided them."""
        found, where, now = own_service(request, service), operator_of(operator), clock()
        try:
            moment = now if at is None else from_rfc3339(at)
        except (ValueError, OverflowError) as error:
            raise InvalidRequest(
                f"at is no moment: {at!r}.", remedy="Write it as 2014-10-02T08:00:00Z (with a + sign as %2B)."
            ) from error
        told, _ = ranking_told(database, found.id, where.id, moment, now)
        return revalidated(request, told)

    return [get_service_list, get_watch_actions, get_ranking]
