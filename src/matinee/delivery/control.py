"""The control file: one small signed file in the published store, read by every edge and every web process each half second.

It is the way to stop a stream that already has its token, and to switch a service off, and it works while the database is away.
It lists sessions only until their last token has expired, so that it stays small; `sequence` only grows, so that an old file put
back undoes nothing. It is no less than the clock's milliseconds, so that one who finds the file damaged is heard all the same.
"""

import contextlib
import fcntl
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import OperatorId, ServiceId, SessionId
from matinee.delivery.keyring import KeyRing
from matinee.delivery.mac0 import open_mac0, sealer
from matinee.delivery.model import ControlList, DeliveryError, Revoked, StreamGrant, SwitchedOff, TokenRefused
from matinee.outside.objects import ObjectMissing, ObjectStore

CONTROL_PATH = "control/edges.cose"
MAX_CONTROL_BYTES = 8 * 1024 * 1024
MAX_REVOKED = 100_000
"""Some five megabytes. Beyond it those that expire soonest are left out: what stops a whole service is a switch."""
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


class InForce:
    """What a control file says, ready to be asked of each request."""

    def __init__(self, told: ControlList | None = None) -> None:
        self.told = told or ControlList(sequence=0)
        self._revoked = frozenset(entry.session for entry in self.told.revoked)
        self._stopped = frozenset((entry.operator, entry.service) for entry in self.told.switched_off if entry.ends_plays)

    def stops(self, grant: StreamGrant) -> bool:
        """Whether a token that is good in itself grants nothing any more."""
        if grant.session in self._revoked:
            return True
        service = grant.service
        return service is not None and ((None, service) in self._stopped or (grant.operator, service) in self._stopped)


class ControlWriter:
    """Writes the control file. The processes of one machine may, in turns by a lock on `lock_file`; in each, any thread."""

    def __init__(self, store: ObjectStore, ring: KeyRing, lock_file: Path | None = None) -> None:
        self._store = store
        self._ring = ring
        self._lock_file = lock_file
        self._seal = sealer(ring.signs, ring.signing_key, _AAD)
        self._lock = threading.Lock()
        self._last = ControlList(sequence=0)
        self.found_damaged = False
        """Whether a file was found that did not hold: what it said is lost, but for what this writer said itself."""

    def revoke(self, session: SessionId, until: Instant, now: Instant) -> ControlList:
        """Stop a session at every edge within a second; `until` is when its last token expires. Saying it twice is fine."""

        def revoked(held: ControlList) -> ControlList:
            kept = tuple(entry for entry in held.revoked if entry.until > now and entry.session != session)
            if len(kept) >= MAX_REVOKED:
                kept = tuple(sorted(kept, key=lambda entry: entry.until)[1 - MAX_REVOKED :])
            return msgspec.structs.replace(held, revoked=(*kept, Revoked(session=session, until=max(until, now))))

        return self._change(revoked, now)

    def switch_off(self, service: ServiceId, operator: OperatorId | None, now: Instant, *, ends_plays: bool) -> ControlList:
        """Switch a service off by hand, everywhere within a second. Saying it again changes what it does, and not since when."""

        def switched(held: ControlList) -> ControlList:
            before = [one for one in held.switched_off if _by_hand(one, service, operator)]
            since = before[0].since if before else now
            made = SwitchedOff(service=service, since=since, operator=operator, ends_plays=ends_plays)
            kept = tuple(one for one in held.switched_off if one not in before)
            return msgspec.structs.replace(held, switched_off=(*kept, made))

        return self._change(switched, now)

    def switch_on(self, service: ServiceId, operator: OperatorId | None, now: Instant) -> ControlList:
        """Take back what was switched off by hand. What follows a killed launch stays off until that is opened again."""

        def switched(held: ControlList) -> ControlList:
            kept = tuple(one for one in held.switched_off if not _by_hand(one, service, operator))
            return msgspec.structs.replace(held, switched_off=kept)

        return self._change(switched, now)

    def follow_launches(self, killed: Iterable[tuple[OperatorId, ServiceId]], now: Instant) -> ControlList:
        """Have the file say which launches are recorded as killed; it is written only where that is news."""
        wanted = frozenset(killed)

        def followed(held: ControlList) -> ControlList:
            there = {(one.operator, one.service): one for one in held.switched_off if one.by_launch}
            if there.keys() == wanted:
                return held
            by_hand = tuple(one for one in held.switched_off if not one.by_launch)
            by_launch = tuple(
                there.get(key) or SwitchedOff(service=key[1], since=now, operator=key[0], ends_plays=True, by_launch=True)
                for key in sorted(wanted)
            )
            return msgspec.structs.replace(held, switched_off=(*by_hand, *by_launch))

        return self._change(followed, now)

    def _change(self, change: Callable[[ControlList], ControlList], now: Instant) -> ControlList:
        with self._lock, self._alone():
            held, is_standing = self._held()
            changed = change(held)
            if changed != held or not is_standing:
                changed = msgspec.structs.replace(changed, sequence=max(held.sequence + 1, now))
                self._store.put(CONTROL_PATH, self._seal(msgspec.msgpack.encode(changed)))
            self._last = changed
            return changed

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._lock_file is None:
            yield
            return
        with self._lock_file.open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _held(self) -> tuple[ControlList, bool]:
        """What is in force, and whether the file says so: one that is damaged, gone or put back is written anew."""
        try:
            held = read_control(self._store, self._ring)
        except ControlFileInvalid:
            self.found_damaged = True
            return self._last, False
        return (held, True) if held.sequence >= self._last.sequence else (self._last, False)


def _by_hand(one: SwitchedOff, service: ServiceId, operator: OperatorId | None) -> bool:
    return not one.by_launch and (one.service, one.operator) == (service, operator)
