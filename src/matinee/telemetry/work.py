"""Take in what a player reports: whose it is by the token, what it means by the rules, then counted and kept.

A line at fault is refused alone and counted; the good ones beside it are taken. A player that loses a whole evening's reports for
one key that its next release adds would tell us least when we need it most.
"""

import re

from matinee.base.clock import Clock
from matinee.delivery.model import StreamGrant
from matinee.delivery.tokens import TokenVerifier
from matinee.telemetry import cmcd
from matinee.telemetry.cmcd import Line
from matinee.telemetry.metrics import Counters, CountersByPublisher
from matinee.telemetry.model import Event, PackageOwners, TelemetryError
from matinee.telemetry.rules import Sessions
from matinee.telemetry.store import EventFiles

_TOKEN = re.compile(r"/s/[^/?#]+")
MAX_URL = 512
MAX_SESSION_EVENTS = 20_000
"""A film of three hours with a change of quality each two seconds stays under a third of it."""


class Intake:
    """The one way in for player reports."""

    def __init__(
        self, verifier: TokenVerifier, files: EventFiles, counters: CountersByPublisher, owners: PackageOwners, clock: Clock
    ) -> None:
        self._verifier = verifier
        self._files = files
        self._counters = counters
        self._owners = owners
        self._clock = clock
        self._sessions = Sessions()

    def take(self, token: str, body: bytes) -> int:
        """Take a report's body in; how many events were kept.

        Raises TokenRefused, and TelemetryError where not one line is an event of the token's session.
        """
        grant = self._verifier.verify(token, self._clock())
        try:
            texts = cmcd.split_lines(body)
        except ValueError as error:
            raise TelemetryError(f"The report cannot be read: {error}.", remedy="Send CMCD v2 events, one per line.") from error
        lines, faults = self._read(texts, grant)
        counters = self._counters.of(self._owners.owner_of(grant.package))
        counters.refused.inc(len(faults))
        if not lines:
            raise TelemetryError(f"No line is an event: {faults[0]}.", remedy="Send CMCD v2 events, one per line.")
        events = self._judge(lines, grant, counters)
        kept = self._files.add(events)
        counters.taken.inc(kept)
        counters.dropped.inc(len(events) - kept)
        return kept

    def _read(self, texts: list[str], grant: StreamGrant) -> tuple[list[Line], list[str]]:
        lines: list[Line] = []
        faults: list[str] = []
        for text in texts:
            try:
                line = cmcd.read_event(text)
            except ValueError as error:
                faults.append(str(error))
                continue
            if line.bad_keys:
                faults.append(f"at fault: {', '.join(line.bad_keys[:8])}")
            elif line.values.get("sid", grant.session) != grant.session:
                faults.append("sid is another session than the token's")
            else:
                lines.append(line)
        return lines, faults

    def _judge(self, lines: list[Line], grant: StreamGrant, counters: Counters) -> list[Event]:
        seen = self._sessions.of(grant.session)
        now = self._clock()
        events: list[Event] = []
        for line in lines:
            values = line.values
            if seen.events >= MAX_SESSION_EVENTS:
                counters.dropped.inc()
                continue
            seen.events += 1
            number = cmcd.integer(values, "sn")
            if seen.is_repeated(number):
                counters.repeated.inc()
                continue
            kind = seen.judge(values)
            counters.by_kind[kind].inc()
            bitrate = cmcd.first_number(values.get("br"))
            events.append(
                Event(
                    received_at=now,
                    session=grant.session,
                    operator=grant.operator,
                    package=grant.package,
                    kind=kind,
                    e=cmcd.text(values, "e") or "",
                    ts=cmcd.integer(values, "ts") or 0,
                    sn=number,
                    sta=cmcd.text(values, "sta"),
                    pt=cmcd.integer(values, "pt"),
                    bl=_whole(cmcd.first_number(values.get("bl"))),
                    br=bitrate,
                    mtp=_whole(cmcd.first_number(values.get("mtp"))),
                    bs=values.get("bs") is True,
                    bsd=cmcd.summed(values.get("bsd")),
                    msd=cmcd.integer(values, "msd"),
                    ec=without_token(cmcd.joined(values.get("ec"))),
                    rc=cmcd.integer(values, "rc"),
                    ttfb=cmcd.integer(values, "ttfb"),
                    ttlb=cmcd.integer(values, "ttlb"),
                    url=without_token(cmcd.text(values, "url")),
                    cdn=without_token(cmcd.text(values, "cdn")),
                    box=grant.box,
                    service=grant.service,
                )
            )
        return events


def without_token(url: str | None) -> str | None:
    """What a player said, as it may be kept: no token, no query, not too long."""
    return None if url is None else _TOKEN.sub("/s/-", url.partition("?")[0].partition("#")[0])[:MAX_URL]


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)
