"""The way of a browser to its operator's own sign-in, and back."""

import asyncio
import hmac
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from matinee.base.clock import SECOND
from matinee.base.errors import MatineeError, TooManyRequests
from matinee.base.ids import OperatorId
from matinee.base.party import ANYONE
from matinee.catalogue.answers import AnyRequest
from matinee.members.sign_in.access import VISIT_MS, BrowserSignedIn, OperatorVisit
from matinee.members.sign_in.api import parameters_of
from matinee.members.sign_in.model import NoHousehold, SignInError
from matinee.members.sign_in.pages import (
    ACTIVATE,
    AUTHORIZE,
    Pages,
    asked_once,
    is_page_of_ours,
    label_for,
    page_for,
    sent_on,
    start_at,
)
from matinee.parties.attempts import Attempts, Budget

RETURNS: Final = Budget(burst=3, refill_ms=VISIT_MS)
"""Of one visit: a page that is loaded again. Each costs a call to the operator."""
STARTS: Final = Budget(burst=2_000, refill_ms=SECOND // 100)
"""Visits that begin in one process: each costs a signature, which anybody can ask for."""
log = structlog.get_logger("matinee.sign_in")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def routes(pages: Pages) -> Sequence[HTTPRouteHandler]:
    operators, signer, clock = pages.operators, pages.server.signer, pages.clock

    starts = Attempts(Budget(burst=1_000_000, refill_ms=1), STARTS)
    returns = Attempts(RETURNS, Budget(burst=1_000_000, refill_ms=1))

    def kept(visit: OperatorVisit | None) -> list[Cookie]:
        """What a browser keeps while it is away; with None it forgets what it kept."""
        value, seconds = ("", 0) if visit is None else (signer.visit_cookie(visit), VISIT_MS // SECOND)
        return [pages.made(pages.visit, value, seconds)]

    def goes_on(visit: OperatorVisit, who: BrowserSignedIn) -> str:
        """Where a browser that was signed in goes on: back to its operator once more, where that is to ask anew."""
        if not visit.then.startswith(AUTHORIZE):
            return visit.then
        asked = parameters_of(urlsplit(visit.then).query)
        if visit.anew:
            return asked_once(asked)
        client = pages.server.sign_ins.client(asked.get("client_id", ""))
        is_again = client is not None and client.is_ours and pages.is_stale(who)
        return start_at(visit.operator, visit.then, anew=True) if is_again else visit.then

    @get("/sign-in/{operator_id:str}", opt={"policy": ANYONE}, include_in_schema=False)
    async def start(request: AnyRequest, operator_id: FromPath[str]) -> Response[Any]:
        then = str(request.query_params.get("then", ACTIVATE))
        if not is_page_of_ours(then):
            return pages.told(page_for(request), "broken", status=400)
        try:
            anew = request.query_params.get("anew") == "1"
            location, visit = operators.begin(OperatorId(operator_id), then, anew=anew)
            starts.take("", clock())
        except SignInError:
            return pages.told(page_for(request), "broken", status=404)
        except TooManyRequests as error:
            return pages.told(page_for(request), "busy", status=429, seconds=error.retry_after)
        return sent_on(location, await asyncio.to_thread(kept, visit))

    @get("/sign-in/{operator_id:str}/done", opt={"policy": ANYONE}, include_in_schema=False)
    async def done(request: AnyRequest, operator_id: FromPath[str]) -> Response[Any]:
        page, visit = page_for(request), signer.visit(request.cookies.get(pages.visit, ""), clock())
        try:
            told = parameters_of(request.scope["query_string"].decode("latin-1"))
        except SignInError:
            return pages.told(page, "broken", status=400)
        # Whoever sends a browser here that was never sent away changes nothing of what it keeps.
        if visit is None or visit.operator != operator_id or not _same(told.get("state", ""), visit.state):
            return pages.told(page, "over", status=400)
        name, back = operators.name_of(visit.operator), visit.then
        if "error" in told or not told.get("code"):  # they said no there, or it could not ask them
            return pages.told(page, "failed", status=403, back=back, operator=name, cookies=kept(None))
        try:
            returns.take(visit.state, clock())
            who = await operators.finish(visit, told, label_for(request))
            return sent_on(goes_on(visit, who), [*kept(None), pages.signed_in_cookie(who)])
        except NoHousehold:
            return pages.told(page, "no_home", status=403, back=back, operator=name, cookies=kept(None))
        except TooManyRequests as error:
            return pages.told(page, "busy", status=429, seconds=error.retry_after)  # the visit stays: the page may be sent again
        except MatineeError as error:
            log.warning("an operator did not sign a browser in", operator=visit.operator, why=error.message)
            return pages.told(page, "failed", status=502, back=back, operator=name, cookies=kept(None))

    return [start, done]
