"""A home at several screens, over the desk's real routes: what each is told when it plays."""

from collections.abc import Sequence
from typing import Any

import httpx
from litestar.testing import TestClient

from matinee.base.clock import Instant
from matinee.base.ids import BoxId, TitleId, new_id
from matinee.base.party import Party, PartyKind
from tests.playback.desks import Stage


class Household:
    """The stage's home with as many boxes as it likes. `now` moves by `wait`; each screen's reports count up by themselves."""

    def __init__(self, stage: Stage, client: "TestClient[Any]") -> None:
        self.stage, self._client = stage, client
        self._sequence: dict[str, int] = {}

    def box(self) -> str:
        """The token of another box in the home."""
        token, box = f"mtb_{new_id()}", BoxId(new_id())
        self.stage.tokens[token] = Party(kind=PartyKind.BOX, household=self.stage.home, box=box, operator=self.stage.operator)
        return token

    def boxes(self, count: int) -> Sequence[str]:
        return [self.box() for _ in range(count)]

    def ask(self, screen: str, title: TitleId | None = None, profile: str | None = None, **more: Any) -> httpx.Response:
        said = {"title_id": title or self.stage.film, "profile_id": profile or self.stage.adult, **more}
        return self._post(screen, "/api/v1/playback", said)

    def play(self, screen: str, title: TitleId | None = None, **more: Any) -> Any:
        answer = self.ask(screen, title, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, screen: str, title: TitleId | None = None, **more: Any) -> Any:
        answer = self.ask(screen, title, **more)
        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_streams"), answer.text
        return answer.json()

    def beat(self, screen: str, session: str, state: str = "playing") -> Any:
        """A report of a film that moves a second with each."""
        at = self._sequence[session] = self._sequence.get(session, -1) + 1
        said = {"sequence": at, "position_ms": at * 1000, "state": state}
        heard = self._post(screen, f"/api/v1/playback/{session}/heartbeat", said).raise_for_status().json()
        self.stage.leases.flush()  # as a thread of the app does twice a second
        return heard

    def end(self, screen: str, session: str) -> None:
        self._post(screen, f"/api/v1/playback/{session}/end", {"sequence": 9999, "position_ms": 5000}).raise_for_status()

    def stop(self, screen: str, session: str) -> httpx.Response:
        return self._post(screen, f"/api/v1/playback/{session}/stop", None)

    def unlock(self, begun: Any, kids: Sequence[str]) -> httpx.Response:
        path = begun["licence"]["url"].removeprefix("http://web.test")
        return self._client.post(path, json={"kids": list(kids)})

    def wait(self, milliseconds: int) -> None:
        self.stage.now = Instant(self.stage.now + milliseconds)

    def _post(self, screen: str, path: str, said: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {screen}"}
        return self._client.post(path, headers=headers) if said is None else self._client.post(path, json=said, headers=headers)
