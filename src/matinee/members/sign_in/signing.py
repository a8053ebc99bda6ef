"""Signing a household in by name and password, so that nobody is told which names there are, and nobody locks another out.

Hashes run off the event loop, one at a time; a few wait, more do not. Tries are counted by name, whether there is such an
account or not. Who guesses at somebody's name all day spends that budget: so a browser that has once signed in by a name keeps a
cookie that says so, and its tries are counted by that cookie, with a part of the places that wait kept for such browsers.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from matinee.base.clock import MINUTE, SECOND, Clock, Instant
from matinee.base.errors import TooManyRequests
from matinee.base.ids import ScreenSessionId, new_id
from matinee.members.sign_in import accounts, sessions
from matinee.members.sign_in.access import BrowserSignedIn, Signer
from matinee.members.sign_in.model import BROWSER_MS, Account, HouseholdSignInRefused
from matinee.outside.database import Database
from matinee.parties import passwords
from matinee.parties.attempts import Attempts, Budget
from matinee.parties.model import PartyError
from matinee.parties.rules import is_name

AT_ONCE: Final = 2
STRANGERS_WAIT: Final = 8
KNOWN_WAIT: Final = 16
PER_NAME: Final = Budget(burst=5, refill_ms=MINUTE)
STRANGERS_IN_ALL: Final = Budget(burst=60, refill_ms=SECOND)
KNOWN_IN_ALL: Final = Budget(burst=120, refill_ms=SECOND // 4)


class HouseholdSignIn:
    """Safe from the web's event loop alone, but for what runs on its own threads."""

    def __init__(self, database: Database, signer: Signer, clock: Clock) -> None:
        self._database = database
        self._signer = signer
        self._clock = clock
        self._strangers = Attempts(PER_NAME, STRANGERS_IN_ALL)
        self._known = Attempts(PER_NAME, KNOWN_IN_ALL)
        self._waiting = 0
        self._pool = ThreadPoolExecutor(AT_ONCE, "household-sign-in")

    def start(self) -> None:
        """Nothing is to be done: it stands among what is started for the sake of its end."""

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def begin(self, name: str, password: str, known_cookie: str, label: str) -> tuple[BrowserSignedIn, str]:
        """Sign a browser in; and the cookie by which it is known from now on.

        Raises HouseholdSignInRefused, TooManyRequests.
        """
        name, now = name.strip().lower(), self._clock()
        browser = self._signer.known(known_cookie, name, now) if known_cookie else None
        tries, key = (self._strangers, name) if browser is None else (self._known, browser)
        if self._waiting >= AT_ONCE + (STRANGERS_WAIT if browser is None else KNOWN_WAIT):
            raise TooManyRequests("Too many sign in at once.", retry_after=2)
        tries.take(key, now)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            account, signed_in = await loop.run_in_executor(self._pool, self._try, name, password, label)
        finally:
            self._waiting -= 1
        tries.forgive(key)
        return signed_in, self._signer.known_cookie(account.name, now)

    def _try(self, name: str, password: str, label: str) -> tuple[Account, BrowserSignedIn]:
        found = None
        if is_name(name):  # what cannot be a name is none, and no database need be asked what it makes of it
            with self._database.read() as conn:
                found = accounts.account_to_sign_in(conn, name)
        account, kept = (None, passwords.nobodys()) if found is None else found
        try:
            is_right = passwords.matches(password, kept)
        except PartyError:
            is_right = False
        if account is None or not is_right:
            raise HouseholdSignInRefused
        now = self._clock()
        made = BrowserSignedIn(ScreenSessionId(new_id()), account.household, account.id, now, Instant(now + BROWSER_MS))
        with self._database.write() as conn:
            accounts.check_still(conn, account, kept)
            sessions.begin_in_browser(conn, made, label, now)
        return account, made
