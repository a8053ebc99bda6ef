"""Signing in: one password at a time is worked on where two could be, so that no flood of tries takes the process's memory.

Hashes run on two threads of their own, a few wait for them without a thread, and more are turned away at once; the threads that
serve other routes are never taken. An unknown name, an ended account and a wrong password cost the same work and read the same.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from matinee.base.clock import HOUR, Clock, Instant
from matinee.base.errors import TooManyRequests
from matinee.outside.database import Database
from matinee.parties import passwords, staff_store
from matinee.parties.attempts import Attempts
from matinee.parties.model import PartyError, SignInRefused, StaffAccount, StaffSession
from matinee.parties.rules import is_name
from matinee.parties.snapshot import Staff
from matinee.parties.tokens import Token

AT_ONCE: Final = 2
MAX_WAITING: Final = 8
SESSION_MS: Final = 12 * HOUR
"""A working day: who stays longer signs in again."""


class SignIn:
    """Safe from the web's event loop alone, but for what runs on its own threads."""

    def __init__(self, database: Database, staff: Staff, clock: Clock) -> None:
        self._database = database
        self._staff = staff
        self._clock = clock
        self._attempts = Attempts()
        self._waiting = 0
        self._pool = ThreadPoolExecutor(AT_ONCE, "sign-in")

    def start(self) -> None:
        """Nothing is to be done: it stands among what is started for the sake of its end."""

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def begin(self, name: str, password: str) -> tuple[Token, StaffAccount, StaffSession]:
        """Sign in. Raises SignInRefused, TooManyRequests."""
        if self._waiting >= AT_ONCE + MAX_WAITING:
            raise TooManyRequests("Too many sign in at once.", retry_after=2)
        name = name.strip().lower()
        self._attempts.take(name, self._clock())
        self._waiting += 1
        try:
            token, account, session = await asyncio.get_running_loop().run_in_executor(self._pool, self._try, name, password)
        finally:
            self._waiting -= 1
        self._attempts.forgive(name)
        return token, account, session

    def _try(self, name: str, password: str) -> tuple[Token, StaffAccount, StaffSession]:
        found = None
        if is_name(name):  # what cannot be a name is none, and no database need be asked what it makes of it
            with self._database.read() as conn:
                found = staff_store.account_to_sign_in(conn, name)
        account, kept = (None, passwords.nobodys()) if found is None else found
        try:
            is_right = passwords.matches(password, kept)
        except PartyError:
            is_right = False
        if account is None or not is_right:
            raise SignInRefused
        now = self._clock()
        session = None
        try:
            with self._database.write() as conn:
                token, session = staff_store.begin_session(conn, account, kept, now, Instant(now + SESSION_MS))
                # Before the commit, so that its event finds the session here, whatever thread is first. Nobody has the token yet.
                self._staff.admit(account, session)
        except BaseException:
            if session is not None:
                self._staff.forget(session.digest)  # it was not committed, and no event of it will ever come
            raise
        return token, account, session
