"""Profiles as screens read them."""

from typing import Annotated

import msgspec

from matinee.base.party import Party
from matinee.members.model import Profile
from matinee.members.snapshot import Members

UiLanguage = Annotated[str, msgspec.Meta(pattern=r"^(fr|en)$")]


class WireProfile(msgspec.Struct, frozen=True, kw_only=True):
    """`asks_pin`: to open it on this screen takes the household's PIN, as things stand there."""

    id: str
    name: str
    color: str
    avatar: str
    age_class: int
    kids: bool
    asks_pin: bool
    language: str
    audio_language: str
    subtitle_language: str | None


def told_profiles(members: Members, party: Party) -> list[WireProfile]:
    """The household's profiles in their order, as this screen may open them."""
    return [told_profile(members, party, one) for one in members.profiles(party.household)]


def told_profile(members: Members, party: Party, profile: Profile) -> WireProfile:
    return WireProfile(
        id=profile.id,
        name=profile.name,
        color=profile.color,
        avatar=profile.avatar,
        age_class=profile.age_class,
        kids=profile.kids,
        asks_pin=members.guard.asks_pin(party, profile, members.kids_here(party)),
        language=profile.language,
        audio_language=profile.audio_language,
        subtitle_language=profile.subtitle_language,
    )
