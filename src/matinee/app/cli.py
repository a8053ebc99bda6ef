"""The command line. Exit 0: done. 1: it could not be done, and a line says why. 2: wrong use.

Each command is thin: it opens the installation, calls the use case that web and worker share, and prints.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import cyclopts
from cyclopts import Group, Parameter

from matinee.app import money_cli, plans_cli, release_cli, sign_in_cli
from matinee.app.later import later
from matinee.app.parameters import ASKING, CARRYING, By, Data, Json
from matinee.app.terminal import Terminal
from matinee.base.errors import MatineeError

if TYPE_CHECKING:
    from matinee.app import (
        auditing,
        carrying,
        commands,
        feeding,
        hooking,
        households,
        marking,
        people,
        planning,
        subscribing,
        switching,
        waving,
    )
    from matinee.app import boxes as box_commands
    from matinee.app import lesson_cli as lesson_commands
    from matinee.app import ranking as ranking_commands
else:
    auditing, box_commands, carrying = later("auditing"), later("boxes"), later("carrying")
    commands, feeding, hooking = later("commands"), later("feeding"), later("hooking")
    households = later("households")
    marking, people, planning = later("marking"), later("people"), later("planning")
    lesson_commands = later("lesson_cli")
    ranking_commands, subscribing = later("ranking"), later("subscribing")
    switching, waving = later("switching"), later("waving")

DONE, FAILED, WRONG_USE = 0, 1, 2

_HELP = """
Matinee: a streaming service that lives in the operator's box.

Films go in as files; each becomes an encrypted, adaptive title that boxes, the web and phones play.

Try it:
  matinee demo                     make films, serve them, print the addresses
  matinee add ~/films              publish a folder of your own films
  matinee serve                    serve what is published

All state lies under one data folder: --data, else the variable MATINEE_DATA, else ./data.
"""

app = cyclopts.App(name="matinee", help=_HELP, help_format="plaintext", version_flags=["--version"])
_films = Group("Films", sort_key=1)
_carrying = CARRYING
_asking = ASKING
_running = Group("Running", sort_key=4)


@app.command(group=_films)
def add(
    films: Annotated[list[Path], Parameter(help="Film files, or folders that are searched for films.")],
    /,
    *,
    service: Annotated[str | None, Parameter(help="The service that gets the titles; made if it is not there.")] = None,
    detach: Annotated[bool, Parameter(negative="", help="Hand the films to a worker and return at once.")] = False,
    data: Data = None,
    json: Json = False,
) -> int:
    """Publish films: each file becomes a title with all its sound and subtitles.

    Beside FILM.mp4, FILM.toml tells of it (titles, synopses, series, markers), and FILM.fr.srt or FILM.en.vtt are its
    subtitles. Without a sidecar the file's name tells. A film that cannot be published is refused with the reason, and
    nothing of it is left behind.
    """
    return commands.add(films, data=data, service=service, detach=detach, as_json=json)


@app.command(group=_films)
def plan(
    film: Annotated[Path, Parameter(help="A film file.")],
    /,
    *,
    analyse: Annotated[bool, Parameter(negative="", help="Measure the film and choose the rungs worth having.")] = False,
    command: Annotated[bool, Parameter(negative="", help="Print the encoder's whole command line instead.")] = False,
    data: Data = None,
    json: Json = False,
) -> int:
    """Tell what a film holds and what would be made of it: rungs, sounds, subtitles, warnings.

    Nothing is published and nothing recorded. What its headers and first frames would have refused is refused here, with the
    same reason. An analysis takes minutes: it encodes a little of the film in about a dozen ways, and scores each.
    """
    return planning.plan(film, data=data, analyses=analyse, shows_command=command, as_json=json)


@app.command(group=_films)
def titles(*, data: Data = None, json: Json = False) -> int:
    """List the published titles, and the films under way."""
    return commands.titles(data=data, as_json=json)


@app.command(group=_films)
def show(
    title: Annotated[str, Parameter(help="A title's id, or enough of its name.")],
    /,
    *,
    report: Annotated[
        Path | None, Parameter(help="Write what was measured of its film, and what was delivered, to this file as a page.")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """Tell all of one title: words, tracks, package, warnings."""
    return commands.show(title, data=data, report=report, as_json=json)


@app.command(group=_films)
def remove(
    title: Annotated[str, Parameter(help="A title's id, or its whole name.")],
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    data: Data = None,
) -> int:
    """Take a title away: its rows, its package, its pictures and its key. It cannot be undone."""
    return commands.remove(title, data=data, yes=yes)


@app.command(group=_films)
def markers(
    title: Annotated[str, Parameter(help="A title's id, or enough of its name.")],
    /,
    *,
    intro: Annotated[str | None, Parameter(help="Where its intro lies: 0:12-1:05.")] = None,
    no_intro: Annotated[bool, Parameter(name="--no-intro", negative="", help="It has no intro.")] = False,
    recap: Annotated[str | None, Parameter(help="Where it tells what happened before: 0:00-0:30.")] = None,
    no_recap: Annotated[bool, Parameter(name="--no-recap", negative="", help="It has no recap.")] = False,
    ends: Annotated[str | None, Parameter(name="--credits", help="Its credits: 41:10 to the end, or 41:10-43:00.")] = None,
    no_credits: Annotated[bool, Parameter(name="--no-credits", negative="", help="It has no credits.")] = False,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Tell a title's markers and where they come from: written or found. With an option, set one by hand first.

    What was set by hand, or said not to be there, is never found anew.
    """
    return marking.markers(
        title,
        {
            "intro": marking.NONE if no_intro else intro,
            "recap": marking.NONE if no_recap else recap,
            "credits": marking.NONE if no_credits else ends,
        },
        by=by,
        data=data,
        as_json=json,
    )


@app.command(group=_films)
def cancel(
    ingest: Annotated[str, Parameter(help="The id of an ingest under way, or its file's whole name.")],
    /,
    *,
    data: Data = None,
) -> int:
    """Stop a film that is being added, on every worker, and leave nothing of it."""
    return commands.cancel(ingest, data=data)


@app.command(group=_films)
def check(*, data: Data = None, json: Json = False) -> int:
    """Read every byte of every published title: does it stand, and does it decrypt as it should?"""
    return commands.check(data=data, as_json=json)


@app.command(group=_films)
def rekey(
    title: Annotated[str, Parameter(help="A title's id, or its whole name.")],
    /,
    *,
    now: Annotated[bool, Parameter(negative="", help="Take the old package away at once; what plays it ends.")] = False,
    data: Data = None,
    json: Json = False,
) -> int:
    """Give a title new content keys: its package is encrypted anew, and nothing is encoded.

    Who is watching goes on with the old keys; a day later they are gone, with the old package. With --now, for a key that got
    out, they are gone at once.
    """
    return commands.rekey(title, at_once=now, data=data, as_json=json)


@app.command(group=_running)
def serve(
    *,
    host: Annotated[str | None, Parameter(help="The address to listen at.")] = None,
    port: Annotated[int | None, Parameter(help="The web's port.")] = None,
    edge_port: Annotated[int | None, Parameter(help="The edge's port.")] = None,
    lan: Annotated[bool, Parameter(negative="", help="Listen for a real television or phone on this network, with TLS.")] = False,
    data: Data = None,
) -> int:
    """Serve the web, the edge and a worker in one command, until interrupted."""
    return commands.serve(data=data, lan=lan, host=host, port=port, edge_port=edge_port)


@app.command(group=_running)
def work(*, data: Data = None) -> int:
    """Run a worker alone: it takes ingests from the queue until interrupted."""
    return commands.work(data=data)


Scenario = Annotated[Path, Parameter(help="A scenario's TOML file: see examples/france-2014.toml.")]
Today = Annotated[bool, Parameter(name="--today", negative="", help="Shift every date so that the story's `today` is now.")]
At = Annotated[str | None, Parameter(name="--at", help="The moment asked about, with its zone: 2014-10-02T08:00:00Z. Else now.")]
KnownAt = Annotated[str | None, Parameter(name="--known-at", help="By what was known at that moment. Else by all that is known.")]
ServiceName = Annotated[str, Parameter(name="--service", help="A service's name or id.")]


@app.command(group=_carrying)
def apply(file: Scenario, /, *, today: Today = False, data: Data = None, json: Json = False) -> int:
    """Bring a scenario into being: operators, boxes, agreements, launches. All of it or nothing.

    What is recorded already is left as it is, so a file may be applied again.
    """
    return carrying.apply(file, today=today, data=data, as_json=json)


@app.command(group=_carrying)
def diff(file: Scenario, /, *, today: Today = False, data: Data = None, json: Json = False) -> int:
    """Say what `matinee apply` would record, and record nothing."""
    return carrying.diff(file, today=today, data=data, as_json=json)


@app.command(group=_carrying)
def explain(
    *,
    service: ServiceName,
    box: Annotated[str | None, Parameter(name="--box", help="A box's serial or id.")] = None,
    household: Annotated[
        str | None, Parameter(name="--household", help="A household's reference. Else that of the box's line.")
    ] = None,
    at: At = None,
    known_at: KnownAt = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """Why a box has a service, or has it not: every clause with its answer, for any moment past or to come.

    And apart from that, what OK does there: whether the household of its line, or the one that is named, has the plan it needs.
    """
    return carrying.explain(box, service, household=household, at=at, known_at=known_at, data=data, as_json=json)


@app.command(group=_carrying)
def reach(*, service: ServiceName, at: At = None, known_at: KnownAt = None, data: Data = None, json: Json = False) -> int:
    """How a service stands at each operator: agreement, first announced, first live, and how many boxes have it."""
    return carrying.reach(service, at=at, known_at=known_at, data=data, as_json=json)


@app.command(group=_carrying)
def rollout(
    action: Annotated[
        Literal["list", "approve", "resume", "withdraw"],
        Parameter(help="List all; let a wave begin that waits for that; begin a halted one anew; end one where it stands."),
    ] = "list",
    name: Annotated[str, Parameter(help="A rollout's id, or enough of its beginning.")] = "",
    /,
    *,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """How launches spread in waves: where each rollout stands and why; and what staff say to it.

    A rollout is planned in a scenario's file (docs/scenarios.md) and moves on by itself while the service runs.
    """
    return waving.rollout(action, name, by=by, data=data, as_json=json)


@app.command(group=_carrying)
def switch(
    action: Annotated[Literal["off", "on", "list"], Parameter(help="Take the service off, take that back, or list what is off.")],
    service: Annotated[str, Parameter(help="A service's name or id; its id while the database is away.")] = "",
    /,
    *,
    operator: Annotated[str | None, Parameter(help="At this operator alone, by name or id. Else at every one.")] = None,
    playing: Annotated[bool, Parameter(negative="", help="Stop what plays too; else films that run go on.")] = False,
    data: Data = None,
    json: Json = False,
) -> int:
    """Take a service off within a second, also while the database is away; and take that back.

    Off: no new plays and no sign of it; with --playing nothing plays on either.
    """
    return switching.switch(action, service, operator=operator, playing=playing, data=data, as_json=json)


@app.command(group=_carrying)
def hooks(
    action: Annotated[
        Literal["list", "dead", "retry"],
        Parameter(help="List all; list events that could not be delivered; have one of those tried again."),
    ] = "list",
    name: Annotated[str, Parameter(help="For dead: a callback's id, else all. For retry: a dead event's id.")] = "",
    /,
    *,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """The callbacks that publishers and operators registered for events, how they stand, and what could not be delivered.

    They are registered at /api/v1/hub (docs/webhooks.md). A worker brings the events.
    """
    return hooking.hooks(action, name, by=by, data=data, as_json=json)


@app.command(group=_carrying)
def ranking(
    service: Annotated[str, Parameter(help="A service's name or id; or `verify`.")] = "",
    /,
    *,
    operator: Annotated[str | None, Parameter(help="At which operator, by name or id.")] = None,
    at: At = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """How a service was ranked in an operator's rows: its places, the rule, and its own part of what decided them.

    It may be shown to the service's publisher as it is: of others it tells only how many places they fill. With `verify` every
    recorded order is made again from what it was made of, and each that comes out otherwise is told.
    """
    return ranking_commands.ranking(service, operator=operator, at=at, data=data, as_json=json)


@app.command(group=_carrying)
def lesson(
    what: Annotated[str, Parameter(help="Nothing, or `learn`.")] = "",
    /,
    *,
    data: Data = None,
    json: Json = False,
) -> int:
    """What was learnt from viewing for rows of recommendations, and how many places each rule gave to each service within a day.

    A worker learns each night, from all viewing of a year. With `learn` it is done now, and screens go by it at once.
    """
    return lesson_commands.lesson(what, data=data, as_json=json)


@app.command(group=_carrying)
def audit(
    what: Annotated[Literal["check"], Parameter(help="What to do: check it.")] = "check",
    /,
    *,
    kept: Annotated[str | None, Parameter(name="--kept", help="A newest seal of before: is it still there?")] = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """Check the audit of rights and money: is every row as it was written? The first that is not is told.

    Each row is sealed to the one before it. Rows cut off at the end leave no gap: keep the newest seal, which this
    prints, where nobody reaches both, and hand it in as --kept the next time.
    """
    return auditing.check(kept=kept, data=data, as_json=json)


boxes = cyclopts.App(
    name="boxes",
    help="Bring operators' boxes in, say which box is the right one, and at which line each stands.",
    help_format="plaintext",
    version_flags=[],
    group=_carrying,
)
app.command(boxes)
app.command(release_cli.app)
money_cli.add_to(app)


@boxes.command(name="import")
def import_boxes(
    file: Annotated[Path, Parameter(help="A CSV or Parquet file with a row for each box.")],
    /,
    *,
    data: Data = None,
    json: Json = False,
) -> int:
    """Record the boxes of an operator's file: who made each, its serial, at which line it stands.

    Columns are ManufacturerOUI, ProductClass, SerialNumber (with or without "DeviceInfo." before them), operator and line;
    there may be label, interface_product, interface_version and key. A file with a wrong row is refused whole, and the first
    faults are told with their lines. What is recorded already stays as it is, so a file may be imported again.

    A serial that stands at another operator's line is not moved: its box is put in quarantine and sees no service.
    """
    return box_commands.import_file(file, data=data, as_json=json)


BoxName = Annotated[str, Parameter(help="A box's serial or id.")]
KeyName = Annotated[str, Parameter(name="--key", help="A key's thumbprint, or enough of its beginning: `matinee boxes show`.")]
From = Annotated[str | None, Parameter(name="--from", help="Since when, with its zone: 2014-10-02T08:00:00Z. Else now.")]


@boxes.command(name="list")
def list_boxes(
    *,
    held: Annotated[bool, Parameter(negative="", help="Those alone that are held, or whose key waits for staff.")] = False,
    data: Data = None,
    json: Json = False,
) -> int:
    """List boxes, each with its line, its identity, since when and why; the first thousand."""
    return box_commands.list_boxes(held=held, data=data, as_json=json)


@boxes.command(name="show")
def show_box(box: BoxName, /, *, data: Data = None, json: Json = False) -> int:
    """Tell all of one box: its keys by their thumbprints, and its identities, lines and interfaces with their dates."""
    return box_commands.show(box, data=data, as_json=json)


@boxes.command(name="release")
def release_box(box: BoxName, /, *, key: KeyName = "", by: By = "", data: Data = None, json: Json = False) -> int:
    """Let a box out of quarantine, by the thumbprint of its right key where it showed several.

    It is unverified until that key proves it anew, and has the services that its line has. From then on no other key of it is
    taken. Of two boxes that claim one serial this lets one out; the other stays held.
    """
    return box_commands.release(box, key=key, by=by, data=data, as_json=json)


@boxes.command(name="accept-key")
def accept_key(box: BoxName, /, *, key: KeyName, by: By = "", data: Data = None, json: Json = False) -> int:
    """Accept the key of a box that was mended or cleared: it is verified, and no other key of it is taken from then on.

    The key must have been shown by the box. A column `key` in an operator's file does the same: `matinee boxes import`.
    """
    return box_commands.accept_key(box, key=key, by=by, data=data, as_json=json)


@boxes.command(name="token")
def box_token(box: BoxName, /, *, by: By = "", data: Data = None, json: Json = False) -> int:
    """End all tokens of a box and print a new one, once: for a box whose token was copied, or that got a new line."""
    return box_commands.token(box, by=by, data=data, as_json=json)


@boxes.command(name="move")
def move_box(
    box: BoxName,
    /,
    *,
    line: Annotated[str, Parameter(name="--line", help="OPERATOR/REFERENCE; the line is made where it is new.")],
    since: From = None,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Record that a box stands at another line, of the same operator or another, from a moment on, past or to come.

    The household is the line's: the box comes to the home of its new line.
    """
    return box_commands.move(box, line=line, since=since, by=by, data=data, as_json=json)


@boxes.command(name="return")
def return_box(box: BoxName, /, *, since: From = None, by: By = "", data: Data = None, json: Json = False) -> int:
    """Record that a box came back to its operator: it stands at no line, has no home, and its tokens end."""
    return box_commands.give_back(box, since=since, by=by, data=data, as_json=json)


@boxes.command(name="swap")
def swap_boxes(
    old: Annotated[str, Parameter(help="The serial or id of the box that came back.")],
    new: Annotated[str, Parameter(help="The serial or id of the one that stands in its place.")],
    /,
    *,
    since: From = None,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Record that a box came back and another stands at its line: the household stays, and the old box's tokens end."""
    return box_commands.swap(old, new, since=since, by=by, data=data, as_json=json)


Publisher = Annotated[str | None, Parameter(name="--publisher", help="Whose side: a publisher, by name or id.")]
OperatorName = Annotated[str | None, Parameter(name="--operator", help="Whose side: an operator, by name or id.")]
Auditor = Annotated[bool, Parameter(name="--auditor", negative="", help="It reads that side, and changes nothing.")]
All = Annotated[bool, Parameter(name="--all", negative="", help="With --auditor: it reads every side.")]
Generate = Annotated[bool, Parameter(name="--generate", negative="", help="Make a password, and show it this once.")]
StaffName = Annotated[str, Parameter(help="The name that the person signs in with.")]

staff = cyclopts.App(
    name="staff",
    help="Accounts of the people who work for publishers and operators, and of auditors.",
    help_format="plaintext",
    version_flags=[],
    group=_asking,
)
app.command(staff)


@staff.command(name="add")
def add_staff(
    name: StaffName,
    /,
    *,
    publisher: Publisher = None,
    operator: OperatorName = None,
    auditor: Auditor = False,
    all_sides: All = False,
    generate: Generate = False,
    data: Data = None,
    json: Json = False,
) -> int:
    """Make an account for one person, at one publisher's or one operator's side.

    The password is typed twice on a terminal, or is the first line of standard input, or is made with --generate and shown this
    once. It has 12 characters or more.
    """
    told = people.SeatTold(publisher=publisher, operator=operator, auditor=auditor, all_sides=all_sides)
    return people.add_staff(name, told, generate=generate, data=data, as_json=json)


@staff.command(name="list")
def list_staff(*, data: Data = None, json: Json = False) -> int:
    """List all accounts, with their sides; ended ones too."""
    return people.list_staff(data=data, as_json=json)


@staff.command(name="end")
def end_staff(name: StaffName, /, *, data: Data = None) -> int:
    """End an account for good: it is signed out everywhere within a second. Its name is never given again."""
    return people.end_staff(name, data=data)


@staff.command(name="password")
def staff_password(name: StaffName, /, *, generate: Generate = False, data: Data = None, json: Json = False) -> int:
    """Give an account another password: it is signed out everywhere within a second.

    The password is typed twice on a terminal, or is the first line of standard input, or is made with --generate.
    """
    return people.change_password(name, generate=generate, data=data, as_json=json)


keys = cyclopts.App(
    name="key",
    help="Keys by which the programs of publishers, operators and auditors ask.",
    help_format="plaintext",
    version_flags=[],
    group=_asking,
)
app.command(keys)


@keys.command(name="add")
def add_key(
    *,
    publisher: Publisher = None,
    operator: OperatorName = None,
    auditor: Auditor = False,
    all_sides: All = False,
    label: Annotated[str, Parameter(name="--label", help="What tells this key from others.")] = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Mint a key at one publisher's or one operator's side. It is shown once."""
    told = people.SeatTold(publisher=publisher, operator=operator, auditor=auditor, all_sides=all_sides)
    return people.add_key(told, label, data=data, as_json=json)


@keys.command(name="list")
def list_keys(*, data: Data = None, json: Json = False) -> int:
    """List all keys by their ids, with their sides; ended ones too."""
    return people.list_keys(data=data, as_json=json)


@keys.command(name="end")
def end_key(key: Annotated[str, Parameter(help="The key's id, as `matinee key list` tells it.")], /, *, data: Data = None) -> int:
    """End a key for good: it opens nothing any more, within a second."""
    return people.end_key(key, data=data)


app.command(sign_in_cli.account)
app.command(sign_in_cli.client)
app.command(sign_in_cli.sign_in)


household = cyclopts.App(
    name="household",
    help="What staff do for a home that asks for it.",
    help_format="plaintext",
    version_flags=[],
    group=_carrying,
)
app.command(household)
HomeNamed = Annotated[str, Parameter(help="The household's reference.")]


@household.command(name="pin")
def household_pin(
    reference: HomeNamed,
    /,
    *,
    reset: Annotated[bool, Parameter(name="--reset", negative=(), help="Take the PIN away.")] = False,
    by: Annotated[str, Parameter(name="--by", help="Who does it, for the audit.")] = "",
    data: Data = None,
) -> int:
    """Take a home's PIN away, for whoever has forgotten it: nothing asks for one until a new one is set on one of its screens."""
    return households.reset_pin(reference, reset=reset, by=by, data=data)


@household.command(name="export")
def household_export(reference: HomeNamed, /, *, data: Data = None) -> int:
    """Print all that is held of a home, as JSON."""
    return households.export(reference, data=data)


@household.command(name="erase")
def household_erase(
    reference: HomeNamed,
    /,
    *,
    by: Annotated[str, Parameter(name="--by", help="Who does it, for the audit.")] = "",
    data: Data = None,
) -> int:
    """Erase a home: its people, what they watched, how they sign in. Subscriptions end, and stay under a name that says nothing.

    Whatever stands at its lines starts anew. There is no way back.
    """
    return households.erase(reference, by=by, data=data)


subscription = cyclopts.App(
    name="subscription",
    help="Who subscribes to what. A plan is needed where the agreement of an operator and a service bills: direct, or operator.",
    help_format="plaintext",
    version_flags=[],
    group=_carrying,
)
app.command(subscription)
app.command(plans_cli.plans)

Household = Annotated[str, Parameter(help="The household's reference.")]
PlanName = Annotated[str, Parameter(name="--plan", help="The plan's name at its service.")]
SellerName = Annotated[
    Literal["us", "operator"],
    Parameter(name="--seller", help="Who sells it: the service itself (us), or the operator of the household's line."),
]
Since = Annotated[
    str | None, Parameter(name="--since", help="From which moment on, with its zone: 2014-11-01T00:00:00Z. Else now.")
]
Reference = Annotated[
    str, Parameter(name="--reference", help="The seller's own name for this record: said again, it changes nothing.")
]


@subscription.command(name="add")
def add_subscription(
    household: Household,
    /,
    *,
    service: ServiceName,
    plan: PlanName,
    seller: SellerName = "us",
    since: Since = None,
    until: Annotated[str | None, Parameter(name="--until", help="Up to which moment. Else with no end known.")] = None,
    reference: Reference = "",
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Record that a household subscribes to a plan. The plan is made where its service has none of that name.

    A record that begins when an earlier one does takes its place.
    """
    told = subscribing.Wanted(
        household=household, service=service, plan=plan, seller=seller, since=since, until=until, reference=reference
    )
    return subscribing.add(told, by=by, data=data, as_json=json)


@subscription.command(name="end")
def end_subscription(
    household: Household,
    /,
    *,
    service: ServiceName,
    plan: PlanName,
    seller: SellerName = "us",
    since: Since = None,
    reference: Reference = "",
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Record that a household's subscription ends, now or at a moment. A film that runs goes on to its end."""
    told = subscribing.Wanted(
        household=household, service=service, plan=plan, seller=seller, since=since, until=None, reference=reference
    )
    return subscribing.end(told, by=by, data=data, as_json=json)


@subscription.command(name="limits")
def plan_limits(
    *,
    service: ServiceName,
    plan: PlanName,
    streams: Annotated[int | None, Parameter(name="--streams", help="How many films a home sees at once.")] = None,
    max_height: Annotated[
        int | None, Parameter(name="--max-height", help="Lines of the tallest picture, as 1080; 0 for no limit.")
    ] = None,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Tell what a plan gives its homes, or change it from now on. A film that runs goes on as it began."""
    return subscribing.limits(service, plan, streams, max_height, by=by, data=data, as_json=json)


@subscription.command(name="list")
def list_subscriptions(
    *,
    household: Annotated[str | None, Parameter(name="--household", help="Of this household alone, by its reference.")] = None,
    service: Annotated[str | None, Parameter(name="--service", help="To this service alone, by its name or id.")] = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """List what was recorded of subscriptions, in the order of recording; ended ones too."""
    return subscribing.list_all(household, service, data=data, as_json=json)


feed = cyclopts.App(
    name="feed",
    help="Partners' feeds: where each is read, what it came to, and what of it waits in quarantine.",
    help_format="plaintext",
    version_flags=[],
    group=_carrying,
)
app.command(feed)
PartnerService = Annotated[str, Parameter(help="A service's name or id.")]


@feed.command(name="set")
def set_feed(
    service: PartnerService,
    url: Annotated[str, Parameter(help="Where the feed is read: https://HOST/PATH.")],
    /,
    *,
    every: Annotated[int, Parameter(help="How many minutes lie between two readings.")] = 60,
    links: Annotated[
        str,
        Parameter(
            help="Where its links may lead: hosts, and schemes of applications (an-app:), by commas. Else the feed's host."
        ),
    ] = "",
    unrated: Annotated[int, Parameter(help="The age class of what tells none.")] = 18,
    data: Data = None,
    json: Json = False,
) -> int:
    """Say where a partner service's feed is read: schema.org's DataFeed with WatchAction, as JSON.

    A worker reads it from then on, and asks only for what changed. Nothing that it says is taken unchecked.
    """
    return feeding.set_feed(service, url, every=every, links=links, unrated=unrated, data=data, as_json=json)


@feed.command(name="read")
def read_feed(
    service: PartnerService,
    /,
    *,
    file: Annotated[Path | None, Parameter(help="Read this file in the place of the feed's address.")] = None,
    accept: Annotated[bool, Parameter(negative="", help="Apply it also where it would be held.")] = False,
    data: Data = None,
    json: Json = False,
) -> int:
    """Read a partner service's feed now, and tell what it came to.

    A feed that lost half of its items, or of which more than a tenth are wrong, is held: --accept applies it all the same.
    """
    return feeding.read_feed(service, accept=accept, file=file, data=data, as_json=json)


@feed.command(name="list")
def list_feeds(*, data: Data = None, json: Json = False) -> int:
    """List every feed, and how its last reading ended."""
    return feeding.list_feeds(data=data, as_json=json)


@feed.command(name="show")
def show_feed(service: PartnerService, /, *, data: Data = None, json: Json = False) -> int:
    """Tell all of one feed: the last reading, its ETag, and which items are in quarantine and why."""
    return feeding.show_feed(service, data=data, as_json=json)


@app.command(group=_running)
def demo(
    *,
    port: Annotated[int | None, Parameter(help="The web's port.")] = None,
    edge_port: Annotated[int | None, Parameter(help="The edge's port.")] = None,
    lan: Annotated[bool, Parameter(negative="", help="Listen for a real television or phone on this network, with TLS.")] = False,
    data: Data = None,
) -> int:
    """Make a handful of short films, publish them, serve them, and print the addresses to open."""
    return commands.demo(data=data, lan=lan, port=port, edge_port=edge_port)


@app.command(group=_running)
def token(
    kind: Annotated[Literal["box", "web", "api"], Parameter(help="A box, a web browser, or a publisher's programs.")] = "box",
    /,
    *,
    data: Data = None,
    json: Json = False,
) -> int:
    """Mint a token for a screen of the demo's household, or for the publisher's API. It is shown once."""
    return commands.token(kind, data=data, as_json=json)


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code."""
    terminal = Terminal()
    try:
        command, bound, _ = app.parse_args(arguments, exit_on_error=False, print_error=True)
    except cyclopts.CycloptsError:
        return WRONG_USE
    return _guarded(lambda: command(*bound.args, **bound.kwargs), terminal)


def _guarded(command: Callable[[], Any], terminal: Terminal) -> int:
    try:
        code = command()
    except MatineeError as error:
        terminal.error(error)
        return FAILED
    except KeyboardInterrupt:
        terminal.err.print("Interrupted.", style="note")
        return FAILED
    except BrokenPipeError:
        return FAILED
    return code if isinstance(code, int) else DONE


if __name__ == "__main__":
    main()
