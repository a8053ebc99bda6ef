"""Whether an access token is a screen's that may watch now, from memory: good by its signature, unless its session has ended."""

from matinee.base.clock import Instant
from matinee.members.sign_in.access import Access, Signer
from matinee.members.sign_in.snapshot import SignIns


class ScreenTokens:
    """Safe from threads."""

    def __init__(self, signer: Signer, sign_ins: SignIns) -> None:
        self._signer = signer
        self._sign_ins = sign_ins

    def resolve(self, token: str, now: Instant) -> Access | None:
        """None for what is no such token, or no longer one. A relying party's opens nothing here."""
        access = self._signer.access(token, now)
        if access is None or not access.may_watch or self._sign_ins.has_ended(access.session):
            return None
        return access
