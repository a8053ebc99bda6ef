"""Learning from viewing, once a day: who takes the lesson, what is read for it, and what is kept of it.

The lesson of a day is of all viewing before its moment, so that it is the same whenever and wherever it is learnt.
Memory is bounded: of more profiles than `MAX_PROFILES` a fair part is read, told by how many profiles there are and not by how
many watched, so that what a service's viewers do changes nothing for others. The top 10 counts all homes.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from matinee.base.clock import DAY, Clock, Instant
from matinee.base.ids import OperatorId, ProfileId, ServiceId, TitleId, encode_id
from matinee.catalogue import store as catalogue
from matinee.catalogue.view import Entry
from matinee.home import learnt_store as store
from matinee.home.for_you import interest_of, item_of
from matinee.home.learning import Integers, Viewings, learnt_from
from matinee.home.learnt import Shares, packed
from matinee.home.model import MayRecommend
from matinee.members import store as members
from matinee.outside.database import Database
from matinee.playback.viewing import viewings, viewings_at_operators

LEARNT_FROM_MS: Final = 365 * DAY
TOP_MS: Final = 7 * DAY
MAX_PROFILES: Final = 250_000
MAX_VIEWED: Final = 300
"""Of each profile the newest so many titles of each service count: of each service, so that none pushes out another's."""

KEPT_POPULAR: Final = 200
"""Of each operator and service: enough for what a child or a window leaves of it."""

Items = Mapping[TitleId, tuple[int, ServiceId]]
"""What a viewing of a title counts for: the number of the film or series, and its service."""


def learn(database: Database, as_of: Instant, may_recommend: MayRecommend, least_homes: int, clock: Clock) -> bool:
    """Learn the lesson of a moment, where it is free to be taken. Blocks. Whether this one learnt it."""
    with database.write() as conn:
        if not store.take(conn, as_of, clock()):
            return False
    began = time.monotonic()
    items, titles, services = _items(database)
    read = _viewings(database, items, as_of, may_recommend)
    popular = _popular(database, items, titles, as_of, may_recommend, least_homes)
    numbers = {service: number for number, service in enumerate(sorted(set(services)))}
    service_of = np.array([numbers[one] for one in services], np.int32)
    learnt = learnt_from(read, titles, service_of, least_homes, as_of, popular)
    told = store.Told(
        profiles=len(np.unique(read.profile)),
        viewings=len(read.profile),
        titles=len(np.unique(read.title)),
        pairs=len(learnt.neighbours),
        bytes=len(packed(learnt)),
        seconds=round(time.monotonic() - began, 1),
    )
    with database.write() as conn:
        store.save(conn, learnt, told, clock())
    return True


def _items(database: Database) -> tuple[Items, list[TitleId], list[ServiceId]]:
    """What each title counts for; and the films and series in the order of their ids, with each one's service."""
    with database.read() as conn:
        known = [(one.id, item_of(one), one.service) for one in catalogue.all_titles(conn)]
    services = {title: service for title, item, service in known if item == title}
    titles = sorted(services)
    numbers = {title: number for number, title in enumerate(titles)}
    items = {title: (numbers[item], services[item]) for title, item, _ in known if item is not None and item in services}
    return items, titles, [services[one] for one in titles]


def _viewings(database: Database, items: Items, as_of: Instant, may_recommend: MayRecommend) -> Viewings:
    profiles: list[Integers] = []
    homes_of: list[int] = []
    titles: list[Integers] = []
    interests: list[Shares] = []
    homes: dict[str, int] = {}
    count = 0

    def keep(seen: Mapping[int, tuple[Instant, float, ServiceId]], home: str) -> None:
        nonlocal count
        chosen = _newest_of_each_service(seen)
        if chosen:
            profiles.append(np.full(len(chosen), count, np.int32))
            titles.append(np.array(chosen, np.int32))
            interests.append(np.array([seen[one][1] for one in chosen], np.float32))
            homes_of.append(homes.setdefault(home, len(homes)))
            count += 1

    with database.read() as conn:
        below = _part(members.count_profiles(conn))
        present, home = None, ""
        seen: dict[int, tuple[Instant, float, ServiceId]] = {}
        for batch in viewings(conn, Instant(as_of - LEARNT_FROM_MS), as_of, below):
            for profile, title, household, position, duration, completed, at in batch:
                if profile != present:
                    keep(seen, home)
                    seen = {}
                    present, home = profile, household
                    allowed = may_recommend(ProfileId(profile))
                item = items.get(title)
                interest = interest_of(position, duration, completed=completed) if allowed and item else 0.0
                if item is not None and interest > 0:
                    before = seen.get(item[0], (at, 0.0, item[1]))
                    seen[item[0]] = max(at, before[0]), max(interest, before[1]), item[1]
        keep(seen, home)
    lengths = [len(one) for one in titles]
    return Viewings(
        profile=np.concatenate([np.zeros(0, np.int32), *profiles]),
        home=np.repeat(np.array(homes_of, np.int32), lengths),
        title=np.concatenate([np.zeros(0, np.int32), *titles]),
        interest=np.concatenate([np.zeros(0, np.float32), *interests]),
    )


def _part(profiles: int) -> ProfileId | None:
    """The id below which about `MAX_PROFILES` of so many profiles lie; None for all."""
    if profiles <= MAX_PROFILES:
        return None
    return ProfileId(encode_id((2**128 * MAX_PROFILES // profiles).to_bytes(16, "big")))


def _newest_of_each_service(seen: Mapping[int, tuple[Instant, float, ServiceId]]) -> list[int]:
    left: dict[ServiceId, int] = {}
    chosen = []
    for item in sorted(seen, key=lambda one: (-seen[one][0], one)):
        service = seen[item][2]
        left[service] = left.get(service, 0) + 1
        if left[service] <= MAX_VIEWED:
            chosen.append(item)
    return sorted(chosen)


def _popular(
    database: Database,
    items: Items,
    titles: Sequence[TitleId],
    as_of: Instant,
    may_recommend: MayRecommend,
    least_homes: int,
) -> dict[OperatorId, list[Entry]]:
    """By operator: minus the homes that watched a title within a week before, and the title; where there are enough homes."""
    homes: dict[OperatorId, dict[int, set[int]]] = {}
    services = dict(items.values())
    with database.read() as conn:
        for batch in viewings_at_operators(conn, Instant(as_of - TOP_MS), as_of):
            for operator, household, profile, title, position, duration, completed in batch:
                item = items.get(title)
                if item is None or interest_of(position, duration, completed=completed) == 0:
                    continue
                if may_recommend(ProfileId(profile)):
                    homes.setdefault(operator, {}).setdefault(item[0], set()).add(hash(household))  # a number is smaller
    found: dict[OperatorId, list[Entry]] = {}
    for operator in sorted(homes):
        entries = sorted((-len(who), titles[one], one) for one, who in homes[operator].items() if len(who) >= least_homes)
        left: dict[ServiceId, int] = {}
        for key, title, number in entries:
            left[services[number]] = left.get(services[number], 0) + 1
            if left[services[number]] <= KEPT_POPULAR:
                found.setdefault(operator, []).append((key, title))
    return found
