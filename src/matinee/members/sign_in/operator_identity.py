"""Who an operator says somebody is: ID tokens of its issuer, checked, and whose line they name.

The claim that the operator named holds its own name of a line; whose line that is now is the household. Nothing here makes one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError

from matinee.base.clock import MINUTE, SECOND, Instant
from matinee.base.ids import BoxId, HouseholdId, LineId, OperatorId
from matinee.fleet import store as boxes
from matinee.fleet.model import HELD
from matinee.fleet.snapshot import Fleet
from matinee.members.sign_in import issuer_keys
from matinee.members.sign_in.issuer_keys import ALGORITHMS
from matinee.members.sign_in.issuers import OperatorIssuer
from matinee.members.sign_in.model import NoHousehold, SignInError
from matinee.outside.database import Database

FRESH_MS: Final = 10 * MINUTE
"""An ID token that was made longer ago is of another occasion."""
AHEAD_MS: Final = MINUTE
"""By so much an issuer's clock may be ahead of ours."""
MAX_ID_TOKEN: Final = 8_000


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What is asked of operators, boxes, lines and households, from memory."""

    fleet: Fleet
    household_at: Callable[[LineId, Instant], HouseholdId | None]

    def operator_of(self, box: BoxId | None, now: Instant) -> OperatorId | None:
        """The operator at whose line a box that is not held stands."""
        found = self.fleet.box(box)
        if found is None or box is None or found.identity in HELD:
            return None
        return self.fleet.operator_of_line(self.fleet.line_of(box, now))

    def household(self, database: Database, issuer: OperatorIssuer, claims: Mapping[str, Any], now: Instant) -> HouseholdId:
        """Whose the line is that an ID token names. Raises SignInError where it names none, NoHousehold."""
        reference = claims.get(issuer.line_claim)
        if not isinstance(reference, str) or "\0" in reference:
            raise SignInError("The ID token names no line.")
        with database.read() as conn:
            line = boxes.line_named(conn, issuer.operator, reference)
        found = None if line is None else self.household_at(line, now)
        if found is None:
            raise NoHousehold
        return found


def claims_of(one: OperatorIssuer, id_token: str, audience: str, nonce: str, now: Instant) -> dict[str, Any]:
    """What an issuer's ID token says, made for us, lately, for this nonce. Raises SignInError for any other."""
    if one.jwks is None:
        raise SignInError("The issuer's keys are not known yet.")
    if len(id_token) > MAX_ID_TOKEN or not id_token.isascii():
        raise SignInError("That is no ID token.")
    try:
        found = jwt.decode(id_token, issuer_keys.key_set(one.jwks), algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError, KeyError, UnicodeError, RecursionError) as error:
        raise SignInError("The ID token is not the issuer's.") from error
    claims = found.claims if isinstance(found.claims, dict) else {}
    told, at, until = claims.get("aud"), claims.get("iat"), claims.get("exp")
    audiences = told if isinstance(told, list) else [told]
    is_ours = claims.get("iss") == one.issuer and audience in audiences
    if len(audiences) > 1 or "azp" in claims:
        is_ours = is_ours and claims.get("azp") == audience
    is_timed = all(isinstance(moment, int) and not isinstance(moment, bool) for moment in (at, until))
    if not is_ours or not is_timed or claims.get("nonce") != nonce:
        raise SignInError("The ID token was made for another, or for another occasion.")
    if not (now - FRESH_MS < int(at) * SECOND <= now + AHEAD_MS) or now >= int(until) * SECOND:  # type: ignore[arg-type]
        raise SignInError("The ID token is old.")
    return claims
