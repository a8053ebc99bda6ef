"""The catalogue as a process keeps it: the present view and the search index, both following the outbox."""

from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

from matinee.base.ids import PackageId, PublisherId, TitleId
from matinee.catalogue import store
from matinee.catalogue.model import Title
from matinee.catalogue.search import SearchIndex
from matinee.catalogue.view import CatalogueView, with_changes
from matinee.parties.outbox import Event


class Catalogue:
    """Follows the outbox; hands out the present view. Readers take `view` once and need no lock."""

    topics = frozenset({store.TITLE_TOPIC, store.SERVICE_TOPIC})

    def __init__(self) -> None:
        self.view = CatalogueView()
        self.search = SearchIndex()
        self._owners: dict[PackageId, PublisherId] = {}

    def load(self, conn: Connection) -> None:
        changed = list(store.all_titles(conn))
        services = {service.id: service for service in store.all_services(conn)}
        empty = CatalogueView(version=self.view.version)
        self._owners = {}
        self._own(changed)
        self.search.rebuild(changed)
        self.view = with_changes(empty, services, {title.id: title for title in changed})

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        ids = list(dict.fromkeys(TitleId(event.key) for event in events if event.topic == store.TITLE_TOPIC))
        services = {service.id: service for service in store.all_services(conn)}
        there = store.titles_by_id(conn, ids)
        changes = {one: there.get(one) for one in ids}
        self._own(there.values())
        # The view first: a title that the index finds and the view does not know is left out, never the other way about.
        self.view = with_changes(self.view, services, changes)
        self.search.update(changes)

    def owner_of(self, package: PackageId) -> PublisherId | None:
        """Whose title a package is of. One that is gone stays known: its last viewers still report on it."""
        return self._owners.get(package)

    def _own(self, titles: Iterable[Title]) -> None:
        self._owners.update((title.playable.package, title.publisher) for title in titles if title.playable is not None)
