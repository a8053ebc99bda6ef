"""How `matinee serve` ends, and how it keeps its children running."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from matinee.app import serve
from matinee.app.serve import Child

_SERVE = """
import sys
from litestar import Litestar
from matinee.app.serve import Child, serve
from matinee.app.settings import load_settings
from pathlib import Path
from tests.delivery.edges import free_port

folder = Path(sys.argv[1])
settings = load_settings(folder, {}, port=free_port(), edge_port=free_port())
child = Child("child", "tests.app.patient_child", {"PATH": "", "PYTHONPATH": ".", "SAID": str(folder / "said")})
serve(Litestar([]), settings, (child,), lambda: (folder / "ready").touch())
(folder / "closed").touch()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_children_in_order_and_is_no_failure(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", _SERVE, str(tmp_path)])
    try:
        end = time.monotonic() + 30
        while not ((tmp_path / "ready").exists() and (tmp_path / "said").exists()):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(20) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
    assert (tmp_path / "said").read_text() == "goodbye"
    assert (tmp_path / "closed").exists()


def test_only_deaths_in_a_row_make_it_give_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "GIVE_UP_AFTER_RESTARTS", 2)
    monkeypatch.setattr(serve, "RESTART_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(serve, "STEADY_AFTER_SECONDS", 0.0)
    stopping = threading.Event()
    child = Child("child", "tests.app.hasty_child", {**os.environ, "SAID": str(tmp_path / "said")})
    keeper = threading.Thread(target=serve._keep_running, args=(child, stopping))
    keeper.start()
    try:
        end = time.monotonic() + 30
        while not (tmp_path / "said").exists() or len((tmp_path / "said").read_text()) < 4:
            assert keeper.is_alive(), "it gave up on a child that ran long enough each time"
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        stopping.set()
        keeper.join()
