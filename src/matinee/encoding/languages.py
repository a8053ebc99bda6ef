"""Language tags as players want them (BCP 47), from what containers and file names say (ISO 639-2, 639-1, or words)."""

import re

_THREE_TO_TWO = {
    "alb": "sq", "amh": "am", "ara": "ar", "arm": "hy", "aze": "az", "baq": "eu", "bel": "be", "ben": "bn", "bos": "bs",
    "bre": "br", "bul": "bg", "bur": "my", "cat": "ca", "ces": "cs", "chi": "zh", "cor": "kw", "cos": "co", "cze": "cs",
    "dan": "da", "deu": "de", "dut": "nl", "ell": "el", "eng": "en", "epo": "eo", "est": "et", "eus": "eu", "fas": "fa",
    "fin": "fi", "fra": "fr", "fre": "fr", "geo": "ka", "ger": "de", "gle": "ga", "glg": "gl", "gre": "el", "heb": "he",
    "hin": "hi", "hrv": "hr", "hun": "hu", "hye": "hy", "ice": "is", "ind": "id", "isl": "is", "ita": "it", "jpn": "ja",
    "kat": "ka", "kaz": "kk", "khm": "km", "kor": "ko", "lao": "lo", "lat": "la", "lav": "lv", "lit": "lt", "ltz": "lb",
    "mac": "mk", "may": "ms", "mkd": "mk", "mlt": "mt", "mon": "mn", "msa": "ms", "mya": "my", "nep": "ne", "nld": "nl",
    "nno": "nn", "nob": "nb", "nor": "no", "oci": "oc", "per": "fa", "pol": "pl", "por": "pt", "ron": "ro", "rum": "ro",
    "rus": "ru", "slk": "sk", "slo": "sk", "slv": "sl", "som": "so", "spa": "es", "sqi": "sq", "srp": "sr", "swa": "sw",
    "swe": "sv", "tam": "ta", "tel": "te", "tha": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "uzb": "uz", "vie": "vi",
    "wel": "cy", "wol": "wo", "zho": "zh", "zul": "zu",
}  # fmt: skip

_OWN_NAMES = {
    "ar": "العربية", "bg": "Български", "br": "Brezhoneg", "ca": "Català", "co": "Corsu", "cs": "Čeština", "cy": "Cymraeg",
    "da": "Dansk", "de": "Deutsch", "el": "Ελληνικά", "en": "English", "es": "Español", "et": "Eesti", "eu": "Euskara",
    "fa": "فارسی", "fi": "Suomi", "fr": "Français", "ga": "Gaeilge", "gl": "Galego", "he": "עברית", "hi": "हिन्दी",
    "hr": "Hrvatski", "hu": "Magyar", "hy": "Հայերեն", "id": "Indonesia", "is": "Íslenska", "it": "Italiano", "ja": "日本語",
    "ka": "ქართული", "ko": "한국어", "lb": "Lëtzebuergesch", "lt": "Lietuvių", "lv": "Latviešu", "nb": "Norsk bokmål",
    "nl": "Nederlands", "nn": "Norsk nynorsk", "no": "Norsk", "oc": "Occitan", "pl": "Polski", "pt": "Português",
    "ro": "Română", "ru": "Русский", "sk": "Slovenčina", "sl": "Slovenščina", "sq": "Shqip", "sr": "Српски",
    "sv": "Svenska", "th": "ไทย", "tr": "Türkçe", "uk": "Українська", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip

UNDETERMINED = "und"
_TAG = re.compile(r"([a-z]{2,3})((?:-[a-z0-9]{2,8})*)")


def language_tag(text: str) -> str:
    """The BCP 47 tag for what a file says of a language, in its usual writing: "fre" is fr, "pt_br" is pt-BR.

    "und" for no language, for "unknown" and its kin, and for what has not the shape of a tag.
    """
    match = _TAG.fullmatch(text.strip().lower().replace("_", "-"))
    if match is None:
        return UNDETERMINED
    primary = _THREE_TO_TWO.get(match[1], match[1])
    if primary in {"und", "mis", "mul", "zxx", "unk"}:
        return UNDETERMINED
    return "-".join([primary, *(_subtag(part) for part in match[2].split("-")[1:])])


def is_language(text: str) -> bool:
    """Whether a part of a file name stands for a language that is known here: "fr" and "fre" do, "cut" does not."""
    tag = language_tag(text)
    return tag != UNDETERMINED and tag.split("-")[0] in (_THREE_TO_TWO.keys() | _OWN_NAMES.keys())


def own_name(tag: str) -> str:
    """What a language calls itself, for the menu of tracks; the tag where the name is not known, "" for "und"."""
    if tag == UNDETERMINED:
        return ""
    primary, _, rest = tag.partition("-")
    name = _OWN_NAMES.get(primary, tag)
    return f"{name} ({rest})" if rest and primary in _OWN_NAMES else name


def _subtag(part: str) -> str:
    if len(part) == 2 and part.isalpha():
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part
