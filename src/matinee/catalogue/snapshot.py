"""The catalogue as a process keeps it: the present view and the search index, both following the outbox."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from matinee.base.ids import TitleId
from matinee.catalogue import store
from matinee.catalogue.search import SearchIndex
from matinee.catalogue.view import CatalogueView, with_changes
from matinee.parties.outbox import Event


class Catalogue:
    """Follows the outbox; hands out the present view. Readers take `view` once and need no lock."""

    topics = frozenset({store.TITLE_TOPIC, store.SERVICE_TOPIC})

    def __init__(self) -> None:
        self.view = CatalogueView()
        self.search = SearchIndex()

    def load(self, conn: Connection) -> None:
        changed = list(store.all_titles(conn))
        services = {service.id: service for service in store.all_services(conn)}
        empty = CatalogueView(version=self.view.version)
        self.search.rebuild(changed)
        self.view = with_changes(empty, services, {title.id: title for title in changed})

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        ids = list(dict.fromkeys(TitleId(event.key) for event in events if event.topic == store.TITLE_TOPIC))
        services = {service.id: service for service in store.all_services(conn)}
        there = store.titles_by_id(conn, ids)
        changes = {one: there.get(one) for one in ids}
        # The view first: a title that the index finds and the view does not know is left out, never the other way about.
        self.view = with_changes(self.view, services, changes)
        self.search.update(changes)
