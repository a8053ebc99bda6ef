"""An operator's file: taken whole, or refused with the line and the column of what is wrong, whatever it holds."""

import io
import tracemalloc
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.money import Money
from matinee.members.operator_file import COLUMNS, MAX_FAULTS, BilledTold, FileRefused, read_billed

HEAD = ",".join(COLUMNS)
ROW = "e-1,Fibre B-1,Films,Everything,2026-11-01,2026-11-30,7.99,EUR"
PRICED = {("Films", "Everything"): {"EUR"}}


def _read(text: str | bytes) -> list[BilledTold]:
    raw = text.encode() if isinstance(text, str) else text
    return read_billed(io.BytesIO(raw), "billed.csv", PRICED)


def _refused(text: str | bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        _read(text)
    return refused.value


def _tried(raw: bytes) -> list[BilledTold] | FileRefused:
    try:
        return _read(raw)
    except FileRefused as error:
        return error


def _with(**values: str) -> str:
    cells = dict(zip(COLUMNS, ROW.split(","), strict=True)) | values
    return f"{HEAD}\n{','.join(cells.values())}\n"


def test_a_row_is_what_it_says() -> None:
    (row,) = _read(f"{HEAD}\n{ROW}\n")
    assert row == BilledTold(
        line=2,
        event_id="e-1",
        household="Fibre B-1",
        service="Films",
        plan="Everything",
        first=date(2026, 11, 1),
        until=date(2026, 12, 1),
        amount=Money(799, "EUR"),
    )


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{HEAD}\n{ROW}",
        f"{HEAD}\r\n{ROW}\r\n",
        f"{HEAD}\n\n{ROW}\n\n",
        _with(household='"Fibre B-1"'),
        _with(household=" Fibre B-1 "),
        ",".join(reversed(COLUMNS)) + "\n" + ",".join(reversed(ROW.split(","))),
    ],
    ids=["a BOM", "CR LF", "empty lines", "quotes", "blanks", "columns in another order"],
)
def test_the_same_written_otherwise(text: str) -> None:
    (row,) = _read(text)
    assert (row.event_id, row.household, row.amount) == ("e-1", "Fibre B-1", Money(799, "EUR"))


def test_names_may_hold_commas_quotes_and_letters_of_any_language() -> None:
    (row,) = _read(_with(household='"Żółw, ""the"" 2nd"'))
    assert row.household == 'Żółw, "the" 2nd'


@pytest.mark.parametrize(
    ("shows", "text", "line", "column", "says"),
    [
        ("nothing", "", 1, "", "empty"),
        ("a wrong column", HEAD.replace("plan", "tariff") + f"\n{ROW}", 1, "tariff", "no such column"),
        ("a missing column", HEAD.replace(",plan", "") + "\n", 1, "plan", "missing"),
        ("a column twice", f"{HEAD},plan\n", 1, "plan", "twice"),
        ("semicolons", HEAD.replace(",", ";") + "\n", 1, "", "semicolons"),
        ("too few values", f"{HEAD}\n{ROW}\ne-2,a\n", 3, "", "2 values for 8"),
        ("UTF-16", f"{HEAD}\n{ROW}".encode("utf-16"), 1, "byte 1", "UTF-16"),
        ("UTF-16 without its mark", f"{HEAD}\n{ROW}".encode("utf-16-le"), 1, "byte 1", "UTF-16"),
        ("Latin-1", f"{HEAD}\n{ROW}\n".encode() + "e-2,Clé".encode("latin-1"), 3, "byte 7", "no text in UTF-8"),
        ("an open quote", f'{HEAD}\n{ROW}\ne-2,"Fibre\n', 3, "", "no CSV"),
        ("text after a quote", f'{HEAD}\n"e-1"x,a', 2, "", "no CSV"),
        ("a line break in a value", _with(household='"a\nb"'), 2, "household", "no line"),
        ("a NUL", f"{HEAD}\n{ROW}\n".encode() + b"e-2,\0", 3, "byte 5", "NUL"),
        ("a line without end", f"{HEAD}\n{'x' * 100_000}", 2, "", "longer"),
        ("an empty value", _with(event_id=""), 2, "event_id", "nothing"),
        ("a long value", _with(event_id="x" * 61), 2, "event_id", "60 characters"),
        ("a negative amount", _with(amount="-7.99"), 2, "amount", "not above zero"),
        ("no amount", _with(amount="0.00"), 2, "amount", "not above zero"),
        ("a comma", _with(amount='"7,99"'), 2, "amount", "no amount"),
        ("too many digits", _with(amount="7.999"), 2, "amount", "digits after the point"),
        ("a sign of money", _with(amount="€7.99"), 2, "amount", "no amount"),
        ("an exponent", _with(amount="1e9"), 2, "amount", "no amount"),
        ("a formula", _with(amount="=1+1"), 2, "amount", "no amount"),
        ("a foreign amount", _with(currency="USD"), 2, "currency", "not sold in USD"),
        ("no currency", _with(currency="euro"), 2, "currency", "no currency"),
        ("a day of another kind", _with(first_day="01/11/2026"), 2, "first_day", "no day"),
        ("a day that is none", _with(first_day="2026-02-30"), 2, "first_day", "no day"),
        ("days in reverse", _with(last_day="2026-10-30"), 2, "last_day", "no last day"),
        ("a month of years", _with(last_day="2029-10-30"), 2, "last_day", "no last day"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_its_column(
    shows: str, text: str | bytes, line: int, column: str, says: str
) -> None:
    error = _refused(text)
    first = error.faults[0]
    assert (first.line, first.column) == (line, column), shows
    assert says in first.says
    assert f"line {line}" in error.message
    assert first.remedy, "it says what to do"


def test_a_plan_of_which_nothing_is_known_is_told_as_it_is() -> None:
    (row,) = _read(_with(plan="Another", currency="USD"))
    assert row.amount == Money(799, "USD")


def test_every_wrong_row_is_told_up_to_a_number() -> None:
    rows = "\n".join([ROW, ROW.replace("7.99", "x"), ROW, ROW.replace("EUR", "eur")])
    assert [fault.line for fault in _refused(f"{HEAD}\n{rows}").faults] == [3, 5]
    many = "\n".join([ROW.replace("7.99", "x")] * 1_000)
    error = _refused(f"{HEAD}\n{many}")
    assert len(error.faults) == MAX_FAULTS
    assert "at least 49 more" in error.message


class _Endless(io.RawIOBase):
    """A file of so many bytes, made as they are read."""

    def __init__(self, head: bytes, again: bytes, size: int) -> None:
        self._left, self._again, self._ready = size, again, head

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = 1 << 30 if size is None or size < 0 else size
        if not self._ready and self._left > 0:
            self._ready, self._left = self._again, self._left - len(self._again)
        line, self._ready = self._ready[:limit], self._ready[limit:]
        return line


@pytest.mark.parametrize("again", [b"x" * 1_000_000, b'"' + b"a," * 3_000 + b"\n", b"e-1,bad\n"])
def test_a_huge_file_that_is_wrong_takes_no_memory(again: bytes) -> None:
    tracemalloc.start()
    try:
        file: Any = _Endless(f"{HEAD}\n".encode(), again, 2_000_000_000)
        with pytest.raises(FileRefused):
            read_billed(file, "huge.csv", PRICED)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


_CELLS = st.one_of(
    st.sampled_from(["", "e-1", "2026-11-01", "7.99", "-1", "EUR", "\x1b[31m", '"', "=cmd", "\u202e", "é", "a,b", "1e400"]),
    st.text(max_size=12),
)


@given(st.lists(st.lists(_CELLS, min_size=6, max_size=10), max_size=6))
def test_whatever_rows_hold_they_are_read_or_refused(rows: list[list[str]]) -> None:
    text = "\n".join([HEAD, *(",".join(cells) for cells in rows)])
    read = _tried(text.encode("utf-8", "surrogatepass"))
    if isinstance(read, FileRefused):
        assert all(fault.line >= 1 and fault.remedy for fault in read.faults)
        assert "\x1b" not in read.message
    else:
        assert all(row.amount.minor > 0 and row.first < row.until and row.household.isprintable() for row in read)


@given(st.binary(max_size=400))
def test_whatever_bytes_it_is_made_of(raw: bytes) -> None:
    for read in (_tried(HEAD.encode() + b"\n" + raw), _tried(raw)):
        assert not isinstance(read, FileRefused) or read.faults
