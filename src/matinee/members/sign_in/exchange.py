"""A genuine box signs a household in by the operator's own identity, without a word typed (RFC 8693).

What is asked of it: the box's token; a proof that it holds its key, over a nonce of ours (as it confirms a release); and an ID
token that the operator's issuer made for this very nonce. The claim that the operator named holds its own name of a line; whose
line that is now is the household. Nothing here makes a household, and no box of another operator, and none that is held, signs
anybody in.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, TokenEndpointMixin, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import BaseGrant
from joserfc import jwt
from joserfc.errors import JoseError

from matinee.base.clock import MINUTE, SECOND, Instant
from matinee.base.ids import BoxId, HouseholdId, OperatorId, ScreenSessionId, new_id
from matinee.base.party import PartyKind
from matinee.fleet import key_store
from matinee.fleet import rules as box_rules
from matinee.fleet import store as boxes
from matinee.fleet.identities import distinct_keys
from matinee.fleet.model import HELD, FleetError
from matinee.fleet.snapshot import Fleet
from matinee.members.sign_in import issuer_keys
from matinee.members.sign_in.issuer_keys import ALGORITHMS
from matinee.members.sign_in.issuers import OperatorIssuer
from matinee.members.sign_in.model import EXCHANGE_GRANT
from matinee.outside.database import Database

ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 -- the name of a kind
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
BOX_PROOF: Final = "urn:matinee:params:oauth:token-type:box-proof"
"""NONCE.SIGNATURE, over what `proof_message` gives."""

FRESH_MS: Final = 10 * MINUTE
"""An ID token that was made longer ago is of another occasion."""
AHEAD_MS: Final = MINUTE
"""By so much an issuer's clock may be ahead of ours."""
MAX_ID_TOKEN: Final = 8_000


def proof_message(nonce: str, id_token: str) -> bytes:
    """What a box signs to say that an ID token is of the home before it."""
    return f"matinee-exchange\n{nonce}\n{hashlib.sha256(id_token.encode()).hexdigest()}".encode()


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Implements what the grant asks of boxes, lines and households, from memory."""

    fleet: Fleet
    household_at: Any
    """(line, now) -> household or None: members' snapshot."""

    def operator_of(self, box: BoxId | None, now: Instant) -> OperatorId | None:
        """The operator at whose line a box that is not held stands."""
        found = self.fleet.box(box)
        if found is None or box is None or found.identity in HELD:
            return None
        return self.fleet.operator_of_line(self.fleet.line_of(box, now))

    def household(self, database: Database, operator: OperatorId, reference: str, now: Instant) -> HouseholdId | None:
        """Whose the operator's line of this name is."""
        with database.read() as conn:
            line = boxes.line_named(conn, operator, reference)
        return None if line is None else self.household_at(line, now)


def claims_of(one: OperatorIssuer, id_token: str, nonce: str, now: Instant) -> dict[str, Any]:
    """What an issuer's ID token says, made for us, lately, for this nonce. Raises authlib's InvalidGrantError for any other."""
    if one.jwks is None:
        raise InvalidGrantError("The issuer's keys are not known yet.")
    try:
        found = jwt.decode(id_token, issuer_keys.key_set(one.jwks), algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError, KeyError, UnicodeError, RecursionError) as error:
        raise InvalidGrantError("The ID token is not the issuer's.") from error
    claims = found.claims if isinstance(found.claims, dict) else {}
    audience, at, until = claims.get("aud"), claims.get("iat"), claims.get("exp")
    audiences = audience if isinstance(audience, list) else [audience]
    is_ours = claims.get("iss") == one.issuer and one.audience in audiences
    if len(audiences) > 1 or "azp" in claims:
        is_ours = is_ours and claims.get("azp") == one.audience
    is_timed = all(isinstance(moment, int) and not isinstance(moment, bool) for moment in (at, until))
    if not is_ours or not is_timed or claims.get("nonce") != nonce:
        raise InvalidGrantError("The ID token was made for another, or for another occasion.")
    if not (now - FRESH_MS < int(at) * SECOND <= now + AHEAD_MS) or now >= int(until) * SECOND:  # type: ignore[arg-type]
        raise InvalidGrantError("The ID token is old.")
    return claims


class ExchangeGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    GRANT_TYPE = EXCHANGE_GRANT
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]  # noqa: RUF012 -- as authlib reads it

    def validate_token_request(self) -> None:
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError
        self.request.client = client
        told, kinds = self.request.told, ("subject_token_type", "actor_token_type")
        if tuple(map(told, kinds)) != (ID_TOKEN, BOX_PROOF):
            raise InvalidRequestError("An ID token is exchanged, with the proof of a box.")
        if told("requested_token_type") not in ("", ACCESS_TOKEN):
            raise InvalidRequestError("An access token is what there is to have.")
        nonce, _, signature = told("actor_token").partition(".")
        id_token = told("subject_token")
        if len(id_token) > MAX_ID_TOKEN or not id_token.isascii() or not nonce:
            raise InvalidGrantError("That is no ID token, or no proof.")
        household, label = self._household(nonce, signature, id_token)
        now = self.server.clock()
        self.request.user = self.server.granted(household, ScreenSessionId(new_id()), label, now)

    def _household(self, nonce: str, signature: str, id_token: str) -> tuple[HouseholdId, str]:
        now, box, server = self.server.clock(), self.request.party.box, self.server
        if self.request.party.kind is not PartyKind.BOX or box is None:
            raise InvalidGrantError("A box asks, with its token.")
        self._check_proof(box, nonce, signature, id_token, now)
        operator = server.whereabouts.operator_of(box, now)
        issuer = None if operator is None else server.sign_ins.issuer_of(operator)
        if operator is None or issuer is None:
            raise InvalidGrantError("No issuer is known for where this box stands.")
        claims = claims_of(issuer, id_token, nonce, now)
        reference = claims.get(issuer.line_claim)
        if not isinstance(reference, str) or "\0" in reference:
            raise InvalidGrantError("The ID token names no line.")
        household = server.whereabouts.household(server.database, operator, reference, now)
        if household is None:
            raise InvalidGrantError("No household is at that line.")
        found = server.whereabouts.fleet.box(box)
        return household, found.label if found is not None else ""

    def _check_proof(self, box: BoxId, nonce: str, signature: str, id_token: str, now: Instant) -> None:
        """As a box proves itself where it confirms a release. The nonce is spent whatever comes of it."""
        conn = self.request.conn
        if not boxes.use_nonce(conn, box, nonce, now):
            raise InvalidGrantError("The nonce is used, old, or another box's.")
        keys = distinct_keys(list(boxes.keys_of(conn, [box])))[: box_rules.KEYS_TRIED]
        try:
            key = box_rules.signer(keys, signature, proof_message(nonce, id_token))
        except FleetError as error:
            raise InvalidGrantError("The proof is not the box's.") from error
        _, outcome = key_store.show_key(conn, box, key, now)
        if not outcome.is_taken:
            raise InvalidGrantError("This box must be checked first.")

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        client, user = self.request.client, self.request.user
        scope = client.get_allowed_scope(self.request.payload.scope)
        if scope is None:
            raise InvalidRequestError("That scope is not to be had.")
        token = self.generate_token(user=user, scope=scope, include_refresh_token=True)
        self.save_token(token)
        return 200, {**token, "issued_token_type": ACCESS_TOKEN}, self.TOKEN_RESPONSE_HEADER
