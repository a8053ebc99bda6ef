"""A child that says goodbye when it is asked to end."""

import os
import signal
import sys
import time
from pathlib import Path

said = Path(os.environ["SAID"])


def _end(*_: object) -> None:
    said.write_text("goodbye")
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    said.write_text("running")
    time.sleep(60)
