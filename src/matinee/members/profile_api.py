"""The household's people over HTTP: made, changed, put in order, deleted, and chosen on a screen."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, delete, patch, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from matinee.base.clock import Clock
from matinee.base.ids import HouseholdId, ProfileId
from matinee.base.party import SCREENS, Party
from matinee.catalogue.answers import AnyRequest
from matinee.catalogue.model import AgeClass, Language
from matinee.members import pin_store, profile_store
from matinee.members.model import Profile, ProfileNotFound
from matinee.members.profile_store import NewProfile
from matinee.members.snapshot import Members
from matinee.members.wire import UiLanguage, WireProfile, told_profiles
from matinee.outside.database import Database

Words = Annotated[str, msgspec.Meta(max_length=200)]
Request = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9 ._-]{8,64}$")]


class ProfileMade(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`request`: a random word of the screen's own, the same when it asks again for want of an answer."""

    request: Request
    name: Words
    color: Words
    language: UiLanguage
    age_class: int = 18
    avatar: Words = ""
    kids: bool = False


class ProfileChanged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays."""

    name: Words | UnsetType = UNSET
    color: Words | UnsetType = UNSET
    avatar: Words | UnsetType = UNSET
    language: UiLanguage | UnsetType = UNSET
    age_class: int | UnsetType = UNSET
    kids: bool | UnsetType = UNSET


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    profile_ids: Annotated[list[Words], msgspec.Meta(max_length=20)]


class Profiles(msgspec.Struct, frozen=True, kw_only=True):
    """All of the household's profiles as they now are, and the one that was meant."""

    profile: WireProfile | None
    profiles: list[WireProfile]


def routes(members: Members, database: Database, clock: Clock) -> Sequence[Router]:
    guard = members.guard

    def _home(party: Party) -> HouseholdId:
        if party.household is None:
            raise ProfileNotFound
        return party.household

    def _told(party: Party, meant: str = "") -> Profiles:
        """After a change: this process reads it at once, and does not wait for its own event."""
        household = _home(party)
        with database.read() as conn:
            members.renew(conn, [household])
        found = told_profiles(members, party)
        return Profiles(profile=next((one for one in found if one.id == meant), None), profiles=found)

    there_already = ResponseSpec(data_container=Profiles, generate_examples=False, description="This request made it before.")

    @post("/profiles", opt={"policy": SCREENS}, sync_to_thread=True, responses={200: there_already})
    def make_profile(request: AnyRequest, data: JSONBody[ProfileMade]) -> Response[Profiles]:
        """Make a profile, the fifth at the most. 201, and 200 where this request made it before."""
        party, now = request.user, clock()
        household = _home(party)
        guard.check_change(party, now)
        told = NewProfile(
            request=data.request,
            name=data.name,
            color=data.color,
            age_class=AgeClass(data.age_class),
            language=Language(data.language),
            avatar=data.avatar,
            kids=data.kids,
        )
        with database.write() as conn:
            made, is_new = profile_store.make(conn, household, told, now)
        return Response(_told(party, made.id), status_code=201 if is_new else 200)

    @patch("/profiles/{profile_id:str}", opt={"policy": SCREENS}, sync_to_thread=True)
    def change_profile(request: AnyRequest, profile_id: FromPath[str], data: JSONBody[ProfileChanged]) -> Profiles:
        """Change what is named. The PIN is asked for an age class and for the kids' flag."""
        party, now = request.user, clock()
        before = _to_change(party, profile_id)
        changes: dict[str, Any] = {k: v for k, v in msgspec.structs.asdict(data).items() if v is not UNSET}
        asked = any(changes.get(field, getattr(before, field)) != getattr(before, field) for field in ("age_class", "kids"))
        if asked:
            guard.check_change(party, now)
        with database.write() as conn:
            profile_store.change(conn, _home(party), before.id, changes, now)
        return _told(party, before.id)

    def _to_change(party: Party, profile: str) -> Profile:
        """One that this screen may open, or any where it may change the household."""
        if guard.may_change(party, clock()):
            return members.profile(party.household, profile)
        return members.opened(party, profile, clock())

    @delete("/profiles/{profile_id:str}", opt={"policy": SCREENS}, status_code=200, sync_to_thread=True)
    def delete_profile(request: AnyRequest, profile_id: FromPath[str]) -> Profiles:
        """Delete a profile with all that it watched. Who remains; the same where there is none of that id (any more)."""
        party, now = request.user, clock()
        household = _home(party)
        guard.check_change(party, now)
        with database.write() as conn:
            profile_store.delete(conn, household, ProfileId(profile_id), now)
        return _told(party)

    @put("/profiles", opt={"policy": SCREENS}, sync_to_thread=True)
    def arrange_profiles(request: AnyRequest, data: JSONBody[Order]) -> Profiles:
        """Put the household's profiles into an order."""
        party, now = request.user, clock()
        household = _home(party)
        if members.kids_here(party) is not None:
            guard.check_change(party, now)
        with database.write() as conn:
            profile_store.arrange(conn, household, data.profile_ids, now)
        return _told(party)

    @post("/profiles/{profile_id:str}/choose", opt={"policy": SCREENS}, status_code=200, sync_to_thread=True)
    def choose_profile(request: AnyRequest, profile_id: FromPath[str]) -> Profiles:
        """Open a profile on this screen. Where that is a kids' profile, the PIN is asked to open another one here."""
        party, now = request.user, clock()
        one = members.opened(party, profile_id, now)
        kept = guard.kept_on(party)
        wanted = one.id if one.kids else None
        if kept != wanted:
            with database.write() as conn:
                pin_store.settle_screen(conn, party.screen, one.household, wanted, now)
        return _told(party, one.id)

    return [
        Router(path="/api/v1", route_handlers=[make_profile, change_profile, delete_profile, arrange_profiles, choose_profile])
    ]
