"""What a viewer is told, before OK, of a title that does not play for this home: that a plan is needed, and who sells it."""

from collections.abc import Callable, Iterable

import msgspec

from matinee.base.ids import ServiceId
from matinee.catalogue.model import Seller, Title
from matinee.catalogue.view import CatalogueView

Needed = Callable[[ServiceId], Seller | None]
"""`model.Plans.seller_needed`, for who asks now."""


class PlanNeededTold(msgspec.Struct, frozen=True, kw_only=True):
    """`seller`: "us" (the service itself) or "operator" (on the bill of the home's operator)."""

    service_id: str
    service_name: str
    seller: str


def plan_for(view: CatalogueView, title: Title, needed: Needed) -> PlanNeededTold | None:
    """The plan that this title asks for. What lies with a partner asks for none here: the partner asks by itself."""
    return None if title.partner is not None else _told(view, title.service, needed)


def plans_among(view: CatalogueView, services: Iterable[ServiceId], needed: Needed) -> list[PlanNeededTold]:
    """The plans that are needed for what plays here of these services, by the services' ids."""
    found = ((service, _told(view, service, needed)) for service in sorted(services))
    return [one for service, one in found if one is not None and _plays_here(view, service)]


def _plays_here(view: CatalogueView, service: ServiceId) -> bool:
    """By its newest title: a service's titles are all a partner's, or all here."""
    newest = next(view.titles_of(service), None)
    return newest is not None and newest[1].partner is None


def _told(view: CatalogueView, service: ServiceId, needed: Needed) -> PlanNeededTold | None:
    seller, known = needed(service), view.services.get(service)
    if seller is None:
        return None
    return PlanNeededTold(service_id=service, service_name="" if known is None else known.name, seller=seller.value)
