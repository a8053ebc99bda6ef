"""Any text subtitle into clean WebVTT: SRT, WebVTT and ASS, in the encodings that people's files really have.

Players parse subtitles in the viewer's browser or box, so nothing passes through unread: each cue is parsed, its times
checked, its markup reduced to what WebVTT knows, and written anew. A cue that makes no sense is dropped and counted.
"""

import codecs
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matinee.base.units import DurationMs, PositionMs
from matinee.encoding.languages import is_language, language_tag
from matinee.encoding.model import Sidecar

SIDECAR_SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
LARGEST_BYTES = 16 * 1024**2

_ROLES = {
    "forced": "forced",
    "forces": "forced",
    "sdh": "caption",
    "cc": "caption",
    "sme": "caption",
    "hi": "caption",
    "default": "subtitle",
}
_CODE_PAGES = {
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"), "cp1250"),
    **dict.fromkeys(("be", "bg", "mk", "ru", "sr", "uk"), "cp1251"),
    **dict.fromkeys(("et", "lt", "lv"), "cp1257"),
    "ar": "cp1256",
    "el": "cp1253",
    "he": "cp1255",
    "ja": "cp932",
    "ko": "cp949",
    "th": "cp874",
    "tr": "cp1254",
    "vi": "cp1258",
    "zh": "gb18030",
}
_TIME = r"(-?)(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,:](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_TIME}\s*-+\s*>\s*{_TIME}(.*)$")
_ASS_TIME = re.compile(r"^\s*(-?)(\d+):(\d{1,2}):(\d{1,2})[.:](\d{1,3})\s*$")
_SETTING = re.compile(
    r"vertical:(?:rl|lr)|line:-?\d{1,4}(?:\.\d+)?%?(?:,(?:start|center|end))?|size:\d{1,3}(?:\.\d+)?%"
    r"|position:\d{1,3}(?:\.\d+)?%(?:,(?:line-left|center|line-right))?|align:(?:start|center|end|left|right)"
)
_TAG = re.compile(r"<(/?)([a-zA-Z]*)([^<>\n]*)>")
_OVERRIDE = re.compile(r"\{[^{}\n]*\}")
_TOP = re.compile(r"\{[^{}]*\\an?(?:[789]|5|6)\b[^{}]*\}")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")
_PLAIN_TAGS = frozenset({"i", "b", "u", "ruby", "rt"})


@dataclass(frozen=True, slots=True, order=True)
class Cue:
    """One subtitle: times in milliseconds from the film's start, WebVTT settings, and WebVTT cue text."""

    start: int
    end: int
    text: str
    settings: str = ""


@dataclass(frozen=True, slots=True)
class CleanText:
    """A normalised track: the WebVTT file, how many cues it has, and how many made no sense."""

    vtt: str
    cues: int
    dropped: int


def find_role_and_language(film_stem: str, file_name: str) -> Sidecar | None:
    """What a file beside the film is, by its name: STEM[.LANGUAGE][.ROLE].srt in any order. None for another film's file."""
    lower = file_name.lower()
    suffix = next((suffix for suffix in SIDECAR_SUFFIXES if lower.endswith(suffix)), None)
    if suffix is None or not file_name.startswith(film_stem):
        return None
    rest = file_name[len(film_stem) : -len(suffix)]
    if rest and not rest.startswith("."):
        return None
    language, role = "und", "subtitle"
    for part in rest.split(".")[1:]:
        if part.lower() in _ROLES:
            role = _ROLES[part.lower()]
        elif is_language(part):
            language = language_tag(part)
        elif part:
            return None
    return Sidecar(file_name=file_name, language=language, role=role)  # type: ignore[arg-type]


def decode_text(data: bytes, language: str) -> str:
    """Bytes to text: a byte order mark, then UTF-16 by its zeros, then UTF-8, then the code page usual for the language."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    head = data[:4096]
    if head.count(0) * 4 > len(head):
        return data.decode("utf-16-be" if head[::2].count(0) > head[1::2].count(0) else "utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_CODE_PAGES.get(language.split("-")[0], "cp1252"), "replace")


def clean(text: str, length: DurationMs | None) -> CleanText:
    """Read cues from SRT, WebVTT or ASS, drop what makes no sense, and write WebVTT in order of time.

    A cue is dropped when it ends before it starts, lies wholly before the film or after its end, or shows nothing.
    """
    lines = text.replace("\0", "�").replace("\r\n", "\n").replace("\r", "\n").lstrip("﻿").split("\n")
    is_ass = any(line.strip().lower() == "[events]" for line in lines)
    found, broken = _read_ass(lines) if is_ass else _read_timed(lines)
    kept: list[Cue] = []
    for cue in sorted(found):
        end = cue.end if length is None else min(cue.end, length)
        start = max(0, cue.start)
        if end <= start or not _shown(cue.text):
            broken += 1
            continue
        whole = Cue(start, end, cue.text, cue.settings)
        if not kept or whole != kept[-1]:
            kept.append(whole)
    return CleanText(write_vtt(kept), len(kept), broken)


def write_vtt(cues: Iterable[Cue]) -> str:
    """A WebVTT file of cues."""
    blocks = ["WEBVTT\n"]
    for cue in cues:
        settings = f" {cue.settings}" if cue.settings else ""
        blocks.append(f"{timestamp(PositionMs(cue.start))} --> {timestamp(PositionMs(cue.end))}{settings}\n{cue.text}\n")
    return "\n".join(blocks)


def timestamp(at: PositionMs) -> str:
    """A WebVTT time: 01:02:03.004."""
    seconds, ms = divmod(at, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"


def _read_timed(lines: Sequence[str]) -> tuple[list[Cue], int]:
    """SRT and WebVTT alike: a line of times, then text until a blank line. Headers, numbers and notes have no times."""
    starts = [place for place, line in enumerate(lines) if "->" in line and _TIMING.match(line)]
    broken = sum(1 for line in lines if "-->" in line and not _TIMING.match(line))
    is_vtt = bool(lines) and lines[0].startswith("WEBVTT")
    cues = []
    for place, following in pairwise([*starts, len(lines)]):
        match = _TIMING.match(lines[place])
        assert match is not None  # noqa: S101 -- chosen by this very match
        groups = match.groups()
        body = _body(lines[place + 1 : following], is_vtt)
        if not is_vtt and following < len(lines) and body and body[-1].strip().isdigit():
            body = body[:-1]  # the number of the next cue, where its blank line is missing
        settings = " ".join(word for word in groups[10].split() if _SETTING.fullmatch(word))
        if _TOP.search("\n".join(body)) and "line:" not in settings:
            settings = f"{settings} line:5%".strip()
        start, end = _ms(*groups[:5]), _ms(*groups[5:10])
        cues.append(Cue(start, end, _markup("\n".join(body)), settings))
    return cues, broken


def _body(lines: Sequence[str], is_vtt: bool) -> list[str]:
    """A cue's lines: up to a blank one in WebVTT; in SRT blank lines inside a cue happen, so up to the next cue's number."""
    if is_vtt:
        end = next((place for place, line in enumerate(lines) if not line.strip()), len(lines))
        return [line for line in lines[:end] if "-->" not in line]
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    if len(kept) >= 2 and kept[-1].strip().isdigit() and not kept[-2].strip():
        kept = kept[:-1]
    return [line for line in kept if line.strip()]


def _read_ass(lines: Sequence[str]) -> tuple[list[Cue], int]:
    """ASS and SSA: the Dialogue lines of [Events], by the columns that its Format line names. Drawings are no text."""
    columns = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    cues, broken, inside = [], 0, False
    for line in lines:
        bare = line.strip()
        if bare.startswith("["):
            inside = bare.lower() == "[events]"
        elif inside and bare.lower().startswith("format:"):
            columns = [name.strip().lower() for name in bare[7:].split(",")]
        elif inside and bare.lower().startswith("dialogue:"):
            values = dict(zip(columns, bare[9:].split(",", len(columns) - 1), strict=False))
            start, end = _ASS_TIME.match(values.get("start", "")), _ASS_TIME.match(values.get("end", ""))
            text = values.get("text", "")
            if start is None or end is None:
                broken += 1
            elif not _DRAWING.search(text):
                settings = "line:5%" if _TOP.search(text) else ""
                plain = text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
                cues.append(Cue(_ms(*start.groups()), _ms(*end.groups()), _markup(_ass_italics(plain)), settings))
    return cues, broken


def _ass_italics(text: str) -> str:
    return text.replace("{\\i1}", "<i>").replace("{\\i0}", "</i>")


def _markup(text: str) -> str:
    """Cue text with WebVTT's own tags only, each closed where it was opened, and everything else escaped."""
    text = _OVERRIDE.sub("", text)
    out: list[str] = []
    opened: list[str] = []
    end = 0
    for tag in _TAG.finditer(text):
        out.append(_escape(text[end : tag.start()]))
        end = tag.end()
        name = tag[2].lower()
        speaker = " ".join(tag[3].split()).rstrip("- ")  # "--" before the closing sign would read as an arrow
        if tag[1]:
            if name in opened:
                while opened[-1] != name:
                    out.append(f"</{opened.pop()}>")
                out.append(f"</{opened.pop()}>")
        elif name in _PLAIN_TAGS or (name in ("v", "lang") and speaker and not speaker.startswith(".")):
            opened.append(name)
            out.append(f"<{name}>" if name in _PLAIN_TAGS else f"<{name} {_escape(speaker)}>")
    out.append(_escape(text[end:]))
    out += [f"</{name}>" for name in reversed(opened)]
    rows = (row.strip() for row in "".join(out).split("\n"))
    return "\n".join(row for row in rows if row)


def _escape(text: str) -> str:
    plain = html.unescape(text).replace("-->", "→")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _shown(text: str) -> bool:
    return bool(_TAG.sub("", text).strip())


def _ms(sign: str, hours: str | None, minutes: str, seconds: str, fraction: str) -> int:
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    value = whole * 1000 + int(fraction.ljust(3, "0"))
    return -value if sign else value
