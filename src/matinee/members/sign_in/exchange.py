"""A genuine box signs a household in by the operator's own identity, without a word typed (RFC 8693).

What is asked of it: the box's token; a proof that it holds its key, over a nonce of ours (as it confirms a release); and an ID
token that the operator's issuer made for this very nonce. No box of another operator, and none that is held, signs anybody in.
"""

import hashlib
from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, TokenEndpointMixin, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import BaseGrant

from matinee.base.clock import Instant
from matinee.base.ids import BoxId, HouseholdId, ScreenSessionId, new_id
from matinee.base.party import PartyKind
from matinee.fleet import key_store
from matinee.fleet import rules as box_rules
from matinee.fleet import store as boxes
from matinee.fleet.identities import distinct_keys
from matinee.fleet.model import FleetError
from matinee.members.sign_in.model import EXCHANGE_GRANT, SignInError
from matinee.members.sign_in.operator_identity import claims_of

ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 -- the name of a kind
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
BOX_PROOF: Final = "urn:matinee:params:oauth:token-type:box-proof"
"""NONCE.SIGNATURE, over what `proof_message` gives."""


def proof_message(nonce: str, id_token: str) -> bytes:
    """What a box signs to say that an ID token is of the home before it."""
    return f"matinee-exchange\n{nonce}\n{hashlib.sha256(id_token.encode()).hexdigest()}".encode()


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
        if not id_token.isascii() or not nonce:
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
        try:
            claims = claims_of(issuer, id_token, issuer.audience, nonce, now)
            household = server.whereabouts.household(server.database, issuer, claims, now)
        except SignInError as error:
            raise InvalidGrantError(error.message) from error
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
