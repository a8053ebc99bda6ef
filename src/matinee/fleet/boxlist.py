"""Files of boxes as operators send them, CSV or Parquet: read a few thousand rows at a time, whatever they hold.

Columns have TR-181's names (DeviceInfo.SerialNumber) or the last part of one (SerialNumber). A row that cannot be a box is a
fault with its place and its remedy; a file that cannot be a list of boxes is refused whole.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from matinee.fleet.model import FleetError

ROWS_AT_A_TIME: Final = 10_000
MAX_CELL: Final = 256

_NEEDED: Final = ("ManufacturerOUI", "ProductClass", "SerialNumber", "operator", "line")
_OPTIONAL: Final = ("label", "interface_product", "interface_version", "key")
_PARQUET_MAGIC: Final = b"PAR1"


class BoxTold(NamedTuple):
    """One row of a file. `place` is its line, counted from 1 with the heading; in Parquet its row, counted from 1.

    `operator` is a name or an id, `key` the thumbprint of the box's key (RFC 7638). What was not told is "".
    """

    place: int
    oui: str
    product_class: str
    serial: str
    operator: str
    line: str
    label: str
    product: str
    version: str
    key: str = ""


class Fault(NamedTuple):
    """What is wrong with one row of a file, and what to do about it."""

    place: int
    says: str
    remedy: str


Rows = Sequence[BoxTold | Fault]


def read_boxes(file: Path) -> Iterator[tuple[Rows, float]]:
    """The rows of a file in its order, with the fraction of the file that was read by then, 0 to 1.

    Raises FleetError for a file that is not there, is neither CSV nor Parquet, or lacks a column.
    """
    if not file.is_file():
        raise FleetError(f"There is no file {file}.", remedy="See that the path is spelled right.")
    try:
        with file.open("rb") as opened:
            is_parquet = opened.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
        yield from _parquet(file) if is_parquet else _csv(file)
    except OSError as error:
        raise FleetError(f"{file} cannot be read: {error.strerror or error}.", remedy="See that it may be read.") from error


def place_name(file: Path, place: int) -> str:
    """Where a fault is, as an editor finds it."""
    return f"{file}:{place}"


def _csv(file: Path) -> Iterator[tuple[Rows, float]]:
    size = max(1, file.stat().st_size)
    with file.open("rb") as raw, file.open(encoding="utf-8-sig", newline="") as probe:
        try:
            first = probe.readline(64 * 1024)
        except UnicodeDecodeError as error:
            raise _no_text(file) from error
        text = _Lines(raw)
        table = csv.reader(text, delimiter=";" if ";" in first and "," not in first else ",", strict=True)
        try:
            heading = next(table, [])
            places = _places(file, heading)
            rows: list[BoxTold | Fault] = []
            for cells in table:
                if not cells:  # an empty line, such as the last one
                    continue
                rows.append(_row(table.line_num, cells, places, len(heading)))
                if len(rows) == ROWS_AT_A_TIME:
                    yield rows, min(1.0, raw.tell() / size)
                    rows = []
        except csv.Error as error:
            raise FleetError(
                f"{place_name(file, table.line_num)}: this is no CSV: {error}.", remedy="Close its quotes, or write it anew."
            ) from error
        except UnicodeDecodeError as error:
            raise _no_text(file) from error
        if rows:
            yield rows, 1.0


class _Lines:
    """The lines of a file as text, while its place in the file can still be asked for."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._coding = "utf-8-sig"

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line: bytes = next(self._raw)
        coding, self._coding = self._coding, "utf-8"
        return line.decode(coding)


def _no_text(file: Path) -> FleetError:
    return FleetError(f"{file} is neither Parquet nor text in UTF-8.", remedy="Save it as CSV in UTF-8.")


def _parquet(file: Path) -> Iterator[tuple[Rows, float]]:
    import pyarrow as pa  # half a second, which no other command need wait for
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            schema = opened.schema_arrow
            places = _places(file, schema.names)
            for column in places.values():
                kind = schema.field(column).type
                of = kind.value_type if pa.types.is_dictionary(kind) else kind
                if not (pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_null(of)):
                    raise FleetError(
                        f"The column {schema.names[column]} of {file} holds {kind}, not text.",
                        remedy="Write it as text: a serial number loses its leading zeros as a number.",
                    )
            count, done = max(1, opened.metadata.num_rows), 0
            for batch in opened.iter_batches(ROWS_AT_A_TIME):
                columns = {name: batch.column(column).to_pylist() for name, column in places.items()}
                rows = [
                    _told(done + row + 1, {name: cells[row] or "" for name, cells in columns.items()})
                    for row in range(batch.num_rows)
                ]
                done += batch.num_rows
                yield rows, done / count
    except pa.ArrowException as error:
        raise FleetError(f"{file} is damaged: {str(error).splitlines()[0]}.", remedy="Write it anew.") from error


def _places(file: Path, heading: Sequence[str]) -> Mapping[str, int]:
    """Which column has what. Raises FleetError for columns that are missing, unknown or told twice."""
    found: dict[str, int] = {}
    for place, name in enumerate(heading):
        last = name.strip().rpartition(".")[2]
        if last not in (*_NEEDED, *_OPTIONAL):
            raise FleetError(f"{file} has a column {name!r}, which says nothing of boxes.", remedy=_REMEDY)
        if last in found:
            raise FleetError(f"{file} has the column {last} twice.", remedy="Leave one of them out.")
        found[last] = place
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise FleetError(f"{file} has no column {', '.join(missing)}.", remedy=_REMEDY)
    return found


_REMEDY = f"The columns are {', '.join(_NEEDED)}; there may be {', '.join(_OPTIONAL)}. Separate them by commas."


def _row(place: int, cells: Sequence[str], places: Mapping[str, int], width: int) -> BoxTold | Fault:
    if len(cells) != width:
        return Fault(place, f"the line has {len(cells)} cells, and the heading {width}", "Write every cell, an empty one too.")
    return _told(place, {name: cells[column] for name, column in places.items()})


def _told(place: int, cells: Mapping[str, str]) -> BoxTold | Fault:
    words = {name: cell.strip() for name, cell in cells.items()}
    for name, word in words.items():
        if len(word) > MAX_CELL:
            return Fault(place, f"{name} has {len(word):,} characters", f"Write {MAX_CELL} at most.")
        if not word.isprintable():
            return Fault(place, f"{name} has characters that cannot be shown: {word!r}", "Write it anew.")
        if not word and name in _NEEDED:
            return Fault(place, f"{name} is empty", "Write it, or leave the row out.")
    if bool(words.get("interface_product")) != bool(words.get("interface_version")):
        return Fault(place, "an interface has a product and a version, and one is empty", "Write both, or neither.")
    return BoxTold(
        place=place,
        oui=words["ManufacturerOUI"],
        product_class=words["ProductClass"],
        serial=words["SerialNumber"],
        operator=words["operator"],
        line=words["line"],
        label=words.get("label", ""),
        product=words.get("interface_product", ""),
        version=words.get("interface_version", ""),
        key=words.get("key", ""),
    )
