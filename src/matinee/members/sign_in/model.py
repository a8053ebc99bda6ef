"""What signing in knows: a household's accounts, the programs that ask (clients), codes on their way, and sessions of screens."""

from enum import StrEnum
from typing import Final

import msgspec

from matinee.base.clock import DAY, HOUR, MINUTE, SECOND, Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import AccountId, ClientId, HouseholdId, ScreenSessionId

WATCH: Final = "watch"
"""The scope of our own screens: with it, and with it alone, a token is a viewer of the household."""
OPENID: Final = "openid"
"""The scope of a relying party, which learns that it is always the same household, and nothing more."""

TV: Final = ClientId("matinee-tv")
WEB: Final = ClientId("matinee-web")
BROWSER: Final = ClientId("matinee-browser")
"""The pages on which one signs in and approves: their session is a cookie, and nobody asks for it by this name."""

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE_GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"

ACCESS_MS: Final = 15 * MINUTE
REFRESH_MS: Final = 60 * DAY
"""A screen that was not used for so long signs in again; each use begins it anew."""
BROWSER_MS: Final = HOUR
DEVICE_CODE_MS: Final = 15 * MINUTE
INTERVAL_MS: Final = 5 * SECOND
AUTHORIZATION_CODE_MS: Final = MINUTE
AGAIN_MS: Final = 10 * SECOND
"""How long the same refresh token brings the same successor: long enough for a request that was sent twice."""


class SignInError(MatineeError):
    """An account, a client or a session is not as it must be."""

    code = ErrorCode.INVALID_REQUEST


class HouseholdSignInRefused(MatineeError):
    """The name or the password is wrong: which of the two is told to nobody."""

    code = ErrorCode.NOT_SIGNED_IN

    def __init__(self) -> None:
        super().__init__("The name or the password is wrong.", remedy="Try again.")

    def __reduce__(self) -> tuple[object, ...]:
        return HouseholdSignInRefused, ()


class NoHousehold(SignInError):
    """An operator says who somebody is, and no household of ours is there."""

    def __init__(self) -> None:
        super().__init__("No household is at that line.", remedy="Sign in with the household's account.")

    def __reduce__(self) -> tuple[object, ...]:
        return NoHousehold, ()


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person's name at a household; its password's hash stays in the store."""

    id: AccountId
    household: HouseholdId
    name: str
    created_at: Instant
    ended_at: Instant | None = None


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program that asks for tokens. `secret_digest` "" is a public one, which has none. Redirect URIs are compared exactly."""

    id: ClientId
    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    grants: tuple[str, ...]
    secret_digest: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether it is one of our own screens, for which nobody is asked to agree."""
        return self.id in (TV, WEB)


class Decision(StrEnum):
    """What a household said to a device's code."""

    APPROVED = "approved"
    REFUSED = "refused"


class DeviceCode(msgspec.Struct, frozen=True, kw_only=True):
    """A television that waits for somebody to approve it. `digest` is of the device code; `user_code` is as it is shown."""

    digest: str
    user_code: str
    client: ClientId
    scope: str
    label: str
    expires_at: Instant
    decision: Decision | None = None
    household: HouseholdId | None = None
    account: AccountId | None = None
    session: ScreenSessionId | None = None
    redeemed_at: Instant | None = None
    authenticated_at: Instant | None = None


class AuthorizationCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code on its way through a browser. `session` is what it begins, or has begun where `used_at` is set."""

    digest: str
    client: ClientId
    redirect_uri: str
    scope: str
    nonce: str
    challenge: str
    household: HouseholdId
    account: AccountId | None
    session: ScreenSessionId
    label: str
    authenticated_at: Instant
    expires_at: Instant
    used_at: Instant | None = None


class ScreenSession(msgspec.Struct, frozen=True, kw_only=True):
    """One screen, or one relying party, that is signed in. `last_seen` is by the hour: no log of who watches when.

    `account` is None where no account stood behind it: the operator's identity did.
    """

    id: ScreenSessionId
    household: HouseholdId
    account: AccountId | None
    client: ClientId
    scope: str
    label: str
    begun_at: Instant
    last_seen: Instant
    expires_at: Instant
    authenticated_at: Instant
    ended_at: Instant | None = None


class RefreshState(msgspec.Struct, frozen=True, kw_only=True):
    """What a session knows of its refresh tokens: digests of the newest and of the one that it came from, and how it came.

    A token that was used more than once ago is known by being neither: nothing else need be kept to find its reuse.
    """

    current: str
    previous: str = ""
    salt: str = ""
    rotated_at: Instant = Instant(0)


class Rotation(StrEnum):
    """What a refresh token that is shown means."""

    NEXT = "next"
    """It is the newest: a successor comes."""
    AGAIN = "again"
    """It was used a moment ago and the answer may be lost: the same successor comes."""
    REPLACED = "replaced"
    """It was used, and its successor never was: another successor comes, and the first is worth nothing."""
    REUSED = "reused"
    """Two hold what one was given: the session ends."""
