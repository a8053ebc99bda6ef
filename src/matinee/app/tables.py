"""Every table of every feature, by import: what a migration compares the database with."""

from matinee.carriage import rollout_store as _rollouts
from matinee.carriage import store as _carriage
from matinee.catalogue import landmark_store as _landmarks
from matinee.catalogue import partner_store as _partners
from matinee.catalogue import progress as _progress
from matinee.catalogue import store as _catalogue
from matinee.fleet import release_store as _releases
from matinee.fleet import store as _fleet
from matinee.home import learnt_store as _learnt
from matinee.home import opened as _opened
from matinee.home import ranking_store as _rankings
from matinee.interconnect import store as _interconnect
from matinee.library import store as _library
from matinee.members import plan_store as _plans
from matinee.members import store as _members
from matinee.outside import work as _work
from matinee.outside.database import metadata
from matinee.parties import audit as _audit
from matinee.parties import hook_store as _hooks
from matinee.parties import outbox as _outbox
from matinee.parties import staff_store as _staff
from matinee.parties import store as _parties
from matinee.playback import store as _playback

STORES = (
    _audit,
    _carriage,
    _catalogue,
    _fleet,
    _hooks,
    _interconnect,
    _landmarks,
    _learnt,
    _library,
    _members,
    _opened,
    _outbox,
    _parties,
    _partners,
    _plans,
    _playback,
    _progress,
    _releases,
    _rankings,
    _rollouts,
    _staff,
    _work,
)

__all__ = ["STORES", "metadata"]
