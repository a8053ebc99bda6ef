"""Signing in and out, who one is then, and the audit of one's own side."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, Parameter

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.ids import OperatorId
from matinee.base.pagination import MAX_PAGE, decode_cursor, encode_cursor
from matinee.base.party import ANYONE, SIDES, STAFF, Party
from matinee.outside.database import Database
from matinee.parties import audit, staff_store
from matinee.parties.model import SignInRefused, StaffAccount
from matinee.parties.sign_in import SignIn
from matinee.parties.snapshot import Publishers, Staff

PRIVATE = {"Cache-Control": "private, no-store"}

_LAST_NUMBER = 2**62  # more than any database would hold, and less than what one cannot be asked for

StaffRequest = Request[Party, Any, Any]


class SignInBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class StaffMe(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its person sees it. `publisher` or `operator` is the id of its side; `reads_all`: it reads every side."""

    id: str
    name: str
    role: str
    publisher: str | None
    publisher_name: str | None
    operator: OperatorId | None
    reads_all: bool
    expires_at: str


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """`token` is shown this once: send it as Authorization: Bearer TOKEN."""

    token: str
    me: StaffMe


class WireAuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of one's own chain. Its seal is SHA-256, in hexadecimal, of the ASCII JSON of [the seal before it, number, at in
    milliseconds since 1970, actor, action, subject, detail], keys sorted, ", " and ": " between; before the first are 64 zeros.

    `stands`: it carries the seal of its own words. `at` and `detail` are null where they can be read no more.
    """

    number: int
    at: str | None
    actor: str
    action: str
    subject: str
    detail: dict[str, Any] | None
    seal: str
    stands: bool


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[WireAuditRow]
    next_cursor: str | None


def routes(sign_in: SignIn, staff: Staff, publishers: Publishers, database: Database, clock: Clock) -> Sequence[HTTPRouteHandler]:
    def told(account: StaffAccount, expires_at: str) -> StaffMe:
        seat = account.seat
        return StaffMe(
            id=account.id,
            name=account.name,
            role=seat.role.value,
            publisher=seat.publisher,
            publisher_name=None if seat.publisher is None else publishers.name_of(seat.publisher),
            operator=seat.operator,
            reads_all=seat.reads_all,
            expires_at=expires_at,
        )

    @post("/api/v1/staff/session", opt={"policy": ANYONE}, status_code=200)
    async def begin_session(data: JSONBody[SignInBody]) -> Response[SignedIn]:
        """Sign in with an account's name and password. A wrong name and a wrong password read alike."""
        token, account, session = await sign_in.begin(data.name, data.password)
        return Response(SignedIn(token=token, me=told(account, to_rfc3339(session.expires_at))), headers=PRIVATE)

    @delete("/api/v1/staff/session", opt={"policy": STAFF}, sync_to_thread=True)
    def end_session(request: StaffRequest) -> None:
        """Sign out: the token that this is asked with is worth nothing any more."""
        with database.write() as conn:
            staff_store.end_session(conn, request.user.session, clock())
        staff.forget(request.user.session)

    @get("/api/v1/staff/me", opt={"policy": STAFF})
    async def get_staff_me(request: StaffRequest) -> Response[StaffMe]:
        """Who is signed in, for which side, and until when."""
        session, account = staff.session(request.user.session), staff.account(request.user.staff)
        if session is None or account is None:  # ended since this request came in
            raise SignInRefused
        return Response(told(account, to_rfc3339(session.expires_at)), headers=PRIVATE)

    @get("/api/v1/audit", opt={"policy": SIDES}, sync_to_thread=True)
    def list_audit(
        request: StaffRequest,
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response[AuditPage]:
        """What was done to the rights of one's own side, and by whom, newest first; each row sealed to the one before it."""
        side = request.user.side
        before = None if cursor is None else max(0, min(int(decode_cursor(cursor, int)[0]), _LAST_NUMBER))
        rows: Sequence[audit.AuditRow] = ()
        if side.is_all or side.key is not None:
            with database.read() as conn:
                rows = audit.page_of(conn, side.key, before, limit + 1)
        items = [_wire(row) for row in rows[:limit]]
        next_cursor = encode_cursor(items[-1].number) if len(rows) > limit else None
        return Response(AuditPage(items=items, next_cursor=next_cursor), headers=PRIVATE)

    return [begin_session, end_session, get_staff_me, list_audit]


def _wire(row: audit.AuditRow) -> WireAuditRow:
    return WireAuditRow(
        number=row.number,
        at=_moment(row.at),
        actor=str(row.actor or ""),
        action=str(row.action or ""),
        subject=str(row.subject or ""),
        detail=row.detail if isinstance(row.detail, dict) else None,
        seal=row.seal,
        stands=row.stands,
    )


def _moment(at: object) -> str | None:
    """The wire form; None for what a hand that touched the row left in its place."""
    try:
        return to_rfc3339(Instant(at)) if isinstance(at, int) else None
    except (ValueError, OverflowError):
        return None
