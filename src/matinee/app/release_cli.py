"""How `matinee release` is typed; releasing.py has what it does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import cyclopts
from cyclopts import Parameter

from matinee.app.later import later
from matinee.app.parameters import CARRYING, By, Data, Json
from matinee.fleet.waves import OnTimeout

if TYPE_CHECKING:
    from matinee.app import releasing
else:
    releasing = later("releasing")

Version = Annotated[str, Parameter(help="The release's version.")]

app = cyclopts.App(
    name="release",
    help="Releases of the interface: signed, approved by two, spread over boxes in waves, withdrawn.",
    help_format="plaintext",
    version_flags=[],
    group=CARRYING,
)


@app.command
def keygen(file: Annotated[Path, Parameter(help="A file that is not there yet.")], /) -> int:
    """Make a key that signs releases: the private half goes into the file, the public half is printed.

    Keep the file where releases are built. It stands in no installation.
    """
    return releasing.keygen(file)


@app.command
def pack(
    folder: Annotated[Path, Parameter(help="A built ui/dist.")],
    /,
    *,
    key: Annotated[Path, Parameter(name="--key", help="The private key's file.")],
    version: Annotated[str, Parameter(name="--version", help="The release's version; it is never given twice.")],
    model: Annotated[list[str] | None, Parameter(name="--model", negative="", help="A box model, OUI:CLASS. Else all.")] = None,
    out: Annotated[Path | None, Parameter(name="--out", help="The bundle's file. Else VERSION.matinee-ui.")] = None,
) -> int:
    """Make a signed bundle of what was built, for all box models or for some."""
    return releasing.pack(folder, key=key, version=version, models=model or [], out=out)


@app.command
def key(
    action: Annotated[
        Literal["list", "add", "end"], Parameter(help="List the keys, let one sign, or let it sign no more.")
    ] = "list",
    name: Annotated[str, Parameter(help="What the key is called here.")] = "",
    /,
    *,
    product: Annotated[str, Parameter(name="--product", help="The product that it may sign for.")] = "",
    public: Annotated[str, Parameter(name="--public", help="The public key, as keygen printed it.")] = "",
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Which keys may sign releases, each for one product. What an ended one signed before stands."""
    return releasing.key(action, name, product=product, public=public, by=by, data=data, as_json=json)


@app.command
def upload(
    file: Annotated[Path, Parameter(help="A *.matinee-ui file.")], /, *, by: By = "", data: Data = None, json: Json = False
) -> int:
    """Take a bundle in as a draft, once its signature and every file's hash were found to hold."""
    return releasing.upload(file, by=by, data=data, as_json=json)


@app.command
def approve(version: Version, /, *, by: By = "", data: Data = None, json: Json = False) -> int:
    """Approve a release. It takes two, neither of whom uploaded it."""
    return releasing.act("approve", version, by=by, data=data, as_json=json)


@app.command(name="try")
def try_(
    version: Version,
    boxes: Annotated[list[str], Parameter(help="Serials or ids.")],
    /,
    *,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Give an approved release to some boxes by name, ahead of its waves."""
    return releasing.give_to(version, boxes, by=by, data=data, as_json=json)


@app.command
def start(
    version: Version,
    /,
    *,
    percent: Annotated[str, Parameter(name="--percent", help="Of the boxes of its models, wave by wave.")] = "1,10,50,100",
    sample: Annotated[
        int | None,
        Parameter(name="--sample", help="Boxes of a wave that must have told of a start. Else a tenth of what it adds."),
    ] = None,
    soak: Annotated[float, Parameter(name="--soak", help="Hours for which a wave must go well.")] = 1.0,
    timeout: Annotated[float, Parameter(name="--timeout", help="Hours after which a wave is over.")] = 72.0,
    failing: Annotated[float, Parameter(name="--failing", help="Percent of starts that may fail.")] = 2.0,
    lost: Annotated[float, Parameter(name="--lost", help="Percent of boxes that may not come back to confirm it.")] = 5.0,
    on_timeout: Annotated[
        OnTimeout, Parameter(name="--on-timeout", help="What comes of too few boxes: halt, or the next wave.")
    ] = OnTimeout.HALT,
    freeze: Annotated[
        list[str] | None, Parameter(name="--freeze", negative="", help="A time in which no wave begins: MOMENT/MOMENT.")
    ] = None,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Spread an approved release in waves, which move on, or halt, by themselves while the service runs."""
    return releasing.start(
        version,
        percent=percent,
        sample=sample,
        soak=soak,
        timeout=timeout,
        failing=failing,
        lost=lost,
        on_timeout=on_timeout,
        freezes=freeze or [],
        by=by,
        data=data,
        as_json=json,
    )


@app.command
def resume(version: Version, /, *, by: By = "", data: Data = None, json: Json = False) -> int:
    """Begin a wave that halted anew; boxes on which the release failed try it again."""
    return releasing.act("resume", version, by=by, data=data, as_json=json)


@app.command
def withdraw(version: Version, /, *, by: By = "", data: Data = None, json: Json = False) -> int:
    """Take a release back for good.

    At their next start, its boxes run the newest one before it, or the built-in screens.
    """
    return releasing.act("withdraw", version, by=by, data=data, as_json=json)


@app.command(name="list")
def list_(*, data: Data = None, json: Json = False) -> int:
    """List the releases, and how each stands."""
    return releasing.list_all(data=data, as_json=json)


@app.command
def show(version: Version, /, *, data: Data = None, json: Json = False) -> int:
    """Tell all of one release, and of what was done to it."""
    return releasing.show(version, data=data, as_json=json)


@app.command
def explain(
    *, box: Annotated[str, Parameter(name="--box", help="A box's serial or id.")], data: Data = None, json: Json = False
) -> int:
    """Which release a box is meant to run, and why."""
    return releasing.explain(box, data=data, as_json=json)
