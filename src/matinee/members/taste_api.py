"""A profile's list and thumbs over HTTP. Each may be said twice: a screen that had no answer says it again."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from litestar import Router, delete, put
from litestar.params import FromPath, JSONBody

from matinee.base.clock import Clock
from matinee.base.ids import HouseholdId, ProfileId, TitleId, is_id
from matinee.base.party import SCREENS
from matinee.catalogue.answers import AnyRequest
from matinee.catalogue.api import ProfileParameter
from matinee.catalogue.model import Sights, Taste, TitleKind, TitleNotFound
from matinee.catalogue.snapshot import Catalogue
from matinee.members.model import ProfileNotFound
from matinee.members.tastes import KeptTastes

Id = Annotated[str, msgspec.Meta(max_length=64)]


class Listed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    profile_id: Id


class ThumbSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`thumb` null takes it back."""

    profile_id: Id
    thumb: Literal["up", "down"] | None


def routes(catalogue: Catalogue, sights: Sights, tastes: KeptTastes, clock: Clock) -> Sequence[Router]:
    def _seen(request: AnyRequest, profile: str, title_id: str) -> tuple[HouseholdId, ProfileId, TitleId]:
        """The household, its profile, and a title that this sees; of an episode its series. Raises TitleNotFound and others."""
        sight = sights.sight(request.user, profile, clock())
        title = catalogue.view.get(sight, TitleId(title_id)) if is_id(title_id) else None
        if title is None or title.kind is TitleKind.SEASON:
            raise TitleNotFound
        household = request.user.household
        if household is None or sight.profile is None:
            raise ProfileNotFound
        return household, sight.profile, title.series or title.id

    @put("/titles/{title_id:str}/list", opt={"policy": SCREENS}, sync_to_thread=True)
    def put_on_list(request: AnyRequest, title_id: FromPath[str], data: JSONBody[Listed]) -> Taste:
        """Put a title on the profile's list; of an episode, its series."""
        return tastes.put_on_list(*_seen(request, data.profile_id, title_id))

    @delete("/titles/{title_id:str}/list", opt={"policy": SCREENS}, status_code=200, sync_to_thread=True)
    def take_off_list(request: AnyRequest, title_id: FromPath[str], profile: ProfileParameter = None) -> Taste:
        """Take a title off the profile's list, also one that is there no more."""
        sight = sights.sight(request.user, profile, clock())
        household = request.user.household
        if household is None or sight.profile is None:
            raise ProfileNotFound
        title = catalogue.view.get(sight, TitleId(title_id)) if is_id(title_id) else None
        if not is_id(title_id):
            return Taste()
        after = tastes.take_off_list(household, sight.profile, TitleId(title_id) if title is None else title.series or title.id)
        return Taste() if title is None else after  # what it thought of a title that it may not see tells that there is one

    @put("/titles/{title_id:str}/thumb", opt={"policy": SCREENS}, sync_to_thread=True)
    def put_thumb(request: AnyRequest, title_id: FromPath[str], data: JSONBody[ThumbSaid]) -> Taste:
        """Say that the profile likes a title or does not, or take it back."""
        return tastes.put_thumb(*_seen(request, data.profile_id, title_id), data.thumb)

    return [Router(path="/api/v1", route_handlers=[put_on_list, take_off_list, put_thumb])]
