"""What is hidden, deleted, erased or too old is gone, from the database and from memory; what is told of a home is all of it."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from matinee.app import privacy
from matinee.app.forgetting import MONTH_MS, OLD_EVERY_MS, SETTLED_MS, ForgetsInMemory, Forgetting, forget
from matinee.app.privacy import HELD, LEFT_OUT, NOT_BY_TABLE, tables_of_people
from matinee.app.tables import metadata
from matinee.base.clock import DAY, Instant
from matinee.base.ids import ClientId, PackageId, ProfileId, ScreenSessionId, SessionId, TitleId, new_id
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import Title
from matinee.home.opened import OpenedTitles, opened_titles
from matinee.members import consent_store, erasure, pin_store, plan_store, profile_store, store, taste_store
from matinee.members.account_store import activation_codes, partner_accounts
from matinee.members.billing_store import billing_events
from matinee.members.consent_store import Purpose
from matinee.members.model import SubscriptionState
from matinee.members.sign_in import accounts, codes, rules, sessions
from matinee.members.sign_in.model import AuthorizationCode, Decision, DeviceCode, ScreenSession
from matinee.outside.database import Database
from matinee.parties import outbox
from matinee.playback import lease_store
from matinee.playback import store as playback
from matinee.playback.model import Place, Session
from matinee.playback.streams import Lease
from tests.catalogue.factories import film
from tests.world import NOW, PASSWORD_HASH, Home, Screens, World, screens

ACCOUNTS = {"households", "subscriptions", "partner_accounts", "billing_events", "activation_codes"}
"""What stays of an erased household, by random ids alone, so that what was billed adds up."""


MONEY = {"charges", "dues", "invoices", "ledger_entries", "ledger_lines"}
"""What stands of an erased household too. Nothing is charged in this world: that a file tells of them is what the walk proves."""


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def put(world: World, *names: str) -> list[Title]:
    made = [msgspec.structs.replace(film(one), publisher=world.studio.id, service=world.cinema.id) for one in names]
    world.put(*made)
    return made


def watch(world: World, home: Home, profile: ProfileId, title: TitleId, at: int) -> None:
    """A play that ended, with the place where it did."""
    play = Session(
        id=SessionId(new_id()), household=home.household, profile=profile, title=title, package=PackageId("p"),
        duration_ms=DurationMs(60_000), started_at=Instant(at), token_expires_at=Instant(at + 1), ended_at=Instant(at),
    )  # fmt: skip
    place = Place(
        household=home.household, profile=profile, title=title, position_ms=PositionMs(9_000), duration_ms=DurationMs(60_000),
        completed=False, session=play.id, sequence=1, counted_at=Instant(at),
    )  # fmt: skip
    with world.database.write() as conn:
        playback.save_sessions(conn, [play])
        playback.save_places(conn, [place])


def seen(ask: Screens, profile: str, **query: Any) -> list[str]:
    return [one["title"]["name"] for one in ask.box.get("/api/v1/history", profile=profile, **query).json()["items"]]


def forgetting(world: World) -> Forgetting:
    return Forgetting(world.database, lambda: world.now, viewing_months=24, plays_months=13)


def fill(world: World, home: Home, title: TitleId) -> None:
    """Something of a home in every table that holds people."""
    for one in (home.adult.id, home.child.id):
        watch(world, home, one, title, NOW)
    with world.database.write() as conn:
        pin_store.set_pin(conn, world.members.guard.mark, home.household, "2468", NOW, of_version=None)
        pin_store.try_pin(conn, world.members.guard.mark, home.household, "box:1", "0000", NOW)
        pin_store.settle_screen(conn, f"box:{home.box.id}", home.household, home.child.id, NOW)
        taste_store.put_on_list(conn, home.household, home.adult.id, title, NOW)
        taste_store.put_thumb(conn, home.household, home.child.id, title, "up", NOW)
        consent_store.give(conn, home.household, home.adult.id, Purpose.MEASUREMENT, given=True, now=NOW)
        row = {"profile_id": home.adult.id, "title_id": title, "household_id": home.household, "opened_at": NOW}
        conn.execute(opened_titles.insert().values(**row))
        plan, _ = plan_store.ensure_plan(conn, world.cinema, "Tout", NOW, actor="test")
        plan_store.record_subscription(conn, home.household, plan, None, SubscriptionState.ACTIVE, NOW, actor="test")
        account = {"id": new_id(), "operator_id": world.orange, "service_id": world.cinema.id, "household_id": home.household}
        conn.execute(partner_accounts.insert().values(**account, created_at=NOW))
        code = {"digest": new_id(), "account_id": account["id"], "created_at": NOW, "expires_at": NOW}
        conn.execute(activation_codes.insert().values(**code))
        event = {"id": new_id(), "operator_id": world.orange, "event_id": new_id(), "account_id": account["id"]}
        said = {"act": "activate", "at": NOW, "by_link": False, "hands_over": False, "words": {}, "recorded_at": NOW}
        conn.execute(billing_events.insert().values(**event, **said))
    sign_in(world, home)
    leases = [
        Lease(
            session=SessionId(new_id()), household=home.household, service=world.cinema.id, title=title, profile=one,
            since=Instant(NOW), until=Instant(NOW + 1), token_until=Instant(NOW + DAY), limit=2, is_over=False,
        )
        for one in (home.adult.id, home.child.id)
    ]  # fmt: skip
    with world.database.write() as conn:
        lease_store.save(conn, leases)


def sign_in(world: World, home: Home) -> None:
    """A television that was approved, a browser under way, and their account."""
    with world.database.write() as conn:
        account = accounts.add_account(conn, home.household, f"{home.household}@example.org", PASSWORD_HASH, NOW, actor="test")
        device = DeviceCode(
            digest=new_id(), user_code=rules.new_user_code(), client=ClientId("matinee-tv"), scope="watch", label="Salon",
            expires_at=Instant(NOW + DAY),
        )  # fmt: skip
        codes.add_device_code(conn, device, NOW)
        codes.decide(conn, device, Decision.APPROVED, home.household, account.id, NOW, NOW)
        code = AuthorizationCode(
            digest=new_id(), client=ClientId("matinee-web"), redirect_uri="https://tv.example/", scope="watch", nonce="",
            challenge="c", household=home.household, account=account.id, session=ScreenSessionId(new_id()), label="Salon",
            authenticated_at=NOW, expires_at=Instant(NOW + DAY),
        )  # fmt: skip
        codes.add_authorization_code(conn, code, NOW)
        screen = ScreenSession(
            id=ScreenSessionId(new_id()), household=home.household, account=account.id, client=ClientId("matinee-tv"),
            scope="watch", label="Salon", begun_at=NOW, last_seen=NOW, expires_at=Instant(NOW + DAY), authenticated_at=NOW,
        )  # fmt: skip
        sessions.begin(conn, screen, rules.first_refresh_token(screen.id))


def test_history_is_told_page_by_page_and_hidden_one_by_one_or_all(world: World, ask: Screens) -> None:
    made = put(world, "A", "B", "C")
    adult, child = world.one.adult.id, world.one.child.id
    for number, title in enumerate(made):
        watch(world, world.one, adult, title.id, NOW + number)
        watch(world, world.one, child, title.id, NOW + number)
    world.now = Instant(NOW + 10)
    assert seen(ask, adult) == ["C", "B", "A"]
    first = ask.box.get("/api/v1/history", profile=adult, limit=2).json()
    assert seen(ask, adult, limit=2, cursor=first["next_cursor"]) == ["A"]
    for _ in range(2):
        assert ask.box.send("DELETE", f"/api/v1/history/{made[1].id}?profile={adult}").status_code == 204
    assert seen(ask, adult) == ["C", "A"]
    assert seen(ask, child) == ["C", "B", "A"]
    for _ in range(2):
        assert ask.box.send("DELETE", f"/api/v1/history?profile={adult}").status_code == 204
    assert seen(ask, adult) == []
    assert ask.box.send("DELETE", f"/api/v1/history?profile={world.other.adult.id}").status_code == 404
    watch(world, world.one, adult, made[0].id, NOW + 20)
    world.book.forget(adult)
    assert seen(ask, adult) == ["A"], "what is watched afterwards is there again"


def test_what_another_process_wrote_late_is_hidden_all_the_same(world: World, ask: Screens) -> None:
    (title,) = put(world, "A")
    adult, work = world.one.adult.id, forgetting(world)
    ask.box.send("DELETE", f"/api/v1/history?profile={adult}")
    watch(world, world.one, adult, title.id, NOW - 1)  # heard before, written after
    work.step()
    world.book.forget(adult)
    assert seen(ask, adult) == ["A"], "not before every process has written"
    world.now = Instant(NOW + SETTLED_MS)
    for _ in range(2):
        work.step()
    world.book.forget(adult)
    assert seen(ask, adult) == []


def test_a_deleted_profile_takes_all_that_was_its_own_with_it(world: World, ask: Screens) -> None:
    (title,) = put(world, "A")
    fill(world, world.one, title.id)
    gone, stays = world.one.adult.id, world.one.child.id
    with world.database.write() as conn:
        profile_store.delete(conn, world.one.household, gone, NOW)
    world.now = Instant(NOW + SETTLED_MS)
    forgetting(world).step()
    with world.database.read() as conn:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if column.name.removesuffix("_id") == "profile":
                    left = {row[0] for row in conn.execute(sa.select(column))}
                    assert gone not in left, table.name
                    assert stays in left or table.name in ("opened_titles", "consents"), f"{table.name}: not the others' too"


def test_memory_forgets_too(world: World) -> None:
    (title,) = put(world, "A")
    opened = OpenedTitles(world.database, lambda: world.now)
    fill(world, world.one, title.id)
    adult = world.one.adult.id
    assert (len(world.book.find_places(adult)), len(opened.recent(adult, NOW)), len(world.tastes.listed(adult))) == (1, 1, 1)
    with world.database.write() as conn:
        _, told = erasure.erase(conn, world.one.household, NOW, actor="test")
        for one in told:
            forget(conn, one)
    with world.database.read() as conn:
        events = [event for event in outbox.after(conn, 0) if event.topic == "forgotten"]
        ForgetsInMemory(world.book, opened, world.tastes).follow(conn, events)
    assert (len(world.book.find_places(adult)), len(opened.recent(adult, NOW)), len(world.tastes.listed(adult))) == (0, 0, 0)


def test_what_is_too_old_goes_by_itself_and_nothing_else_does(world: World, ask: Screens) -> None:
    old, late, new = put(world, "Old", "Late", "New")
    adult, work = world.one.adult.id, forgetting(world)
    for title, at in ((old, NOW), (late, NOW + DAY), (new, NOW + 20 * MONTH_MS)):
        watch(world, world.one, adult, title.id, at)

    def left() -> tuple[int, int]:
        with world.database.read() as conn:
            counts = (sa.select(sa.func.count()).select_from(one) for one in (playback.places, playback.play_sessions))
            places, plays = (conn.execute(one).scalar_one() for one in counts)
        return int(places), int(plays)

    for now, expected in (
        (NOW, (3, 3)),
        (NOW + 13 * MONTH_MS, (3, 3)),
        (NOW + 13 * MONTH_MS + OLD_EVERY_MS, (3, 2)),
        (NOW + 24 * MONTH_MS + 2 * OLD_EVERY_MS, (2, 1)),
        (NOW + 24 * MONTH_MS + 2 * OLD_EVERY_MS, (2, 1)),
        (NOW + 60 * MONTH_MS, (0, 0)),
    ):
        world.now = Instant(now)
        work.step()
        assert left() == expected, (now - NOW) / MONTH_MS


def test_every_table_that_names_people_is_told_or_listed_with_a_reason() -> None:
    """A new table fails here: add it to HELD in app/privacy.py, or to LEFT_OUT with the reason why nobody is told of it."""
    people = tables_of_people()
    assert {"places", "profiles", "subscriptions", "viewer_tokens"} <= people, "the walk finds what there is"
    assert people - HELD.keys() - LEFT_OUT.keys() == set()
    assert (HELD.keys() | LEFT_OUT.keys()) - people == set(), "these name nobody (any more)"
    assert all(len(reason) > 20 for reason in (*LEFT_OUT.values(), *NOT_BY_TABLE.values()))


def test_the_export_holds_everything_of_a_household_and_of_no_other(world: World, ask: Screens) -> None:
    (title,) = put(world, "A")
    for home in (world.one, world.other):
        fill(world, home, title.id)
    with world.database.read() as conn:
        told = json.loads(msgspec.json.encode(privacy.export(conn, world.one.household, NOW)))
        text = json.dumps(told)
        for name, rows in told["held"].items():
            table = metadata.tables[name]
            mine = privacy.whose(HELD[name], table, world.one.household)
            count = sa.select(sa.func.count()).select_from(table).where(mine)
            assert len(rows) == conn.execute(count).scalar_one(), name
            assert rows or name in MONEY, name
            for secret in HELD[name].secrets:
                assert all(secret not in row for row in rows)
        kept = conn.execute(sa.select(pin_store.household_pins.c.kept)).scalars().all()
    assert told["held"].keys() == HELD.keys()
    assert not any(word in text for word in (world.other.household, world.other.adult.id, world.one.viewer_token, *kept))


def test_a_household_asks_for_its_file_and_to_be_erased_with_the_pin(world: World, ask: Screens) -> None:
    erase = {"confirm": "erase everything"}
    told = ask.phone.get("/api/v1/privacy/export")
    assert (told.status_code, told.json()["held"]["households"][0]["reference"]) == (200, "one")
    assert told.headers["content-disposition"].startswith("attachment")
    assert ask.box.send("POST", "/api/v1/privacy/erase", erase).status_code == 409, "a guest must not, so a PIN must be there"
    assert ask.box.send("PUT", "/api/v1/pin", {"pin": "2468"}).status_code == 204
    for answer in (ask.phone.get("/api/v1/privacy/export"), ask.box.send("POST", "/api/v1/privacy/erase", erase)):
        assert (answer.status_code, answer.json()["code"]) == (403, "pin_needed")
    unlock = ask.box.send("POST", "/api/v1/pin/unlock", {"pin": "2468"}).json()["unlock"]
    assert ask.box.send("POST", "/api/v1/privacy/erase", {"confirm": "yes"}, unlock=unlock).status_code == 400
    world.now = Instant(NOW + 1)
    assert ask.box.send("POST", "/api/v1/privacy/erase", erase, unlock=unlock).status_code == 204
    assert ask.phone.get("/api/v1/me").status_code == 401
    assert [one["name"] for one in ask.box.get("/api/v1/me").json()["profiles"]] == ["Salon"]


def test_an_erased_household_leaves_its_accounts_and_nothing_of_its_people(world: World, ask: Screens) -> None:
    (title,) = put(world, "A")
    fill(world, world.one, title.id)
    old = world.one.household
    with world.database.write() as conn:
        fresh, told = erasure.erase(conn, old, Instant(NOW + 1), actor="test")
        for one in told:
            forget(conn, one)
    world.now = Instant(NOW + 2)
    world.feed.poll()
    with world.database.read() as conn:
        for name, held in HELD.items():
            table = metadata.tables[name]
            left = conn.execute(sa.select(table).where(privacy.whose(held, table, old))).all()
            assert bool(left) == (name in ACCOUNTS), name
        text = json.dumps(msgspec.to_builtins(privacy.export(conn, old, NOW)))
        states = [one.state for one in plan_store.subscriptions_of(conn, [old])]
        assert store.household_named(conn, "one") == fresh
    assert "Grande" not in text
    assert '"one"' not in text
    assert states == [SubscriptionState.ACTIVE, SubscriptionState.ENDED], "what was sold stands, and is owed no more"
    assert ask.phone.get("/api/v1/me").status_code == 401, "its tokens open nothing"
    me = ask.box.get("/api/v1/me").json()
    assert (me["household_id"], len(me["profiles"]), me["has_pin"]) == (fresh, 1, False), "the box at its line starts anew"
    assert ask.box.get("/api/v1/history", profile=me["profiles"][0]["id"]).json()["items"] == []
    assert ask.other_box.get("/api/v1/me").json()["profiles"][0]["name"] == "Grande"


def test_a_consent_is_given_and_taken_back_and_never_a_childs(world: World, ask: Screens) -> None:
    path = f"/api/v1/profiles/{world.one.adult.id}/consents"
    before = {one["purpose"]: one["given"] for one in ask.box.get(path).json()["consents"]}
    assert before == {"needed": True, "recommendations": False, "measurement": False}
    world.now = Instant(NOW + 1)
    for _ in range(2):
        told = ask.box.send("PUT", path, {"purpose": "recommendations", "given": True}).json()["consents"]
        assert told[1] == {"purpose": "recommendations", "asked": True, "given": True, "since": "2014-10-02T10:00:00.001Z"}
        world.now = Instant(NOW + 9)
    assert ask.box.send("PUT", path, {"purpose": "recommendations", "given": False}).json()["consents"][1]["given"] is False
    for wrong in ({"purpose": "needed", "given": False}, {"purpose": "else", "given": True}, {"purpose": "measurement"}):
        assert ask.box.send("PUT", path, wrong).status_code == 400
    child = f"/api/v1/profiles/{world.one.child.id}"
    ask.box.send("PATCH", child, {"kids": True})
    assert ask.box.send("PUT", f"{child}/consents", {"purpose": "measurement", "given": True}).status_code == 400
    assert ask.box.get(f"/api/v1/profiles/{world.other.adult.id}/consents").status_code == 404
