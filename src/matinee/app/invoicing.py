"""`matinee invoice`: a household's papers of a month, issued where they are not yet, as text or as a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from matinee.app.charging import ACTOR
from matinee.app.commands import DONE, opened
from matinee.app.installation import read_clock
from matinee.app.money_names import household_named, publisher_named, services_of
from matinee.app.terminal import Terminal
from matinee.base.errors import InvalidRequest
from matinee.members import invoice_store, plan_store, store
from matinee.members.invoice_page import LANGUAGES, page_of, text_of
from matinee.members.invoices import Invoice


def invoice(
    household: str,
    month: str,
    *,
    publisher: str | None,
    language: Literal["en", "fr"] | None,
    page: Path | None,
    by: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Tell a household's invoice of a month, and its credit notes; as pages where a file is named for them."""
    with opened(data) as installation, installation.database.write() as conn:
        home, of = household_named(conn, household), publisher_named(conn, publisher)
        services = {one.id: one.name for one in services_of(conn, of)}
        names = {plan.id: (services[plan.service], plan.name) for plan in plan_store.all_plans(conn) if plan.publisher == of.id}
        papers = invoice_store.issue(conn, of.id, of.name, home, month, names, read_clock(), actor=by or ACTOR)
        spoken: list[str] = [profile.language for profile in store.profiles_of(conn, home)]
    chosen: str = language or next((one for one in spoken if one in LANGUAGES), LANGUAGES[0])
    terminal = Terminal()
    if page is not None:
        for file, paper in zip(_files(page, papers), papers, strict=True):
            _write(file, page_of(paper, chosen))
            terminal.err.print(f"Written to {file}.", style="good", markup=False)
    if as_json:
        sums = [{"total": one.total.decimal, "tax": one.tax.decimal} for one in papers]
        terminal.json({"papers": [{**msgspec.to_builtins(one), **its} for one, its in zip(papers, sums, strict=True)]})
    elif page is None:
        terminal.line("\n".join(text_of(one, chosen) for one in papers).rstrip("\n"))
    return DONE


def _files(page: Path, papers: Sequence[Invoice]) -> list[Path]:
    """The named file for the first paper, and one beside it for each further one: page.html, page-2.html."""
    return [page if number == 0 else page.with_stem(f"{page.stem}-{number + 1}") for number in range(len(papers))]


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}.", remedy="Name another file.") from error
