"""Who owns things here: publishers, and the keys by which their programs ask."""

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import PublisherId


class PartyError(MatineeError):
    """A publisher or a key cannot be made or used as asked."""

    code = ErrorCode.INVALID_REQUEST


class Publisher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One who owns services, titles and plans. Publishers of one installation see nothing of each other.

    `currency` is ISO 4217, and is what the publisher's prices and accounts are in.
    """

    id: PublisherId
    name: str
    currency: str


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A publisher's key as we keep it: its hash, never itself. `label` is how its owner tells keys apart."""

    digest: str
    publisher: PublisherId
    label: str
    created_at: Instant
    revoked_at: Instant | None = None
