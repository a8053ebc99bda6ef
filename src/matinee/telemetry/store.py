"""Events as Parquet files: operator=ID/hour=YYYY-MM-DDTHH/FILE, readable by DuckDB and anything else.

A file is written whole under a hidden name, synced, then renamed: a reader never sees half of one, and a killed process loses
what it had buffered since its last flush, a few seconds. So many small files would choke a reader; a folder's small ones are
therefore put together. The merged file is named for the span of those it replaces (`WRITER.FIRST-LAST.parquet`), so that a crash
between writing it and removing them counts no event twice: `covering` leaves out what another file covers.
"""

import contextlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from matinee.base.clock import Instant
from matinee.telemetry.model import Event

MAX_BUFFERED = 200_000
FLUSH_ROWS = 20_000
FLUSH_SECONDS = 2.0
MERGE_FILES = 24
MERGED_ROWS = 500_000
NO_OPERATOR = "none"

_NAME = re.compile(r"([0-9a-f]{12})\.(\d+)-(\d+)\.parquet")
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = structlog.get_logger("matinee.telemetry")

SCHEMA = pa.schema(
    [
        ("received_at", pa.int64()),
        ("session", pa.string()),
        ("package", pa.string()),
        ("kind", pa.dictionary(pa.int8(), pa.string())),
        ("e", pa.dictionary(pa.int8(), pa.string())),
        ("ts", pa.int64()),
        ("sn", pa.int64()),
        ("sta", pa.dictionary(pa.int8(), pa.string())),
        ("pt", pa.int64()),
        ("bl", pa.int64()),
        ("br", pa.float64()),
        ("mtp", pa.int64()),
        ("bs", pa.bool_()),
        ("bsd", pa.int64()),
        ("msd", pa.int64()),
        ("ec", pa.string()),
        ("rc", pa.int64()),
        ("ttfb", pa.int64()),
        ("ttlb", pa.int64()),
        ("url", pa.string()),
        ("cdn", pa.string()),
        ("box", pa.string()),
        ("service", pa.string()),
    ]
)


def hour_of(at: Instant) -> str:
    """The folder of an instant: its UTC hour."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H")


class EventFiles:
    """Buffers events and writes them each two seconds, or sooner when there are many. Safe to call from any thread.

    One process of an installation may run this over one folder; several may too, each has its own writer's name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer = secrets.token_hex(6)
        self._number = 0
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._buffer: list[Event] = []
        self._open_folders: set[Path] = set()
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._write_on, name="telemetry-writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is buffered and stop."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def add(self, events: Sequence[Event]) -> int:
        """Take events in; how many were. What the disk cannot keep up with is dropped and counted: a report is no film."""
        with self._lock:
            room = max(0, MAX_BUFFERED - len(self._buffer))
            taken = events[:room]
            self._buffer.extend(taken)
            self.dropped += len(events) - len(taken)
            full = len(self._buffer) >= FLUSH_ROWS
        if full:
            self._wake.set()
        return len(taken)

    def flush(self) -> int:
        """Write what is buffered; how many events. Blocks. Raises OSError where the disk does; the events then stay."""
        with self._flushing:
            with self._lock:
                events, self._buffer = self._buffer, []
            groups: dict[Path, list[Event]] = {}
            for event in events:
                groups.setdefault(self._folder_of(event), []).append(event)
            waiting = list(groups.items())
            while waiting:
                folder, group = waiting[0]
                self._number += 1
                try:
                    _write(folder, f"{self._writer}.{self._number}-{self._number}.parquet", _table(group))
                except OSError:
                    self._put_back([event for _, rest in waiting for event in rest])
                    raise
                waiting.pop(0)
            self._merge_some(groups)
            return len(events)

    def _folder_of(self, event: Event) -> Path:
        return self._folder / f"operator={folder_name(event.operator)}" / f"hour={hour_of(event.received_at)}"

    def _put_back(self, events: list[Event]) -> None:
        with self._lock:
            self._buffer = [*events, *self._buffer][:MAX_BUFFERED]

    def _merge_some(self, written: Iterable[Path]) -> None:
        """Put together the folders that have many small files, and those whose hour is over."""
        self._open_folders |= set(written)
        newest = max((folder.name for folder in self._open_folders), default="")
        for folder in sorted(self._open_folders):
            over = self._closing or folder.name < newest
            self._merge(folder, 2 if over else MERGE_FILES)
            if over:
                self._open_folders.discard(folder)

    def _merge(self, folder: Path, at_least: int) -> None:
        """Put this writer's small files of a folder together; and sweep what a merge that was cut short left behind.

        Only the files after the last large one: the span in the merged name must hold no file that is not in it.
        """
        mine = [path for path in folder.iterdir() if path.name.startswith(self._writer)]
        whole = covering(mine)
        for path in set(mine) - set(whole):
            path.unlink(missing_ok=True)
        small: list[Path] = []
        for path in reversed(whole):
            if pq.read_metadata(path).num_rows >= MERGED_ROWS:
                break
            small.insert(0, path)
        if len(small) < at_least:
            return
        merged = pa.concat_tables([_read(path) for path in small])
        _write(folder, f"{self._writer}.{_span(small[0])[0]}-{_span(small[-1])[1]}.parquet", merged)
        for path in small:
            path.unlink(missing_ok=True)

    def _write_on(self) -> None:
        while True:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            closing = self._closing
            try:
                self.flush()
            except OSError as error:
                log.error("player reports wait to be written", error=type(error).__name__)
            if closing:
                return


def event_files(folder: Path, wanted: Callable[[str, str], bool] = lambda operator, hour: True) -> list[Path]:
    """Every file that counts, of the operators and hours wanted."""
    found: list[Path] = []
    for hour in sorted(folder.glob("operator=*/hour=*")):
        operator_name, hour_name = hour.parent.name.removeprefix("operator="), hour.name.removeprefix("hour=")
        if wanted(operator_name, hour_name):
            found += covering(hour.iterdir())
    return found


def covering(paths: Iterable[Path]) -> list[Path]:
    """Those files of one folder that no other covers: of a merge that was cut short, the merged one alone."""
    named = sorted((path for path in paths if _NAME.fullmatch(path.name)), key=lambda path: (path.name[:12], *_order(path)))
    kept: list[Path] = []
    for path in named:
        if kept and kept[-1].name[:12] == path.name[:12] and _span(path)[1] <= _span(kept[-1])[1]:
            continue
        kept.append(path)
    return kept


def _order(path: Path) -> tuple[int, int]:
    first, last = _span(path)
    return first, -last


def _span(path: Path) -> tuple[int, int]:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"{path.name} is no file of events")
    return int(match[2]), int(match[3])


def folder_name(operator: str | None) -> str:
    """The folder of an operator's events."""
    # An operator's id comes from our own token; it is checked all the same before it names a folder.
    return operator if operator is not None and _SAFE.fullmatch(operator) else NO_OPERATOR


def _table(events: Sequence[Event]) -> pa.Table:
    rows = [msgspec.structs.asdict(event) for event in events]
    columns = {
        field.name: pa.array([_plain(row[field.name]) for row in rows], type=field.type) for field in SCHEMA
    }
    return pa.table(columns, schema=SCHEMA)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value


def _read(path: Path) -> pa.Table:
    # Without the folder's own "operator" and "hour": they are no columns of the file.
    table = pq.ParquetFile(path).read()
    for field in SCHEMA:
        if field.name not in table.column_names:  # a file of before there was such a column
            table = table.append_column(field.name, pa.nulls(table.num_rows, field.type))
    return table.select(SCHEMA.names).cast(SCHEMA)


def _write(folder: Path, name: str, table: pa.Table) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.part"
    try:
        with draft.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / name)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
