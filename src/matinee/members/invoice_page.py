"""An invoice as people read it: a page that stands alone, and plain text. Pure; in French and in English.

The page loads nothing and runs nothing; it prints on one sheet as it looks on the screen. Words that come from records are
escaped.
"""

import html
import textwrap
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from matinee.base.money import Money
from matinee.members.invoices import Invoice, InvoiceKind, InvoiceLine

LANGUAGES: Final = ("en", "fr")

_EN: Final = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "number": "Number",
    "issued": "Issued on",
    "month": "Month",
    "household": "For",
    "corrects": "Corrects invoice",
    "what": "What",
    "days": "Days",
    "net": "Net",
    "rate": "Tax rate",
    "tax": "Tax",
    "total": "Total",
    "back": "given back",
    "by rate": "Of which tax",
    "paid": "Paid in full from prepaid credit. Nothing is left to pay.",
    "returned": "Given back to the prepaid credit.",
    "page": "en",
}
_FR: Final = {
    "invoice": "Facture",
    "credit_note": "Avoir",
    "number": "Numéro",
    "issued": "Date d’émission",
    "month": "Mois",
    "household": "Pour",
    "corrects": "Rectifie la facture",
    "what": "Désignation",
    "days": "Jours",
    "net": "HT",
    "rate": "Taux de TVA",
    "tax": "TVA",
    "total": "Total TTC",
    "back": "remboursé",
    "by rate": "Dont taxe",
    "paid": "Payée en totalité par le crédit prépayé. Il ne reste rien à payer.",
    "returned": "Rendu au crédit prépayé.",
    "page": "fr",
}
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {"en": _EN, "fr": _FR}
_MONTHS_EN: Final = "January February March April May June July August September October November December"
_MONTHS_FR: Final = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
_MONTHS: Final = {"en": _MONTHS_EN.split(), "fr": _MONTHS_FR.split()}
_SIGNS: Final = {"EUR": "€", "GBP": "£", "USD": "$"}
_WIDE: Final = "\N{NO-BREAK SPACE}"
_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"

_STYLE: Final = """
:root{color-scheme:light;--ink:#1b1d22;--quiet:#5c616b;--line:#d9dce2;--accent:#8c2f1b}
*{box-sizing:border-box}
body{margin:0;background:#eceef2;color:var(--ink);font:16px/1.5 "Liberation Sans",Arial,sans-serif;
font-variant-numeric:tabular-nums lining-nums}
main{max-width:56rem;margin:2.5rem auto;background:#fff;padding:3.5rem 4rem 3rem;border-top:6px solid var(--accent);
box-shadow:0 1px 4px #0002}
header{display:flex;justify-content:space-between;gap:3rem;align-items:flex-start}
.seller{font-weight:700;font-size:1.2rem}.details{color:var(--quiet);white-space:pre-line;font-size:.9rem}
h1{font-size:2rem;line-height:1.15;margin:0;text-align:right}
h1 small{display:block;font-size:1.05rem;font-weight:400;color:var(--quiet)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:1rem 2rem;margin:2.5rem 0;padding:1rem 0;
border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
dt{color:var(--quiet);font-size:.82rem}dd{margin:0;font-weight:600;overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse}
th,td{padding:.6rem 0 .6rem 1.4rem;text-align:right;vertical-align:top;white-space:nowrap}
th:first-child,td:first-child{padding-left:0;text-align:left;white-space:normal;overflow-wrap:anywhere}
th.days,td.days{text-align:left}
thead th{color:var(--quiet);font-weight:400;font-size:.82rem;border-bottom:1px solid var(--ink)}
tbody td{border-bottom:1px solid var(--line)}
td b{display:block;font-weight:600}td span{color:var(--quiet);font-size:.88rem}
.sums{display:flex;justify-content:flex-end;margin-top:1.2rem}.sums table{width:auto;min-width:22rem}
.sums td{border:0;padding-top:.25rem;padding-bottom:.25rem}.sums tr.total td{border-top:1px solid var(--ink);
padding-top:.6rem;font-size:1.3rem;font-weight:700}
footer{margin-top:3rem;color:var(--quiet);font-size:.9rem}
@media (max-width:44rem){main{margin:0;padding:1.5rem 1.2rem}header{flex-direction:column;gap:1rem}h1{text-align:left}
.lines{overflow-x:auto}.sums table{min-width:0;width:100%}}
@media print{body{background:#fff}main{margin:0;padding:0;border:0;box-shadow:none;max-width:none}}
"""


def page_of(invoice: Invoice, language: str) -> str:
    """The invoice as one HTML page, in a language of LANGUAGES."""
    words = _WORDS[language]
    title = f"{words[invoice.kind.value]} {invoice.number}"
    facts = "".join(f"<div><dt>{_safe(name)}</dt><dd>{_safe(value)}</dd></div>" for name, value in _facts(invoice, language))
    heads = "".join(
        f'<th scope="col"{" class=days" if key == "days" else ""}>{_safe(words[key])}</th>'
        for key in ("what", "days", "net", "rate", "tax", "total")
    )
    rows = "".join(_row(invoice, line, language) for line in invoice.lines)
    sums = "".join(
        f"<tr{' class=total' if is_total else ''}><td>{_safe(name)}</td><td>{_safe(amount)}</td></tr>"
        for name, amount, is_total in _sums(invoice, language)
    )
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(title)} · {_safe(invoice.seller)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<header><div><div class="seller">{_safe(invoice.seller)}</div>'
        f'<div class="details">{_safe(invoice.details)}</div></div>'
        f"<h1>{_safe(title)}<small>{_safe(_month(invoice.month, language))}</small></h1></header>\n"
        f'<dl>{facts}</dl>\n<div class="lines"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>\n'
        f'<div class="sums"><table>{sums}</table></div>\n<footer>{_safe(_foot(invoice, language))}</footer>\n'
        "</main>\n</body>\n</html>\n"
    )


def text_of(invoice: Invoice, language: str) -> str:
    """The invoice as plain text of at most 78 columns, but for names that are longer."""
    words = _WORDS[language]
    out = [f"{words[invoice.kind.value]} {invoice.number}", invoice.seller, *invoice.details.splitlines(), ""]
    facts = _facts(invoice, language)
    width = max(len(name) for name, _ in facts)
    out += [f"{name:<{width}}  {value}" for name, value in facts]
    out += ["", "-" * 78]
    for line in invoice.lines:
        name = f"{line.service}, {line.plan}{_back(line, words)}"
        days, amount = _days(line, language), _amount(Money(line.gross, invoice.currency), language)
        first, *more = textwrap.wrap(name, 60, break_long_words=False) or [""]
        out += [f"{first:<60}{amount:>18}", *more]
        tax = _amount(Money(line.tax, invoice.currency), language)
        out.append(f"  {days}; {words['tax']} {_percent(line.percent, language)}: {tax}")
    out.append("-" * 78)
    out += [f"{name:<60}{amount:>18}" for name, amount, _ in _sums(invoice, language)]
    out += ["", _foot(invoice, language)]
    return "\n".join(out).replace(_NARROW, " ").replace(_WIDE, " ") + "\n"


def _facts(invoice: Invoice, language: str) -> list[tuple[str, str]]:
    words = _WORDS[language]
    facts = [
        (words["number"], str(invoice.number)),
        (words["issued"], _day(invoice.issued_on, language)),
        (words["month"], _month(invoice.month, language)),
        (words["household"], invoice.reference),
    ]
    return facts if invoice.corrects is None else [*facts, (words["corrects"], str(invoice.corrects))]


def _sums(invoice: Invoice, language: str) -> Iterator[tuple[str, str, bool]]:
    """(name, amount, whether it is the total): the net, the tax of each rate, and what they add up to."""
    words = _WORDS[language]
    yield words["net"], _amount(invoice.net, language), False
    for rate, _, tax in invoice.by_rate():
        yield f"{words['tax']} {_percent(rate, language)}", _amount(tax, language), False
    yield words["total"], _amount(invoice.total, language), True


def _row(invoice: Invoice, line: InvoiceLine, language: str) -> str:
    words, gross, tax = _WORDS[language], Money(line.gross, invoice.currency), Money(line.tax, invoice.currency)
    cells = [_amount(gross - tax, language), _percent(line.percent, language), _amount(tax, language), _amount(gross, language)]
    amounts = "".join(f"<td>{_safe(cell)}</td>" for cell in cells)
    what = f"<b>{_safe(line.service)}</b><span>{_safe(line.plan)}{_safe(_back(line, words))}</span>"
    return f'<tr><td>{what}</td><td class="days">{_safe(_days(line, language))}</td>{amounts}</tr>'


def _back(line: InvoiceLine, words: Mapping[str, str]) -> str:
    return f", {words['back']}" if line.gross < 0 else ""


def _foot(invoice: Invoice, language: str) -> str:
    return _WORDS[language]["paid" if invoice.kind is InvoiceKind.INVOICE else "returned"]


def _amount(money: Money, language: str) -> str:
    whole, _, part = money.decimal.lstrip("-").partition(".")
    grouped = f"{int(whole):,}"
    sign = "\N{MINUS SIGN}" if money.minor < 0 else ""
    mark = _SIGNS.get(money.currency, money.currency)
    if language == "fr":
        grouped = grouped.replace(",", _NARROW)
        return f"{sign}{grouped}{',' if part else ''}{part}{_WIDE}{mark}"
    gap = "" if money.currency in _SIGNS else _WIDE
    return f"{sign}{mark}{gap}{grouped}{'.' if part else ''}{part}"


def _percent(rate: Decimal, language: str) -> str:
    text = f"{rate.normalize():f}"
    return f"{text.replace('.', ',')}{_WIDE}%" if language == "fr" else f"{text}{_NARROW}%"


def _days(line: InvoiceLine, language: str) -> str:
    """From the first to the last day, both said."""
    last = max(line.first, line.until - timedelta(days=1))
    if (line.first.year, line.first.month) == (last.year, last.month):
        return f"{_number(line.first, language)}–{_day(last, language)}"
    return f"{_day(line.first, language)} – {_day(last, language)}"


def _day(day: date, language: str) -> str:
    return f"{_number(day, language)} {_MONTHS[language][day.month - 1]} {day.year}"


def _number(day: date, language: str) -> str:
    return "1er" if language == "fr" and day.day == 1 else str(day.day)


def _month(month: str, language: str) -> str:
    return f"{_MONTHS[language][int(month[5:]) - 1]} {month[:4]}"


def _safe(text: str) -> str:
    return html.escape(text)
