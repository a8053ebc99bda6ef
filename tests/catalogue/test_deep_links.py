"""Links into a partner's application: where they may lead, and what is filled in."""

import pytest

from matinee.catalogue.deep_links import check_link, filled, link_rules
from matinee.catalogue.model import CatalogueError
from matinee.catalogue.partner_text import plain_text

RULES = link_rules(["tv.example", "*.cdn.example", "odd.example:8443", "an-app:"])

GOOD = [
    "https://tv.example/x",
    "HTTPS://TV.EXAMPLE/x?y={id}&l={language}#from={source}",
    "https://a.b.cdn.example/",
    "https://odd.example:8443/",
    "an-app://title/{id}?from={source}",
    "an-app:{id}",
]

BAD = [
    ("another host", "https://evil.example/", "not allowed"),
    ("a host that ends alike", "https://eviltv.example/", "not allowed"),
    ("a host that begins alike", "https://tv.example.evil.example/", "not allowed"),
    ("the host above a wildcard", "https://cdn.example/", "not allowed"),
    ("a trailing dot", "https://tv.example./", "not allowed"),
    ("another port", "https://tv.example:8443/", "not allowed"),
    ("no TLS", "http://tv.example/", "scheme 'http'"),
    ("a script", "javascript:alert(1)//tv.example", "scheme 'javascript'"),
    ("a script in capitals", "JavaScript:alert(1)", "scheme 'JavaScript'"),
    ("data", "data:text/html,x", "scheme 'data'"),
    ("a file", "file:///etc/passwd", "scheme 'file'"),
    ("an intent", "intent://x#Intent;end", "scheme 'intent'"),
    ("an application that nobody allowed", "other-app:x", "scheme 'other-app'"),
    ("a user", "https://tv.example@evil.example/", "user or a password"),
    ("a password", "https://a:b@tv.example/", "user or a password"),
    ("a user in an application's link", "an-app://a@b/", "user or a password"),
    ("a placeholder for the host", "https://{id}/", "before its path"),
    ("a placeholder in the host", "https://{id}.cdn.example/", "before its path"),
    ("a placeholder for the scheme", "{source}://tv.example/", "before its path"),
    ("an unknown placeholder", "https://tv.example/{token}", "not known"),
    ("a brace alone", "https://tv.example/{id", "not known"),
    ("braces in braces", "https://tv.example/{{id}}", "not known"),
    ("no scheme", "//tv.example/", "scheme"),
    ("no host", "https:tv.example/", "not allowed"),
    ("three slashes", "https:///tv.example/", "not allowed"),
    ("a backslash", "https://evil.example\\@tv.example/", "plain ASCII"),
    ("a blank", "https://tv.example/ x", "plain ASCII"),
    ("a newline", "java\nscript:alert(1)", "plain ASCII"),
    ("letters beyond ASCII", "https://tv.example/é", "plain ASCII"),
    ("a quote", 'https://tv.example/"', "plain ASCII"),
    ("too long", "https://tv.example/" + "x" * 2_000, "2,000 at most"),
    ("a broken host", "https://[tv.example/", "is no link"),
    ("a port that is none", "https://tv.example:x/", "is no link"),
    ("nothing", "", "plain ASCII"),
]


@pytest.mark.parametrize("link", GOOD)
def test_a_link_that_may_be(link: str) -> None:
    assert check_link(link, RULES) == link


@pytest.mark.parametrize(("shows", "link", "says"), BAD, ids=[row[0] for row in BAD])
def test_a_link_that_may_not_be(shows: str, link: str, says: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        check_link(link, RULES)
    assert says in caught.value.message


@pytest.mark.parametrize(
    "told", ["javascript:", "https:", "http:", "data:", "a b:", "tv_example", "https://x", "*", "x.*", "", "-x.y"]
)
def test_what_cannot_be_allowed(told: str) -> None:
    with pytest.raises(CatalogueError):
        link_rules([told])


def test_what_is_filled_in_adds_no_path_and_no_parameter() -> None:
    link = filled("https://tv.example/{id}?l={language}&s={source}", ref="../x?y=1&z#é{id}", language="fr", source="home")
    assert link == "https://tv.example/..%2Fx%3Fy%3D1%26z%23%C3%A9%7Bid%7D?l=fr&s=home"


TEXTS = [
    ("as it is", "L'été à Paris\u00a0: 100\u00a0%", "L'été à Paris\u00a0: 100\u00a0%"),
    ("one line", " a\n\tb\x00c\u2028d ", "a b c d"),
    ("turned round", "a\u202etxt.exe\u2066b\u200f", "atxt.exeb"),
    ("of no width", "a\u200bb\ufeffc\xadd", "abcd"),
    ("emoji and scripts that join stay", "👩\u200d👩\u200d👧 می\u200cخواهم", "👩\u200d👩\u200d👧 می\u200cخواهم"),
    ("accents piled up", "Z" + "\u0300\u0301\u0302" * 30, "Z\u0300\u0301\u0302"),
    ("half a sign", "a\ud800b", "ab"),
    ("private and unseen tags", "a\ue000\U000e0041b", "ab"),
    ("composed", "e\u0301", "é"),
    ("cut between words", "un deux trois", "un deux…"),
    ("less than", "I <3 you & <me", None),
    ("less than, and no tag", "I <3 you", "I <3 you"),
    ("markup", "<b>a</b>", None),
    ("an entity", "a &amp; b", None),
    ("a script", "<script>", None),
]  # fmt: skip


@pytest.mark.parametrize(("shows", "told", "kept"), TEXTS, ids=[row[0] for row in TEXTS])
def test_words_of_a_partner_are_plain_words(shows: str, told: str, kept: str | None) -> None:
    limit = 9 if shows == "cut between words" else 200
    if kept is None:
        with pytest.raises(CatalogueError, match="markup"):
            plain_text(told, limit)
        return
    assert plain_text(told, limit) == kept
    assert len(plain_text(told, limit)) <= limit
