"""What `matinee serve` holds in memory when nobody asks it anything: web, edge and worker together.

    python -m bench.memory

The figure is PSS, the kernel's own sum in which a page that several processes share counts once. Taken 30 s after the
service answers, with nothing in the catalogue and with 36,000 titles. Baseline, standing beside it at that moment: three bare
processes of the same Python, one uvicorn with an app of six lines and two interpreters that sleep. Linux.
"""

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.keys import fill
from bench.rows import Row, table
from bench.service import opened, processes_of, serving, settings_for
from matinee.outside.processes import dies_with_parent

IDLE_SECONDS = 30
MANY_TITLES = 36_000
_SLEEP = "import time; time.sleep(3600)"
_BARE = """
import uvicorn
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
uvicorn.run(app, port=0, log_level="error", access_log=False)
"""


def run() -> list[Row]:
    rows = []
    for titles in (0, MANY_TITLES):
        with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
            settings = settings_for(Path(name) / "data")
            with opened(settings) as (installation, _):
                if titles:
                    fill(installation, titles, pictures=False)
            with _bare() as bare, serving(settings) as service:
                time.sleep(IDLE_SECONDS)
                parts = [_megabytes(pid) for pid in processes_of(service.pid)]
                theirs = sum(map(_megabytes, bare))
        told = " + ".join(f"{part:.0f}" for part in parts)
        rows.append(
            Row(
                name=f"serve, idle, {titles:,} titles ({told})",
                value=sum(parts),
                unit="MB",
                baseline=f"three bare processes: {theirs:.4g} MB",
                ratio=sum(parts) / theirs,
                goal="",
                verdict="shown",
            )
        )
    return rows


@contextlib.contextmanager
def _bare() -> Iterator[list[int]]:
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL, preexec_fn=dies_with_parent)
        for code in (_BARE, _SLEEP, _SLEEP)
    ]
    try:
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait()


def _megabytes(pid: int) -> float:
    """The proportional set size of a process, in millions of bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("bench memory wants /proc/PID/smaps_rollup")


if __name__ == "__main__":
    print(table(run()))
