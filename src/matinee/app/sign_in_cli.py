"""How `matinee account`, `matinee client` and `matinee sign-in` are typed; signing_in.py has what they do."""

from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from matinee.app.later import later
from matinee.app.parameters import ASKING, Data, Json

if TYPE_CHECKING:
    from matinee.app import signing_in
else:
    signing_in = later("signing_in")

Household = Annotated[str, Parameter(help="The household's reference.")]
Name = Annotated[str, Parameter(help="The name that one signs in with, such as an e-mail address in small letters.")]
Generate = Annotated[bool, Parameter(name="--generate", negative="", help="Make a password, and show it this once.")]


def _app(name: str, help_: str) -> cyclopts.App:
    return cyclopts.App(name=name, help=help_, help_format="plaintext", version_flags=[], group=ASKING)


account = _app("account", "Accounts of households: with one, a household signs its televisions, browsers and phones in.")
client = _app("client", "Other programs that a household may sign in to by its account here (OpenID Connect).")
sign_in = _app("sign-in", "The keys that sign what screens and programs are given.")


@account.command(name="add")
def add_account(household: Household, name: Name, /, *, generate: Generate = False, data: Data = None, json: Json = False) -> int:
    """Make an account of a household.

    The password is typed twice on a terminal, or is the first line of standard input, or is made with --generate and shown this
    once. It has 12 characters or more.
    """
    return signing_in.add_account(household, name, generate=generate, data=data, as_json=json)


@account.command(name="list")
def list_accounts(
    *,
    household: Annotated[str | None, Parameter(name="--household", help="Of this household alone.")] = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """List accounts with their households; ended ones too."""
    return signing_in.list_accounts(household, data=data, as_json=json)


@account.command(name="password")
def change_password(name: Name, /, *, generate: Generate = False, data: Data = None, json: Json = False) -> int:
    """Give an account another password: whatever it signed in is signed out within a second."""
    return signing_in.change_password(name, generate=generate, data=data, as_json=json)


@account.command(name="end")
def end_account(name: Name, /, *, data: Data = None) -> int:
    """End an account for good, with whatever it signed in. Its name is never given again."""
    return signing_in.end_account(name, data=data)


@account.command(name="sign-out")
def sign_out(household: Household, /, *, data: Data = None) -> int:
    """Sign a household out everywhere but on the boxes at its line."""
    return signing_in.sign_out(household, data=data)


@client.command(name="add")
def add_client(
    name: Annotated[str, Parameter(help="What a household reads before it says yes.")],
    /,
    *,
    redirect: Annotated[
        list[str], Parameter(name="--redirect", negative="", help="The exact address that takes the code; again for each.")
    ],
    public: Annotated[bool, Parameter(name="--public", negative="", help="It keeps no secret: a program on a phone.")] = False,
    data: Data = None,
    json: Json = False,
) -> int:
    """Let a program ask who signs in. It learns that it is always the same household, by a name that no other program is told."""
    return signing_in.add_client(name, redirect, public=public, data=data, as_json=json)


@client.command(name="list")
def list_clients(*, data: Data = None, json: Json = False) -> int:
    """List the programs that may ask."""
    return signing_in.list_clients(data=data, as_json=json)


@client.command(name="end")
def end_client(program: Annotated[str, Parameter(help="Its client_id.")], /, *, data: Data = None) -> int:
    """Let a program ask no more."""
    return signing_in.end_client(program, data=data)


@sign_in.command
def issuer(
    operator: Annotated[str, Parameter(help="The operator, by its name or id.")],
    address: Annotated[str, Parameter(help="Its issuer, as its openid-configuration has it.")] = "",
    /,
    *,
    audience: Annotated[str, Parameter(name="--audience", help="What the issuer knows this service by.")] = "",
    claim: Annotated[str, Parameter(name="--claim", help="The claim that holds the operator's own name of the line.")] = "sub",
    web_client: Annotated[str, Parameter(name="--web-client", help="As what the issuer knows our pages in a browser.")] = "",
    public: Annotated[bool, Parameter(name="--public", negative="", help="That client has no secret.")] = False,
    end: Annotated[bool, Parameter(name="--end", negative="", help="Take the issuer away.")] = False,
    data: Data = None,
) -> int:
    """Say where an operator signs its customers in: its boxes then sign a home in without a word typed.

    With --web-client whoever signs in with a browser sees the operator's name, and can sign in there; the client's secret is
    typed, or comes by standard input. A worker reads the issuer's keys and addresses every few minutes.
    """
    if end:
        return signing_in.forget_issuer(operator, data=data)
    told = signing_in.IssuerTold(address, audience, claim, web_client, is_public=public)
    return signing_in.set_issuer(operator, told, data=data)


@sign_in.command
def issuers(*, data: Data = None, json: Json = False) -> int:
    """List operators' issuers, and how the last reading of each one's keys ended."""
    return signing_in.list_issuers(data=data, as_json=json)


@sign_in.command(name="rotate-key")
def rotate_key(*, data: Data = None) -> int:
    """Put a new key in that signs from now on. Two older ones verify on: nobody is signed out."""
    return signing_in.rotate_key(data=data)
