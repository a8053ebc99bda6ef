"""What an operator billed, as it tells it: a CSV file in UTF-8, read row by row, and every value of it checked.

A file is taken whole or refused whole. What is wrong is told with its line, counted from 1 with the heading, and its column by
name; a byte that is no UTF-8 with its line and its place in it. docs/money.md describes the columns for operators.
"""

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import IO, Final

import msgspec

from matinee.base.money import Money, is_currency, parse_money
from matinee.members.model import MemberError

COLUMNS: Final = ("event_id", "household", "service", "plan", "first_day", "last_day", "amount", "currency")
MAX_CELL: Final = 200
MAX_LINE: Final = 8_192
MAX_FAULTS: Final = 50
"""So many are told; a file that is wrong throughout is not told in full."""
MAX_DAYS: Final = 400
_BOM: Final = b"\xef\xbb\xbf"
_WIDE_TEXT: Final = (b"\xff\xfe", b"\xfe\xff")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class FileFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wrong at one place of a file, and what to do about it. `column` is a name, "" for the whole line."""

    line: int
    column: str
    says: str
    remedy: str

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        return f"line {self.line}{column}: {self.says} {self.remedy}"


class FileRefused(MemberError):
    """A file with at least one fault: nothing of it was taken."""

    def __init__(self, name: str, faults: Iterable[FileFault]) -> None:
        self.name = name
        self.faults = tuple(faults)
        first, count = self.faults[0], len(self.faults)
        others = f"at least {count - 1}" if count == MAX_FAULTS else str(count - 1)
        more = "" if count == 1 else f" There are {others} more."
        column = f", column {first.column}" if first.column else ""
        super().__init__(f"{name}, line {first.line}{column}: {first.says}{more}", remedy=first.remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return FileRefused, (self.name, self.faults)


class BilledTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row: that a household, by its reference, was billed for a plan and the days from `first` up to, not including,
    `until`.
    """

    line: int
    event_id: str
    household: str
    service: str
    plan: str
    first: date
    until: date
    amount: Money


class _Fault(Exception):
    def __init__(self, column: str, says: str, remedy: str) -> None:
        super().__init__(says)
        self.column, self.says, self.remedy = column, says, remedy


def read_billed(file: IO[bytes], name: str, currencies: Mapping[tuple[str, str], Collection[str]]) -> list[BilledTold]:
    """All rows of a file, in its order. A row that is there twice, word for word, is there twice in the answer too.

    `currencies`: of each (service, plan) that the operator may sell, in what it is priced; of others a row is told as it is.
    Raises FileRefused.
    """
    faults: list[FileFault] = []
    rows: list[BilledTold] = []
    for one in _rows(file, currencies):
        if isinstance(one, FileFault):
            faults.append(one)
            if len(faults) == MAX_FAULTS:
                break
        elif not faults:
            rows.append(one)
    if faults:
        raise FileRefused(name, faults)
    return rows


def _rows(file: IO[bytes], currencies: Mapping[tuple[str, str], Collection[str]]) -> Iterator[BilledTold | FileFault]:
    lines = _Lines(file)
    table = csv.reader(lines, strict=True)
    places: list[int] | None = None
    before = 0
    while True:
        line = before + 1
        try:
            cells = next(table)
        except StopIteration:
            break
        except _Fault as fault:
            yield FileFault(line=lines.number, column=fault.column, says=fault.says, remedy=fault.remedy)
            return  # what follows cannot be told apart any more
        except csv.Error as error:
            yield FileFault(
                line=line, column="", says=f"This is no CSV: {error}.", remedy="Close each quote, and double those inside one."
            )
            return
        before = table.line_num
        if not cells:
            continue
        if places is None:
            try:
                places = _places(cells)
            except _Fault as fault:
                yield FileFault(line=line, column=fault.column, says=fault.says, remedy=fault.remedy)
                return
            continue
        yield _row(line, cells, places, currencies)
    if places is None:
        yield FileFault(
            line=1, column="", says="The file is empty.", remedy=f"Its first line names the columns: {','.join(COLUMNS)}."
        )


class _Lines:
    """The lines of a file as text. Raises _Fault for what is no text in UTF-8, and for a line that no row has."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            if line.startswith(_WIDE_TEXT) or b"\0" in line[:16]:
                raise _Fault("byte 1", "The file is in UTF-16.", "Save it as CSV in UTF-8.")
            line = line.removeprefix(_BOM)
        if len(line) > MAX_LINE:
            raise _Fault("", f"The line is longer than {MAX_LINE} bytes.", "Write one charge on each line.")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            where = f"byte {error.start + 1}"
            raise _Fault(where, "This is no text in UTF-8.", "Save the file as CSV in UTF-8, not in Latin-1.") from error
        if "\0" in text:
            raise _Fault(f"byte {text.index(chr(0)) + 1}", "There is a NUL.", "Write the file anew.")
        return text


def _places(heading: list[str]) -> list[int]:
    names = [cell.strip() for cell in heading]
    if len(names) == 1 and ";" in names[0]:
        raise _Fault("", "The columns are parted by semicolons.", "Part them by commas, and write 7.99 with a point.")
    for name in names:
        if name not in COLUMNS:
            shown = name if name.isprintable() else repr(name)
            raise _Fault(shown[:MAX_CELL], "There is no such column.", f"The columns are {', '.join(COLUMNS)}.")
        if names.count(name) > 1:
            raise _Fault(name, "The column is there twice.", "Write it once.")
    for name in COLUMNS:
        if name not in names:
            raise _Fault(name, "The column is missing.", f"The columns are {', '.join(COLUMNS)}.")
    return [names.index(name) for name in COLUMNS]


def _row(
    line: int, cells: list[str], places: list[int], currencies: Mapping[tuple[str, str], Collection[str]]
) -> BilledTold | FileFault:
    try:
        if len(cells) != len(COLUMNS):
            raise _Fault("", f"There are {len(cells)} values for {len(COLUMNS)} columns.", "Quote a value that holds a comma.")
        event_id, household, service, plan, first, last, amount, currency = (
            _text(name, cells[place]) for name, place in zip(COLUMNS, places, strict=True)
        )
        begins, ends = _day("first_day", first), _day("last_day", last)
        if not begins <= ends < begins + timedelta(days=MAX_DAYS):
            raise _Fault("last_day", f"{last} is no last day after {first}.", f"It is on or after it, within {MAX_DAYS} days.")
        return BilledTold(
            line=line,
            event_id=event_id,
            household=household,
            service=service,
            plan=plan,
            first=begins,
            until=ends + timedelta(days=1),
            amount=_amount(amount, currency, currencies.get((service, plan))),
        )
    except _Fault as fault:
        return FileFault(line=line, column=fault.column, says=fault.says, remedy=fault.remedy)


def _text(column: str, cell: str) -> str:
    text = cell.strip()
    limit = 60 if column == "event_id" else MAX_CELL
    if not text:
        raise _Fault(column, "There is nothing.", "Every column of every row has a value.")
    if len(text) > limit or not text.isprintable():
        raise _Fault(column, f"This is no line of 1 to {limit} characters.", "Write it on one line, and shorter.")
    return text


def _day(column: str, text: str) -> date:
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not 1990 <= day.year < 2200:
        raise _Fault(column, f"{text!r} is no day.", "Write the year, the month and the day: 2026-11-30.")
    return day


def _amount(text: str, currency: str, priced: Collection[str] | None) -> Money:
    if not is_currency(currency):
        raise _Fault("currency", f"{currency!r} is no currency.", "Write three capital letters (ISO 4217): EUR.")
    if priced is not None and currency not in priced:
        raise _Fault("currency", f"The plan is not sold in {currency}.", f"It is priced in {', '.join(sorted(priced))}.")
    try:
        amount = parse_money(text, currency)
    except ValueError as error:
        raise _Fault("amount", f"{error}."[:MAX_CELL], "Write major units with a point: 7.99.") from error
    if amount.minor <= 0:
        raise _Fault("amount", f"{text} is not above zero.", "Tell what was billed; what was not billed has no row.")
    return amount
