"""Fixtures that every test may ask for, and how tests are spread over workers.

A file's tests stay together, since they share what is slow to make; the journeys' files stay together too, since they share
one running service. Only pytest-xdist asks, and only for `--dist loadfile`.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.databases"]

# How fast a machine draws and answers is no property of the code: on a busy one the default limits fail what is right.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

_BY_THEMSELVES = ("tests/journeys/test_crash.py", "tests/journeys/test_kill_switch.py", "tests/journeys/test_releases.py")
_FIRST = ("tests/journeys", *_BY_THEMSELVES, "tests/app/test_cli.py")
"""What takes minutes with few tests: begun last, it would keep one worker busy while the other has nothing left to do."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadFileScheduling

    class OneServiceScheduling(LoadFileScheduling):  # type: ignore[misc]
        """Files to workers, the slowest and then the largest first; all journeys through the service to one."""

        def schedule(self) -> None:
            if self.collection is None and self.registered_collections:
                there = {self._split_scope(nodeid) for nodeid in next(iter(self.registered_collections.values()))}
                self.workqueue.update({scope: {} for scope in _FIRST if scope in there})  # a place in the queue, filled below
            super().schedule()

        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return "tests/journeys" if file.startswith("tests/journeys/") and file not in _BY_THEMSELVES else file

    return OneServiceScheduling(config, log) if config.getvalue("dist") == "loadfile" else None
