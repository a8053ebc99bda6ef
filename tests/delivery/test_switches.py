"""What is switched off in the control file: who stops at it, and that two processes that write lose nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import OperatorId, PackageId, ProfileId, ServiceId, SessionId, new_id
from matinee.delivery import control
from matinee.delivery.control import CONTROL_PATH, ControlWriter, InForce, read_control
from matinee.delivery.keyring import open_ring
from matinee.delivery.model import ControlList, StreamGrant, SwitchedOff
from matinee.outside.objects import ObjectStore

FILMS, OTHER = ServiceId(new_id()), ServiceId(new_id())
HERE, THERE = OperatorId(new_id()), OperatorId(new_id())
NOW = Instant(1_412_244_000_000)


def grant(service: ServiceId | None = FILMS, operator: OperatorId | None = HERE) -> StreamGrant:
    return StreamGrant(
        session=SessionId("s"),
        profile=ProfileId("p"),
        package=PackageId("k"),
        expires_at=Instant(NOW + HOUR),
        operator=operator,
        service=service,
    )


def entry(operator: OperatorId | None = HERE, *, ends: bool = True) -> ControlList:
    return ControlList(sequence=1, switched_off=(SwitchedOff(service=FILMS, since=NOW, operator=operator, ends_plays=ends),))


@pytest.mark.parametrize(
    ("shows", "told", "asked", "stops"),
    [
        ("at this operator", entry(), grant(), True),
        ("at another operator", entry(THERE), grant(), False),
        ("at every operator", entry(None), grant(), True),
        ("at every operator, a screen at none", entry(None), grant(operator=None), True),
        ("another service", entry(None), grant(OTHER), False),
        ("new plays alone", entry(ends=False), grant(), False),
        ("a token of before services stood in them", entry(None), grant(None), False),
    ],
)
def test_what_stops(shows: str, told: ControlList, asked: StreamGrant, stops: bool) -> None:
    assert InForce(told).stops(asked) is stops, shows


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore.local(tmp_path / "published")


@pytest.fixture
def writer(tmp_path: Path, store: ObjectStore) -> ControlWriter:
    return ControlWriter(store, open_ring(tmp_path / "token.key"), tmp_path / "lock")


def test_off_and_on_again(writer: ControlWriter) -> None:
    assert len(writer.switch_off(FILMS, HERE, NOW, ends_plays=False).switched_off) == 1
    told = writer.switch_off(FILMS, HERE, Instant(NOW + HOUR), ends_plays=True)
    assert [(one.ends_plays, one.since) for one in told.switched_off] == [(True, NOW)], "harder now, and away since it was"
    writer.switch_off(FILMS, None, NOW, ends_plays=False)
    told = writer.switch_on(FILMS, HERE, NOW)
    assert [(one.operator, one.ends_plays) for one in told.switched_off] == [(None, False)]
    assert writer.switch_on(FILMS, HERE, NOW).sequence == told.sequence, "nothing was news"


def test_what_follows_launches_and_what_was_done_by_hand_do_not_touch_each_other(writer: ControlWriter) -> None:
    writer.switch_off(FILMS, HERE, NOW, ends_plays=False)
    told = writer.follow_launches([(HERE, FILMS), (THERE, OTHER)], NOW)
    assert len(told.switched_off) == 3
    assert writer.follow_launches([(THERE, OTHER), (HERE, FILMS)], Instant(NOW + HOUR)) == told, "no news, no new file"
    assert [one.by_launch for one in writer.switch_on(FILMS, HERE, NOW).switched_off] == [True, True]
    assert writer.follow_launches([], NOW).switched_off == ()


def test_sessions_and_switches_stand_side_by_side(writer: ControlWriter, store: ObjectStore, tmp_path: Path) -> None:
    writer.switch_off(FILMS, HERE, NOW, ends_plays=True)
    writer.revoke(SessionId("other"), Instant(NOW + HOUR), NOW)
    told = read_control(store, open_ring(tmp_path / "token.key"))
    assert len(told.switched_off) == len(told.revoked) == 1
    assert InForce(told).stops(grant())


_WRITER = """
import sys
from pathlib import Path
from matinee.delivery.control import ControlWriter
from matinee.delivery.keyring import open_ring
from matinee.outside.objects import ObjectStore
folder, name = Path(sys.argv[1]), sys.argv[2]
writer = ControlWriter(ObjectStore.local(folder / "published"), open_ring(folder / "token.key"), folder / "lock")
for number in range(25):
    writer.switch_off(f"{name}{number}", None, 1, ends_plays=True)
"""


def test_two_processes_at_once_lose_nothing(store: ObjectStore, writer: ControlWriter, tmp_path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), name]) for name in ("a", "b")]
    assert [one.wait(60) for one in both] == [0, 0]
    told = read_control(store, open_ring(tmp_path / "token.key"))
    assert len(told.switched_off) == 50
    assert told.sequence >= 50


def test_one_who_finds_the_file_damaged_is_heard_all_the_same(store: ObjectStore, writer: ControlWriter, tmp_path: Path) -> None:
    held = writer.switch_off(FILMS, HERE, NOW, ends_plays=True).sequence
    file = store.local_file(CONTROL_PATH)
    assert file is not None
    file.write_bytes(b"damaged")
    stranger = ControlWriter(store, open_ring(tmp_path / "token.key"), tmp_path / "lock")
    told = stranger.switch_off(OTHER, None, Instant(NOW + HOUR), ends_plays=True)
    assert stranger.found_damaged
    assert told.sequence > held, "or every edge would take it for old"
    assert not writer.found_damaged


def test_revocations_never_outgrow_what_a_reader_takes(
    store: ObjectStore, writer: ControlWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "MAX_REVOKED", 3)
    for number in range(5):
        writer.revoke(SessionId(f"s{number}"), Instant(NOW + HOUR - number), NOW)
    told = read_control(store, open_ring(tmp_path / "token.key"))
    assert [entry.session for entry in sorted(told.revoked, key=lambda entry: entry.session)] == ["s0", "s1", "s4"]
