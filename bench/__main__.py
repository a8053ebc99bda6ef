"""`make bench`: speed and memory, each figure beside a named baseline that ran in the same minute, as one table.

.venv/bin/python -m bench              all but those that take long (`LONG`)
.venv/bin/python -m bench edge keys    these
"""

import importlib
import os
import sys

from bench.rows import Row, table

PARTS = ("ingest", "chunks", "start", "keys", "playback", "edge", "catalogue", "partners", "carriage", "hooks", "memory")
LONG = ("decisions", "ladders", "analysis", "predictions", "codings", "again", "members", "homes", "plays", "foryou")
"""Run by name alone: a million boxes, thousands of viewers, or hundreds of encodes with their scores, take minutes."""


def main(names: list[str]) -> int:
    """Run the parts named, or all; 1 where a figure misses its goal or a part could not run."""
    unknown = [name for name in names if name not in (*PARTS, *LONG)]
    if unknown:
        print(f"There is no part {unknown[0]!r}; there are: {', '.join((*PARTS, *LONG))}.", file=sys.stderr)
        return 2
    rows: list[Row] = []
    failed = False
    load = os.getloadavg()[0]
    for name in names or PARTS:
        print(f"bench: {name} ...", file=sys.stderr, flush=True)
        try:
            rows += importlib.import_module(f"bench.{name}").run()
        except SystemExit as error:  # a program that it needs is not here, say: the others' figures are still worth having
            print(f"bench: {name} could not run: {error}", file=sys.stderr)
            failed = True
    print(table(rows))
    print(f"\n{os.cpu_count()} cores; load average {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end.")
    return 1 if failed or any(row.verdict == "misses" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
