"""Who is asking, and what each of them likes: the household behind a screen."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from matinee.base.clock import Clock, Instant
from matinee.base.errors import NotFound
from matinee.base.ids import HouseholdId, ProfileId
from matinee.base.party import SCREENS
from matinee.catalogue.answers import AnyRequest, revalidated
from matinee.fleet.model import HELD, Box, BoxModel
from matinee.fleet.snapshot import Fleet
from matinee.members import consent_api, pin_api, profile_api, store
from matinee.members.consents import KeptConsents
from matinee.members.model import CarriedServices, ProfileNotFound
from matinee.members.snapshot import Members
from matinee.members.wire import UiLanguage, WireProfile, told_profile, told_profiles
from matinee.outside.database import Database

DEFAULT_LANGUAGE = "fr"

Tag = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]


class WireBox(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    model: str
    label: str
    held: bool
    """Whether staff must check the box first: until then no service is visible to it."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The screen's household, as its screens need it. `box` is null on the web and a phone; `boxes` are all at its lines.

    `kept_on` is the kids' profile that was opened on this screen, which it shows until another one is chosen.
    """

    party: str
    household_id: str
    box: WireBox | None
    boxes: list[WireBox]
    operator: Named | None
    language: str
    profiles: list[WireProfile]
    has_pin: bool
    kept_on: str | None
    services: list[Named]


class PreferencesBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is; a null subtitle language is none wanted."""

    audio_language: Tag | UnsetType = UNSET
    subtitle_language: Tag | UnsetType | None = UNSET
    language: UiLanguage | UnsetType = UNSET


def routes(
    members: Members, fleet: Fleet, carried: CarriedServices, consents: KeptConsents, database: Database, clock: Clock
) -> Sequence[HTTPRouteHandler | Router]:
    def _boxes_of(household: HouseholdId, now: Instant) -> list[WireBox]:
        at_lines = [one for line in members.lines_of(household, now) for one in fleet.boxes_at(line, now)]
        found = [box for one in at_lines if (box := fleet.box(one)) is not None]
        return [_wire_box(box, fleet.model(box.model)) for box in found]

    @get("/api/v1/me", opt={"policy": SCREENS})
    async def get_me(request: AnyRequest) -> Response[Me]:
        """The household behind this screen: its profiles, its box, and the services that it may see."""
        party = request.user
        if party.household is None:
            raise NotFound("This box stands at no household's line.", remedy="Have the operator assign it.")
        box, now = fleet.box(party.box), clock()
        operator = fleet.operator(party.operator)
        known = members.profiles(party.household)
        me = Me(
            party=party.kind.value,
            household_id=party.household,
            box=_wire_box(box, fleet.model(box.model)) if box is not None else None,
            boxes=_boxes_of(party.household, now),
            operator=Named(id=operator.id, name=operator.name) if operator else None,
            language=known[0].language if known else DEFAULT_LANGUAGE,
            profiles=told_profiles(members, party),
            has_pin=members.guard.has_pin(party.household),
            kept_on=kids.id if (kids := members.kids_here(party)) is not None else None,
            services=[Named(id=service.id, name=service.name) for service in carried.services_of(party, now)],
        )
        return revalidated(request, me)

    @put("/api/v1/profiles/{profile_id:str}/preferences", opt={"policy": SCREENS}, sync_to_thread=True)
    def put_preferences(request: AnyRequest, profile_id: FromPath[str], data: JSONBody[PreferencesBody]) -> WireProfile:
        """Change a profile's languages; what the body leaves out stays."""
        if request.user.household is None:
            raise ProfileNotFound
        members.opened(request.user, profile_id, clock())
        changes: dict[str, Any] = {k: v for k, v in msgspec.structs.asdict(data).items() if v is not UNSET}
        with database.write() as conn:
            changed = store.change_preferences(conn, request.user.household, ProfileId(profile_id), changes, clock())
        return told_profile(members, request.user, changed)

    return [
        get_me,
        put_preferences,
        *profile_api.routes(members, database, clock),
        *pin_api.routes(members, database, clock),
        *consent_api.routes(members, consents, database, clock),
    ]


def _wire_box(box: Box, model: BoxModel | None) -> WireBox:
    return WireBox(id=box.id, model=model.name if model else "", label=box.label, held=box.identity in HELD)
