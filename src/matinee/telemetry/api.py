"""The route of player reports. The stream token in the address says who reports: no cookie, no header, any origin of ours."""

from typing import Any

from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from matinee.base.errors import ErrorCode
from matinee.base.party import ANYONE
from matinee.telemetry.cmcd import MAX_BODY_BYTES
from matinee.telemetry.model import TelemetryError
from matinee.telemetry.work import Intake

CONTENT_TYPE = "application/cmcd"


def routes(intake: Intake) -> list[HTTPRouteHandler]:
    """The handler, over one intake."""

    @post("/cmcd/{stream_token:str}", status_code=204, opt={"policy": ANYONE})
    async def report(request: Request[Any, Any, Any], stream_token: FromPath[str]) -> None:
        """Player events as CMCD v2 lines (application/cmcd). Lines at fault are left out; 400 when none is good."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise TelemetryError(
                "The report is of another type.",
                remedy=f"Send Content-Type: {CONTENT_TYPE}.",
                code=ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            )
        body = await request.body()
        if len(body) > MAX_BODY_BYTES:
            raise TelemetryError("The report is too long.", remedy="Send fewer events.", code=ErrorCode.TOO_LARGE)
        intake.take(stream_token, body)

    return [report]
