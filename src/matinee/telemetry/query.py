"""Questions to the kept events, answered by DuckDB over the Parquet files. All of its SQL stands here.

DuckDB works on files it is given by name, in memory, with no file of its own: a DuckDB file would open in one process only.
"""

from pathlib import Path

import duckdb

from matinee.telemetry.model import HourCount
from matinee.telemetry.store import event_files

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
            FROM read_parquet($files, hive_partitioning = true, hive_types_autocast = false)
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
