"""What tests of the whole app share."""

from collections.abc import Iterator

import pytest

from tests.app.installations import Running, running


@pytest.fixture(scope="module")
def app_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("app") / "data") as started:
        yield started
