"""OFREP 0.3, the OpenFeature Remote Evaluation Protocol: any stranger's client may ask whether a box has a service.

A flag is a service, by its id; `targetingKey` is a box's id. The value is whether the box has the service now. `reason` is
DISABLED where the launch is switched off, SPLIT where the launch's share decided, else TARGETING_MATCH. Errors have the
protocol's own shape and words, and so does what cannot be read.
Source: openfeature.dev, OFREP's OpenAPI description.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from matinee.base.clock import Clock, Instant
from matinee.base.ids import BoxId, ServiceId
from matinee.base.party import SIDES, Party
from matinee.carriage.model import ClauseName, Decision
from matinee.carriage.sides import Sides
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.answers import revalidated
from matinee.catalogue.model import Service
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.snapshot import Fleet

_SWITCHED_OFF = frozenset({ClauseName.AGREEMENT, ClauseName.LAUNCH, ClauseName.SWITCH, ClauseName.TECHNICAL_DATE})


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a client tells of its box. Fields that no rule here asks for are passed over, as the protocol has it."""

    targetingKey: str | None = None  # noqa: N815 -- the protocol's name


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    context: Context | None = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One flag's value. `metadata` tells staff what stands in the way first, and what the viewer is shown."""

    key: str
    value: bool
    reason: str
    variant: str
    metadata: dict[str, str]


class Evaluations(msgspec.Struct, frozen=True, kw_only=True):
    flags: list[Evaluation]


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The protocol's own error. `key` is missing in the answer to a bulk request."""

    errorCode: str  # noqa: N815
    errorDetails: str  # noqa: N815
    key: str = ""


def routes(carriage: Carriage, fleet: Fleet, catalogue: Catalogue, clock: Clock) -> Sequence[HTTPRouteHandler]:
    sides = Sides(carriage, fleet, catalogue)

    async def box_in(
        request: Request[Party, Any, Any], services: Sequence[Service], now: Instant
    ) -> tuple[BoxId, Sequence[Service]] | Refusal:
        """The box that a request asks for, and of which of these services it is told; or why there is none."""
        try:
            asked = msgspec.json.decode(await request.body(), type=Asked)
        except (msgspec.DecodeError, RecursionError) as error:
            code = "INVALID_CONTEXT" if isinstance(error, msgspec.ValidationError) else "PARSE_ERROR"
            return Refusal(errorCode=code, errorDetails=f"The body cannot be read: {error}.")
        if asked.context is None:
            return Refusal(errorCode="INVALID_CONTEXT", errorDetails="The body has no context.")
        key = asked.context.targetingKey
        if not key:
            return Refusal(errorCode="TARGETING_KEY_MISSING", errorDetails="Send a box's id as context.targetingKey.")
        allowed = sides.box(request.user, key, services, now)
        no_box = Refusal(errorCode="INVALID_CONTEXT", errorDetails="context.targetingKey is the id of no box of your side.")
        return no_box if allowed is None else allowed

    @post("/ofrep/v1/evaluate/flags/{key:str}", opt={"policy": SIDES}, status_code=200, include_in_schema=False)
    async def evaluate(request: Request[Party, Any, Any], key: FromPath[str]) -> Response[Any]:
        """Whether a box has a service of one's own side."""
        service = sides.service(request.user, key)
        if service is None:
            return _refused(Refusal(key=key, errorCode="FLAG_NOT_FOUND", errorDetails="No service of yours has this id."), 404)
        now = clock()
        asked = await box_in(request, [service], now)
        if isinstance(asked, Refusal):
            return _refused(msgspec.structs.replace(asked, key=key), 400)
        answer = _evaluation(service.id, carriage.explain(asked[0], service.id, now))
        return Response(
            msgspec.json.encode(answer), media_type="application/json", headers={"Cache-Control": "private, no-store"}
        )

    @post("/ofrep/v1/evaluate/flags", opt={"policy": SIDES}, status_code=200, include_in_schema=False)
    async def evaluate_all(request: Request[Party, Any, Any]) -> Response[Any]:
        """Which services of one's own side a box has, all at once; with an entity tag, by which an unchanged answer is 304."""
        now = clock()
        asked = await box_in(request, sides.services(request.user), now)
        if isinstance(asked, Refusal):
            return _refused(asked, 400)
        box, services = asked
        flags = [_evaluation(one.id, carriage.explain(box, one.id, now)) for one in services]
        return revalidated(request, Evaluations(flags=flags))

    return [evaluate, evaluate_all]


def _evaluation(service: ServiceId, decision: Decision) -> Evaluation:
    first = decision.first_failed
    metadata = {"shows": decision.shows.value}
    if first is not None:
        metadata |= {"clause": first.name.value, "says": first.says}
    return Evaluation(
        key=service,
        value=decision.visible,
        reason=_reason(decision),
        variant="on" if decision.visible else "off",
        metadata=metadata,
    )


def _reason(decision: Decision) -> str:
    failed = {clause.name for clause in decision.clauses if not clause.holds}
    if failed & _SWITCHED_OFF:
        return "DISABLED"
    if failed == {ClauseName.SHARE} or (not failed and decision.share_drawn):
        return "SPLIT"
    return "TARGETING_MATCH"


def _refused(refusal: Refusal, status: int) -> Response[bytes]:
    body = msgspec.json.encode(refusal)
    return Response(body, status_code=status, media_type="application/json", headers={"Cache-Control": "no-store"})
