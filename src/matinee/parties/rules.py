"""What an account may be called, which passwords are taken, and what a seat must be. Pure."""

import re
import unicodedata
from typing import Final

from matinee.base.party import Role
from matinee.parties.model import PartyError, Seat

MIN_PASSWORD: Final = 12
MAX_PASSWORD: Final = 200
MAX_LABEL: Final = 100

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,62}[a-z0-9]")


def is_name(text: str) -> bool:
    """Whether this can be an account's name: no two that look alike to a reader of the audit are two names."""
    return _NAME.fullmatch(text) is not None


def check_name(name: str) -> None:
    """Raises PartyError."""
    if not is_name(name):
        raise PartyError(
            f"The name {name!r} is none for an account.",
            remedy="Write 3 to 64 of a-z, 0-9, and . _ @ + - between them: first.last, or an e-mail address in small letters.",
        )


def check_password(name: str, password: str) -> None:
    """Refuse what is guessed first. Raises PartyError."""
    folded = folded_password(password)
    if len(folded) < MIN_PASSWORD:
        raise PartyError(
            f"The password has fewer than {MIN_PASSWORD} characters.",
            remedy="Choose a longer one, such as four words, or let one be made with --generate.",
        )
    if len(folded) > MAX_PASSWORD:
        raise PartyError(f"The password has more than {MAX_PASSWORD} characters.", remedy="Choose a shorter one.")
    if folded.strip().casefold() == name.casefold():
        raise PartyError("The password is the account's own name.", remedy="Choose another, or let one be made with --generate.")
    if len(set(folded)) < 5:
        raise PartyError("The password repeats fewer than 5 characters.", remedy="Choose another, such as four words.")


def folded_password(password: str) -> str:
    """A password in one form, however the keyboard composed its accents (NIST SP 800-63B 5.1.1.2).

    Raises PartyError for what is no text.
    """
    try:
        password.encode()
    except UnicodeEncodeError as error:
        raise PartyError("The password is no text in UTF-8.", remedy="Type it in a terminal that speaks UTF-8.") from error
    return unicodedata.normalize("NFKC", password)


def check_seat(seat: Seat) -> None:
    """Raises PartyError."""
    sides = [seat.publisher is not None, seat.operator is not None, seat.reads_all]
    whole = {Role.PUBLISHER: [True, False, False], Role.OPERATOR: [False, True, False]}
    if sum(sides) != 1 or sides != whole.get(seat.role, sides) or seat.role is Role.APPROVER:
        raise PartyError(
            "It is not plain whose side this is.",
            remedy="Name one publisher, or one operator, or an auditor of one of them, or an auditor of all.",
        )


def check_label(label: str) -> None:
    """Raises PartyError."""
    if len(label) > MAX_LABEL or any(unicodedata.category(one).startswith("C") for one in label):
        raise PartyError(
            f"The label is no line of at most {MAX_LABEL} characters.", remedy="Write what tells this key from others."
        )
