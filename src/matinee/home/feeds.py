"""Feeds out over HTTP: an operator's services for any television."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from matinee.base.clock import Clock, Instant
from matinee.base.errors import NotFound
from matinee.base.ids import OperatorId, is_id
from matinee.base.party import ANYONE
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.answers import AnyRequest, revalidated_for_all
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.model import Operator
from matinee.fleet.snapshot import Fleet
from matinee.home import service_list as dvb_i
from matinee.home.service_list import ListedService, service_list
from matinee.parties.snapshot import Publishers


def routes(
    carriage: Carriage, fleet: Fleet, catalogue: Catalogue, publishers: Publishers, web_origin: str, clock: Clock
) -> Sequence[HTTPRouteHandler]:
    def operator_of(text: str) -> Operator:
        operator = fleet.operator(OperatorId(text)) if is_id(text) else None
        if operator is None:
            raise NotFound("There is no such operator.", remedy="Send an operator's id.")
        return operator

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

    return [get_service_list]
