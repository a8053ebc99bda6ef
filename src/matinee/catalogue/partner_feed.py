"""A part of a partner's feed as bytes, read in a child process with little time and memory.

A feed of 64 MiB that is well-formed and means harm becomes gigabytes of objects, and keeps the interpreter for seconds: so what
parses it is no process that serves. The child takes the document apart into items as text, then reads each by itself; one that is
wrong is told with its place and takes no other with it.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec

from matinee.base.errors import ErrorCode
from matinee.catalogue.deep_links import LinkRules
from matinee.catalogue.model import CatalogueError
from matinee.catalogue.partner_items import ItemWrong, PartnerItem, read_item, ref_of
from matinee.outside.processes import Limits, ToolFailed, run

MAX_ITEMS: Final = 100_000
MAX_ITEM_BYTES: Final = 256 * 1024
MAX_NEXT_CHARS: Final = 2_000
LIMITS: Final = Limits(wall_seconds=90, memory_bytes=1024**3, cpu_seconds=60, file_bytes=0, output_bytes=128 * 1024**2)
_SOURCES: Final = Path(__file__).parents[2]


class FeedWrong(CatalogueError):
    """A feed, or a part of one, cannot be read as a whole. Nothing of it is taken."""


class ItemFault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one item: its number in its part from 0, its @id where it has one, the field, and what is wrong."""

    number: int
    ref: str | None
    field: str
    says: str


class FeedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one part of a feed holds. `left_out` counts items of types that are no title here. `cursor` or `next` leads on."""

    items: list[PartnerItem]
    faults: list[ItemFault]
    left_out: int
    cursor: str | None = None
    next: str | None = None
    wrong: str = ""


class _Told(msgspec.Struct):
    """The document as it comes, its items not looked into yet."""

    elements: list[msgspec.Raw] = msgspec.field(name="dataFeedElement")
    type: Any = msgspec.field(name="@type", default=None)
    cursor: Any = msgspec.field(name="next_cursor", default=None)
    next: Any = None


def read_part(raw: bytes, rules: LinkRules) -> FeedPart:
    """Read a part in a child process. Raises FeedWrong with what is wrong with it as a whole. Blocks."""
    with tempfile.NamedTemporaryFile(prefix="matinee-feed-") as file:
        file.write(msgspec.json.encode(rules) + b"\n" + raw)
        file.flush()
        try:
            done = run([sys.executable, "-m", __name__], limits=LIMITS, stdin_path=Path(file.name), cwd=_SOURCES)
            part = msgspec.msgpack.decode(done.stdout, type=FeedPart)
        except (ToolFailed, msgspec.DecodeError) as error:
            raise FeedWrong(
                "The feed could not be read within a gigabyte of memory and a minute.",
                remedy="See what the address answers with: `matinee feed read SERVICE --file FILE` tries a file.",
                code=ErrorCode.TOOL_FAILED,
            ) from error
    if part.wrong:
        raise FeedWrong(f"The feed {part.wrong}.", remedy="Nothing of it is taken; tell the partner.")
    return part


def parse_part(raw: bytes, rules: LinkRules) -> FeedPart:
    """The same in this process: for the child. What is wrong with the whole stands in `wrong`."""
    try:
        return _parsed(raw, rules)
    except FeedWrong as error:
        return FeedPart(items=[], faults=[], left_out=0, wrong=error.message)


def _parsed(raw: bytes, rules: LinkRules) -> FeedPart:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise FeedWrong(f"is not in UTF-8 (byte {error.start:,})") from error
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if raw.count(b'"dataFeedElement"') > 1:
        raise FeedWrong("has dataFeedElement twice")
    try:
        told = msgspec.json.decode(raw, type=_Told)
    except RecursionError as error:
        raise FeedWrong("is nested too deep") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise FeedWrong(f"is no DataFeed: {ascii(str(error))[1:-1][:200]}") from error
    if "DataFeed" not in (told.type if isinstance(told.type, list) else [told.type]):
        raise FeedWrong("is no DataFeed by its @type")
    if len(told.elements) > MAX_ITEMS:
        raise FeedWrong(f"has {len(told.elements):,} items in one part; {MAX_ITEMS:,} are read")
    items: list[PartnerItem] = []
    faults: list[ItemFault] = []
    left_out = 0
    for number, text in enumerate(told.elements):
        item: Any = None
        try:
            item = _item(bytes(text))
            found = read_item(item, rules)
        except ItemWrong as error:
            faults.append(ItemFault(number=number, ref=ref_of(item), field=error.field, says=error.message))
        else:
            left_out += found is None
            items += [found] if found is not None else []
    return FeedPart(
        items=items,
        faults=faults,
        left_out=left_out,
        cursor=_leads_on(told.cursor, "next_cursor"),
        next=_leads_on(told.next, "next"),
    )


def _leads_on(told: Any, field: str) -> str | None:
    if told is None or told == "":
        return None
    if not isinstance(told, str) or len(told) > MAX_NEXT_CHARS or not told.isprintable():
        raise FeedWrong(f"has a {field} that is no text of at most {MAX_NEXT_CHARS:,} characters")
    return told


def _item(text: bytes) -> Any:
    if len(text) > MAX_ITEM_BYTES:
        raise ItemWrong("", f"has {len(text):,} bytes; {MAX_ITEM_BYTES:,} are read")
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError as error:
        raise ItemWrong("", "is nested too deep") from error
    except ItemWrong:
        raise
    except ValueError as error:
        raise ItemWrong("", f"is no JSON that can be read: {ascii(str(error))[1:-1][:200]}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ItemWrong(name[:40] if name.isascii() and name.isprintable() else "", "stands twice in one object")
        found[name] = value
    return found


if __name__ == "__main__":
    asked, _, document = sys.stdin.buffer.read().partition(b"\n")
    sys.stdout.buffer.write(msgspec.msgpack.encode(parse_part(document, msgspec.json.decode(asked, type=LinkRules))))
