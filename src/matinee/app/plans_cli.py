"""The commands on what plans cost, as they are typed: `matinee plans`."""

from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from matinee.app.later import later
from matinee.app.parameters import CARRYING, By, Data, Json

if TYPE_CHECKING:
    from matinee.app import offering
else:
    offering = later("offering")

plans = cyclopts.App(
    name="plans",
    help="What plans cost, by country and from a day on, how long they may be tried, and by which ids operators name them.",
    help_format="plaintext",
    version_flags=[],
    group=CARRYING,
)

PlanName = Annotated[str, Parameter(help="The plan's name at its service.")]
ServiceName = Annotated[str, Parameter(name="--service", help="A service's name or id.")]


@plans.command(name="list")
def list_plans(
    *,
    service: Annotated[str | None, Parameter(name="--service", help="Of this service alone, by its name or id.")] = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """List plans with their prices, trials and offers."""
    return offering.list_all(service, data=data, as_json=json)


@plans.command(name="price")
def set_price(
    plan: PlanName,
    country: Annotated[str, Parameter(help="Two capital letters (ISO 3166): FR.")],
    minor: Annotated[
        int | None, Parameter(help="What a month costs in whole minor units, every tax in it: 799 is 7.99 euro.")
    ] = None,
    currency: Annotated[str, Parameter(help="Three capital letters (ISO 4217): EUR.")] = "",
    /,
    *,
    service: ServiceName,
    from_day: Annotated[str, Parameter(name="--from", help="From which day on: 2014-11-01.")],
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Set what a plan costs in a country from a day on. Without an amount it is not sold there any more from then on.

    A price for a day that has one already takes its place.
    """
    return offering.set_price(plan, country, minor, currency, service=service, from_day=from_day, by=by, data=data, as_json=json)


@plans.command(name="trial")
def set_trial(
    plan: PlanName,
    days: Annotated[int, Parameter(help="How many days cost nothing; 0 for none.")],
    /,
    *,
    service: ServiceName,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Set for how many days a plan costs nothing to who takes it from now on."""
    return offering.set_trial(plan, days, service=service, by=by, data=data, as_json=json)


@plans.command(name="offer")
def set_offer(
    plan: PlanName,
    offer_id: Annotated[str, Parameter(help="The operator's own id for it.")],
    /,
    *,
    service: ServiceName,
    operator: Annotated[str, Parameter(name="--operator", help="Whose id it is: an operator, by name or id.")],
    sandbox: Annotated[bool, Parameter(name="--sandbox", negative="", help="In the operator's sandbox, where it tries.")] = False,
    end: Annotated[bool, Parameter(name="--end", negative="", help="The id names the plan no more.")] = False,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Say by which id of its own an operator names a plan in what it tells of its bill."""
    return offering.set_offer(
        plan,
        offer_id,
        service=service,
        operator=operator,
        sandbox=sandbox,
        takes_away=end,
        by=by,
        data=data,
        as_json=json,
    )
