"""What a profile agrees to, over HTTP."""

from collections.abc import Sequence

import msgspec
from litestar import Router, get, put
from litestar.params import FromPath, JSONBody

from matinee.base.clock import Clock, to_rfc3339
from matinee.base.ids import ProfileId
from matinee.base.party import SCREENS
from matinee.catalogue.answers import AnyRequest
from matinee.members import consent_store
from matinee.members.consent_store import Purpose
from matinee.members.consents import KeptConsents
from matinee.members.snapshot import Members
from matinee.outside.database import Database


class ConsentSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    purpose: Purpose
    given: bool


class ConsentTold(msgspec.Struct, frozen=True, kw_only=True):
    """`since` null: not given. What is needed is not asked, and so is given from the start."""

    purpose: str
    asked: bool
    given: bool
    since: str | None


class Consents(msgspec.Struct, frozen=True, kw_only=True):
    consents: list[ConsentTold]


def routes(members: Members, kept: KeptConsents, database: Database, clock: Clock) -> Sequence[Router]:
    def _told(profile: ProfileId) -> Consents:
        with database.read() as conn:
            given = consent_store.given_by(conn, profile)
        told = [ConsentTold(purpose=Purpose.NEEDED.value, asked=False, given=True, since=None)]
        for purpose, since in given.items():
            moment = None if since is None else to_rfc3339(since)
            told.append(ConsentTold(purpose=purpose.value, asked=True, given=since is not None, since=moment))
        return Consents(consents=told)

    @get("/profiles/{profile_id:str}/consents", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_consents(request: AnyRequest, profile_id: FromPath[str]) -> Consents:
        """What a profile agrees to, purpose by purpose."""
        return _told(members.opened(request.user, profile_id, clock()).id)

    @put("/profiles/{profile_id:str}/consents", opt={"policy": SCREENS}, sync_to_thread=True)
    def put_consent(request: AnyRequest, profile_id: FromPath[str], data: JSONBody[ConsentSaid]) -> Consents:
        """Agree to a purpose, or do so no more."""
        one = members.opened(request.user, profile_id, clock())
        with database.write() as conn:
            consent_store.give(conn, one.household, one.id, data.purpose, given=data.given, now=clock())
        kept.forget(one.id)
        return _told(one.id)

    return [Router(path="/api/v1", route_handlers=[get_consents, put_consent])]
