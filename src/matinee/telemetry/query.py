"""Questions to the kept events, answered by DuckDB over the Parquet files. All of its SQL stands here.

DuckDB works on files it is given by name, in memory, with no file of its own: a DuckDB file would open in one process only.
"""

from pathlib import Path

import duckdb

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import OperatorId, ServiceId
from matinee.telemetry.model import BoxCount, HourCount
from matinee.telemetry.store import event_files, folder_name, hour_of

MAX_MEMORY = "1GB"


def hour_counts(folder: Path, *, since_hour: str = "", until_hour: str = "9") -> list[HourCount]:
    """Starts, failures, rebufferings and ends by operator and hour, oldest first. Hours are as the folders are named, in UTC.

    A session that started before a restart of the server and went on after it is counted once: sessions are counted, not rows.
    """
    files = event_files(folder, lambda _operator, hour: since_hour <= hour < until_hour)
    if not files:
        return []
    with duckdb.connect(":memory:", config={"memory_limit": MAX_MEMORY, "enable_external_access": True}) as connection:
        rows = connection.execute(
            """
            SELECT operator, hour,
                   count(DISTINCT session) FILTER (kind = 'start')    AS starts,
                   count(DISTINCT session) FILTER (kind = 'failure')  AS failures,
                   count(*)                FILTER (kind = 'rebuffer') AS rebuffers,
                   count(DISTINCT session) FILTER (kind = 'end')      AS ends,
                   median(msd)             FILTER (kind = 'start')    AS start_ms_median
            FROM read_parquet($files, hive_partitioning = true, hive_types_autocast = false, union_by_name = true)
            GROUP BY operator, hour
            ORDER BY hour, operator
            """,
            {"files": [str(path) for path in files]},
        ).fetchall()
    return [
        HourCount(
            operator=operator,
            hour=hour,
            starts=starts,
            failures=failures,
            rebuffers=rebuffers,
            ends=ends,
            start_ms_median=delay,
        )
        for operator, hour, starts, failures, rebuffers, ends, delay in rows
    ]


def box_counts(folder: Path, operator: OperatorId, service: ServiceId, since: Instant) -> list[BoxCount]:
    """What each box of an operator that reported a play of a service since then told of it, by the boxes' ids.

    Plays that began before are left out whole: what they met is no doing of what changed then.
    """
    # From an hour before: a play that goes on tells of itself twice a minute, so one that began before is known by that.
    wanted, first_hour = folder_name(operator), hour_of(Instant(since - HOUR))
    files = event_files(folder, lambda named, hour: named == wanted and hour >= first_hour)
    if not files:
        return []
    with duckdb.connect(":memory:", config={"memory_limit": MAX_MEMORY, "enable_external_access": True}) as connection:
        columns = connection.execute("SELECT DISTINCT name FROM parquet_schema($files)", {"files": [str(path) for path in files]})
        if not {"box", "service"} <= {row[0] for row in columns.fetchall()}:
            return []  # files of before events told of boxes
        rows = connection.execute(
            """
            WITH plays AS (
                SELECT box, session, min(received_at) AS began, max(received_at) AS last_at,
                       count(*) FILTER (kind = 'start') AS starts,
                       count(*) FILTER (kind = 'failure') AS failures,
                       count(*) FILTER (kind = 'rebuffer') AS rebuffers,
                       count(*) FILTER (kind = 'end') AS ends,
                       arg_max(sta, (received_at, sn)) FILTER (sta IS NOT NULL) AS state
                FROM read_parquet($files, hive_partitioning = true, hive_types_autocast = false, union_by_name = true)
                WHERE service = $service AND box IS NOT NULL
                GROUP BY box, session
            )
            SELECT box, sum(starts), sum(failures), sum(rebuffers), max(last_at),
                   arg_max(starts > 0 AND failures = 0 AND ends = 0 AND coalesce(state, 'p') <> 'a', last_at)
            FROM plays
            WHERE began >= $since
            GROUP BY box
            ORDER BY box
            """,
            {"files": [str(path) for path in files], "service": service, "since": since},
        ).fetchall()
    return [
        BoxCount(box=box, starts=starts, failures=failures, rebuffers=rebuffers, last_at=last_at, runs_on=runs_on)
        for box, starts, failures, rebuffers, last_at, runs_on in rows
    ]
