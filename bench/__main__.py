"""`make bench`: every speed and memory figure, each beside a named baseline that ran in the same minute, as one table.

.venv/bin/python -m bench              all of them
.venv/bin/python -m bench edge search  these
"""

import importlib
import sys

from bench.rows import Row, table

PARTS = ("ingest", "start", "keys", "playback", "edge", "catalogue", "memory")


def main(names: list[str]) -> int:
    """Run the parts named, or all; 1 where a figure misses its goal."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"There is no part {unknown[0]!r}; there are: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name in names or PARTS:
        print(f"bench: {name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"bench.{name}").run()
    print(table(rows))
    return 0 if all(row.verdict != "misses" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
