"""Releases in memory: which one a box is meant to run and why, and where an uploaded one's files lie."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from matinee.fleet import release_store
from matinee.fleet.model import Box, BoxModel, Release
from matinee.fleet.releases import APPROVALS, Answer, Spread, answer, meant_for, newest_first
from matinee.parties.outbox import Event


class ReleaseBook:
    """Follows the topic "releases". `builtin` is what every box runs for which no other release is: None where none is built.

    There are as many releases as were ever uploaded, and nothing is kept for a box: a million boxes weigh nothing here.
    """

    topics = frozenset({release_store.TOPIC})

    def __init__(self, builtin: Release | None) -> None:
        self.builtin = builtin
        self._by_version: dict[str, Spread] = {}
        self._ordered: Sequence[Spread] = ()

    def load(self, conn: Connection) -> None:
        self.put(release_store.all_spreads(conn))

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        self.load(conn)

    def put(self, spreads: Sequence[Spread]) -> None:
        """Take these in the place of all before."""
        self._by_version = {one.release.version: one for one in spreads}
        self._ordered = newest_first(spreads)

    def meant_for(self, box: Box | None, model: BoxModel | None) -> Release | None:
        """The release that a box is meant to run, as its launcher is told; None where none is built."""
        found = meant_for(self._ordered, box, model)
        return self.builtin if found is None else _as_told(found)

    def explain(self, box: Box, model: BoxModel | None) -> Sequence[Answer]:
        """Each release that boxes may have, the newest first, with whether it is for this box. The first that is, is it."""
        return [answer(one, box, model) for one in self._ordered]

    def uploaded(self, version: str) -> Spread | None:
        return self._by_version.get(version)

    def file(self, version: str, path: str) -> tuple[str, str] | None:
        """Where a file of a release lies in the published store, and its SHA-256; None where there is none.

        What two have not approved is nobody's. A withdrawn one's are handed out as before: screens that run it load parts late.
        """
        found = self._by_version.get(version)
        if found is None or len(found.stands.approvers) < APPROVALS:
            return None
        digest = found.release.files.get(path)
        return None if digest is None else (found.release.object_path(path), digest)


def _as_told(spread: Spread) -> Release:
    release = spread.release
    root = f"/ui/{release.version}"
    return Release(
        product=release.product,
        version=release.version,
        entry=f"{root}/{release.entry}",
        integrity=release.integrity,
        styles=tuple({"href": f"{root}/{style.path}", "integrity": style.integrity} for style in release.styles),
        attempt=spread.stands.attempt,
    )
