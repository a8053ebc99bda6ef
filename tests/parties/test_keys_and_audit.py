"""Publishers, their keys, and the sealed list of what was done."""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.party import PartyKind
from matinee.outside.database import Database
from matinee.parties import audit, store, tokens
from matinee.parties.feed import Feed
from matinee.parties.model import PartyError
from matinee.parties.snapshot import ApiKeys
from matinee.parties.tokens import TokenKind

NOW = Instant(1_412_244_000_000)


def test_a_key_is_known_until_it_is_ended_and_its_words_are_nowhere(any_database: Database) -> None:
    keys = ApiKeys()
    feed = Feed(any_database, [keys])
    feed.poll()
    with any_database.write() as conn:
        publisher = store.ensure_publisher(conn, "Studio", "EUR", NOW)
        token = store.mint_api_key(conn, publisher.id, "laptop", NOW)
    assert keys.resolve(token, NOW) is None  # the feed has not looked yet
    feed.poll()
    party = keys.resolve(token, NOW)
    assert party is not None
    assert (party.kind, party.publisher) == (PartyKind.API_KEY, publisher.id)
    assert keys.resolve(tokens.mint(TokenKind.API_KEY), NOW) is None
    with any_database.read() as conn:
        for table in (store.api_keys, store.publishers):
            assert all(token not in str(row) for row in conn.execute(sa.select(table)))
    with any_database.write() as conn:
        assert store.end_api_key(conn, tokens.digest(token)[:12], NOW, actor="test").label == "laptop"
    with pytest.raises(PartyError, match="No living key"), any_database.write() as conn:
        store.end_api_key(conn, tokens.digest(token)[:12], NOW, actor="test")
    feed.poll()
    assert keys.resolve(token, NOW) is None


@pytest.mark.parametrize("begins", ["", "zz", "%"])
def test_a_key_is_ended_by_its_own_id_alone(any_database: Database, begins: str) -> None:
    with any_database.write() as conn:
        theirs = store.ensure_publisher(conn, "Theirs", "EUR", NOW)
        store.mint_api_key(conn, theirs.id, "", NOW)
    with pytest.raises(PartyError), any_database.write() as conn:
        store.end_api_key(conn, begins, NOW, actor="test")


def test_ensure_publisher_makes_one_of_a_name(any_database: Database) -> None:
    with any_database.write() as conn:
        assert store.ensure_publisher(conn, "Studio", "EUR", NOW) == store.ensure_publisher(conn, "Studio", "EUR", NOW)
        assert len(store.all_publishers(conn)) == 1


@pytest.mark.parametrize(("name", "currency"), [(" ", "EUR"), ("Studio", "euro"), ("Studio", "€")])
def test_a_publisher_that_makes_no_sense_is_refused(any_database: Database, name: str, currency: str) -> None:
    with pytest.raises(PartyError), any_database.write() as conn:
        store.ensure_publisher(conn, name, currency, NOW)


@given(st.sampled_from(TokenKind))
def test_a_token_says_whose_it_is(kind: TokenKind) -> None:
    token = tokens.mint(kind)
    assert tokens.kind_of(token) is kind
    assert len(token) == 47


@given(st.text())
def test_what_is_no_token_has_no_kind(text: str) -> None:
    assert tokens.kind_of(text) is None


def test_the_audit_chain_names_the_first_row_that_was_touched(any_database: Database) -> None:
    with any_database.write() as conn:
        for number in range(5):
            audit.record(conn, "staff", "agreement.record", f"s{number}", {"n": number, "why": "été"}, NOW)
    with any_database.read() as conn:
        assert audit.first_broken(conn) is None
    with any_database.write() as conn:
        conn.execute(sa.update(audit.audit).where(audit.audit.c.seq == 3).values(detail={"n": 9, "why": "été"}))
        assert audit.first_broken(conn) == 3
        conn.execute(sa.delete(audit.audit).where(audit.audit.c.seq == 3))
        assert audit.first_broken(conn) == 3


TOUCHED = [
    ("another time", "at", "1412244000001"),
    ("another actor", "actor", "'somebody'"),
    ("another act", "action", "'agreement.forget'"),
    ("another subject", "subject", "'s9'"),
    ("another detail", "detail", "'{}'"),
    ("a detail that is no JSON", "detail", "'{'"),
    ("a detail without end", "detail", "'" + "[" * 100_000 + "'"),
    ("an empty detail", "detail", "''"),
    ("another seal", "seal", "'" + "0" * 64 + "'"),
    ("another number", "seq", "99"),
]


@pytest.mark.parametrize(("shows", "column", "value"), TOUCHED, ids=[row[0] for row in TOUCHED])
def test_whatever_is_touched_by_sql_is_found(any_database: Database, shows: str, column: str, value: str) -> None:
    with any_database.write() as conn:
        for number in range(1, 6):
            audit.record(conn, "staff", "agreement.record", f"s{number}", {"n": number}, NOW)
        conn.execute(sa.text(f"UPDATE audit SET {column} = {value} WHERE seq = 4"))
        assert audit.first_broken(conn) == 4, shows
        assert (audit.row_at(conn, 4) is None) is (column == "seq")


def test_a_seal_that_was_kept_shows_that_rows_were_cut_off(any_database: Database) -> None:
    with any_database.write() as conn:
        assert audit.newest(conn) == (0, "0" * 64)
        assert audit.row_sealed(conn, "0" * 64) == 0
        seals = [audit.record(conn, "staff", "agreement.record", "s", {}, NOW)[1] for _ in range(3)]
        assert audit.newest(conn) == (3, seals[-1])
        conn.execute(sa.delete(audit.audit).where(audit.audit.c.seq == 3))
        assert audit.first_broken(conn) is None
        assert [audit.row_sealed(conn, seal) for seal in seals] == [1, 2, None]
