"""The control file: one small signed file in the published store, read by every edge each half second.

It is the way to stop a stream that already has its token, and it works while the database is away. It lists sessions only until
their last token has expired, so that it stays small; `sequence` only grows, so that an old file put back undoes nothing.
"""

import threading

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import SessionId
from matinee.delivery.keyring import KeyRing
from matinee.delivery.mac0 import open_mac0, sealer
from matinee.delivery.model import ControlList, DeliveryError, Revoked, TokenRefused
from matinee.outside.objects import ObjectMissing, ObjectStore

CONTROL_PATH = "control/edges.cose"
MAX_CONTROL_BYTES = 8 * 1024 * 1024
_AAD = b"matinee-control"


class ControlFileInvalid(DeliveryError):
    """The control file does not hold: damaged, too large, or signed by a key that is not live."""

    code = ErrorCode.PACKAGE_DAMAGED


def read_control(store: ObjectStore, ring: KeyRing) -> ControlList:
    """What the control file says; an empty list where there is none yet. Raises ControlFileInvalid, ObjectStoreFailed."""
    try:
        data = store.get(CONTROL_PATH)
    except ObjectMissing:
        return ControlList(sequence=0)
    if len(data) > MAX_CONTROL_BYTES:
        raise ControlFileInvalid("The control file is too large.")
    try:
        return msgspec.msgpack.decode(open_mac0(data, ring.keys, _AAD), type=ControlList)
    except (TokenRefused, msgspec.MsgspecError) as error:
        raise ControlFileInvalid("The control file does not hold.", remedy="The last good one goes on.") from error


class ControlWriter:
    """Writes the control file. One process of an installation writes (the web); in it, any thread."""

    def __init__(self, store: ObjectStore, ring: KeyRing) -> None:
        self._store = store
        self._ring = ring
        self._seal = sealer(ring.signs, ring.signing_key, _AAD)
        self._lock = threading.Lock()
        self._last = ControlList(sequence=0)

    def revoke(self, session: SessionId, until: Instant, now: Instant) -> ControlList:
        """Stop a session at every edge within a second; `until` is when its last token expires. Saying it twice is fine."""
        with self._lock:
            held = self._held()
            kept = tuple(entry for entry in held.revoked if entry.until > now and entry.session != session)
            told = ControlList(
                sequence=held.sequence + 1, revoked=(*kept, Revoked(session=session, until=max(until, now)))
            )
            self._store.put(CONTROL_PATH, self._seal(msgspec.msgpack.encode(told)))
            self._last = told
            return told

    def _held(self) -> ControlList:
        try:
            held = read_control(self._store, self._ring)
        except ControlFileInvalid:
            return self._last  # a damaged file must not keep us from stopping a stream: write a good one over it
        return held if held.sequence >= self._last.sequence else self._last
