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
from matinee.members import account_store as _accounts
from matinee.members import billing_store as _billing
from matinee.members import charge_store as _charges
from matinee.members import consent_store as _consents
from matinee.members import invoice_store as _invoices
from matinee.members import ledger as _ledger
from matinee.members import pin_store as _pins
from matinee.members import plan_store as _plans
from matinee.members import store as _members
from matinee.members import taste_store as _tastes
from matinee.members import tax_store as _taxes
from matinee.members import terms_store as _terms
from matinee.members import voucher_store as _vouchers
from matinee.members.sign_in import accounts as _sign_in_accounts
from matinee.members.sign_in import clients as _clients
from matinee.members.sign_in import codes as _codes
from matinee.members.sign_in import issuers as _issuers
from matinee.members.sign_in import sessions as _sessions
from matinee.outside import work as _work
from matinee.outside.database import metadata
from matinee.parties import audit as _audit
from matinee.parties import cursors as _cursors
from matinee.parties import hook_store as _hooks
from matinee.parties import outbox as _outbox
from matinee.parties import staff_store as _staff
from matinee.parties import store as _parties
from matinee.playback import lease_store as _leases
from matinee.playback import store as _playback

STORES = (
    _accounts,
    _audit,
    _billing,
    _carriage,
    _catalogue,
    _charges,
    _clients,
    _codes,
    _consents,
    _cursors,
    _fleet,
    _hooks,
    _interconnect,
    _invoices,
    _issuers,
    _landmarks,
    _learnt,
    _ledger,
    _leases,
    _library,
    _members,
    _opened,
    _outbox,
    _parties,
    _partners,
    _pins,
    _plans,
    _playback,
    _progress,
    _releases,
    _rankings,
    _rollouts,
    _sessions,
    _sign_in_accounts,
    _staff,
    _taxes,
    _tastes,
    _terms,
    _vouchers,
    _work,
)

__all__ = ["STORES", "metadata"]
