"""Playback's places as viewing that recommendations go by (`home.model.Viewings`)."""

from collections.abc import Sequence

from matinee.base.ids import ProfileId
from matinee.home.for_you import Viewed, interest_of
from matinee.playback.book import Book


class ViewedPlaces:
    def __init__(self, book: Book) -> None:
        self._book = book

    def viewed(self, profile: ProfileId) -> Sequence[Viewed]:
        """What the profile watched, as far as it is remembered. May block."""
        return [
            Viewed(
                title=one.title,
                interest=interest_of(one.position_ms, one.duration_ms, completed=one.completed),
                at=one.counted_at,
            )
            for one in list(self._book.find_places(profile).values())
        ]
