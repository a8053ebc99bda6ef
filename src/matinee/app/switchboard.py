"""What is switched off, in the web process: read from the control file, so that it acts while the database is away.

Two threads: one reads the file four times a second and has carriage decide by it; the other keeps the account of it in the
database, and has the file follow the launches that are recorded as killed. A database that is away holds up the second alone.
"""

from collections.abc import Sequence

import structlog

from matinee.app.repeating import Repeating
from matinee.base.clock import Clock
from matinee.carriage import store
from matinee.carriage.model import Switch
from matinee.carriage.rules import killed
from matinee.carriage.snapshot import Carriage
from matinee.delivery.control import ControlFileInvalid, ControlWriter, InForce, read_control
from matinee.delivery.keyring import KeyRing
from matinee.delivery.model import ControlList, StreamGrant
from matinee.outside.database import Database
from matinee.outside.objects import ObjectStore, ObjectStoreFailed

READ_SECONDS = 0.25
RECORD_SECONDS = 0.5
ACTOR = "control file"

log = structlog.get_logger("matinee.switchboard")


class Switchboard:
    """Follows the control file from `start` until `close`."""

    def __init__(
        self, published: ObjectStore, ring: KeyRing, control: ControlWriter, carriage: Carriage, database: Database, clock: Clock
    ) -> None:
        self._published = published
        self._ring = ring
        self._control = control
        self._carriage = carriage
        self._database = database
        self._clock = clock
        self._in_force = InForce()
        self._recorded: Sequence[Switch] | None = None
        self._again = (
            Repeating("control-file", self._read, READ_SECONDS, "the control file cannot be read; what it last said holds"),
            Repeating("control-account", self._record, RECORD_SECONDS, "the account of what is switched off cannot be kept"),
        )

    def stops(self, grant: StreamGrant) -> bool:
        """Whether the control file stops what this token grants."""
        return self._in_force.stops(grant)

    def start(self) -> None:
        """Read once, so that nothing is answered before it is known what is switched off; then follow.

        Where the file cannot be read, or is gone, the account in the database is what holds until it can. Raises what the
        database raises.
        """
        try:
            self._read()
        except (ControlFileInvalid, ObjectStoreFailed) as error:
            log.error("the control file cannot be read", error=error.message)
        if self._in_force.told.sequence == 0:
            self._fall_back()
        for one in self._again:
            one.start()

    def close(self) -> None:
        for one in self._again:
            one.close()

    def _read(self) -> None:
        told = read_control(self._published, self._ring)
        if told.sequence > self._in_force.told.sequence:
            self._in_force = InForce(told)
            self._carriage.switch(switches_of(told), self._clock())

    def _fall_back(self) -> None:
        with self._database.read() as conn:
            standing = store.standing_switches(conn)
        if not standing:
            return
        log.error("the control file is gone or does not hold: what was recorded last is switched off", count=len(standing))
        self._carriage.switch(standing, self._clock())
        for one in standing:
            self._control.switch_off(one.service, one.operator, self._clock(), ends_plays=one.ends_plays)

    def _record(self) -> None:
        now, told = self._clock(), self._in_force.told
        if {(one.operator, one.service) for one in told.switched_off if one.by_launch} != self._carriage.killed(now):
            # By the database itself: a process whose memory lags would else take back what another has just written.
            with self._database.read() as conn:
                recorded = killed(store.all_launches(conn), now)
            self._control.follow_launches(recorded, now)
        standing = switches_of(told)
        if told.sequence and standing != self._recorded:
            with self._database.write() as conn:
                store.follow_switches(conn, standing, now, actor=ACTOR)
            self._recorded = standing


def switches_of(told: ControlList) -> Sequence[Switch]:
    """What somebody switched off, as carriage has it. What follows a launch is not among it: the launch itself says so."""
    return tuple(
        Switch(
            service=one.service,
            operator=one.operator,
            is_off=True,
            ends_plays=one.ends_plays,
            valid_from=one.since,
            recorded_at=one.since,
        )
        for one in told.switched_off
        if not one.by_launch
    )
