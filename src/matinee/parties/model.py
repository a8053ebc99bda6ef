"""Who owns things here, and who may ask: publishers, the keys by which programs ask, and the accounts of people."""

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import OperatorId, PublisherId, StaffId
from matinee.base.party import Role


class PartyError(MatineeError):
    """A publisher, a key or an account cannot be made or used as asked."""

    code = ErrorCode.INVALID_REQUEST


class SignInRefused(MatineeError):
    """The name or the password is wrong: which of the two, nobody is told."""

    code = ErrorCode.NOT_SIGNED_IN

    def __init__(self) -> None:
        super().__init__("The name or the password is wrong.", remedy="See both are typed as they were given.")

    def __reduce__(self) -> tuple[object, ...]:
        return SignInRefused, ()


class Publisher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One who owns services, titles and plans. Publishers of one installation see nothing of each other.

    `currency` is ISO 4217, and is what the publisher's prices and accounts are in.
    """

    id: PublisherId
    name: str
    currency: str


class Seat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose a key or an account is, and what it is for. Exactly one of `publisher`, `operator` and `reads_all` is set.

    A publisher's and an operator's seat stand at their own side; an auditor's reads one side, or with `reads_all` every one,
    which has to be said: nothing left out opens more. See `rules.check_seat`.
    """

    role: Role
    publisher: PublisherId | None = None
    operator: OperatorId | None = None
    reads_all: bool = False


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key as we keep it: its hash, never itself. `label` is how its owner tells keys apart."""

    digest: str
    seat: Seat
    label: str
    created_at: Instant
    revoked_at: Instant | None = None

    @property
    def id(self) -> str:
        """How a key is named where it must not be shown: the beginning of its digest."""
        return self.digest[:KEY_ID_CHARS]


KEY_ID_CHARS = 12


class StaffAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person who works here. `name` is what they sign in with; it is never given twice, since the audit holds it."""

    id: StaffId
    name: str
    seat: Seat
    created_at: Instant
    ended_at: Instant | None = None


class StaffSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That an account is signed in, up to, not including, `expires_at`. `digest` is of the token that shows it."""

    digest: str
    account: StaffId
    created_at: Instant
    expires_at: Instant
