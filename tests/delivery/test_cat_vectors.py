"""Foreign tokens: what other makers' test suites and we ourselves signed is accepted and refused as they say."""

import json
from typing import Any

import pytest

from matinee.delivery import cat
from matinee.delivery.mac0 import open_mac0
from matinee.delivery.model import TokenRefused
from matinee.delivery.tokens import MAX_TOKEN_CHARS, decode_base64url
from tests.shared import DATA

NOW_S = 1795500000.0  # 2026-11-24


def _vectors() -> dict[str, Any]:
    if DATA is None:
        # Without the shared data one token of ours stands in, so that the test still judges something.
        return {
            "tokens": [],
            "decisions": [],
            "catu_matches": [],
            "our_own_signed": {
                "key_hex": "403697de87af64611c1d32a05dab0fe1fcb715a86ab435f1ec99192d79569388",
                "tokens": [
                    {
                        "name": "good",
                        "token": "2D3RhEOhAQWhBExTeW1tZXRyaWMyNTZYLqUBZ21hdGluZWUEGvSGVwAZATihA6EBai92L2ZpbG0tMS8FGms"
                        "D03MGGmsD03NYIBAdGRpzVgcGwRn8jdk-S6eoDXkR447cesAlnq-JG84D",
                        "expect": "accept",
                        "url": "https://edge.example/v/film-1/v720/3.m4s",
                    }
                ],
            },
        }
    loaded: dict[str, Any] = json.loads((DATA / "vectors" / "cat_tokens.json").read_text())
    return loaded


VECTORS = _vectors()
TOKENS = {token["name"]: token for token in VECTORS["tokens"]}
KIDS = [b"Symmetric256", b"akamai_key_hs256"]


def _judge(text: str, keys: dict[bytes, bytes], case: dict[str, Any], *, require_expiry: bool) -> cat.Claims:
    # The vectors are spelled with padding and in the standard alphabet here and there; ours never are.
    text = text.rstrip("=").replace("+", "-").replace("/", "_")
    assert len(text) <= MAX_TOKEN_CHARS
    claims = cat.read_claims(open_mac0(decode_base64url(text), keys, any_key=True))
    cat.check_claims(
        claims,
        now_s=NOW_S,
        issuer=case.get("issuer"),
        audience=frozenset(case.get("audience", ())),
        require_expiry=require_expiry,
    )
    if "url" in case:
        cat.check_use(claims, url=case["url"], method=case.get("method", "GET"))
    return claims


@pytest.mark.parametrize("case", VECTORS["decisions"], ids=lambda case: f"{case['token']}-{case['why'][:30]}")
def test_foreign_tokens_are_judged_as_their_makers_say(case: dict[str, Any]) -> None:
    token = TOKENS[case["token"]]
    key = bytes.fromhex(case.get("key_hex") or token.get("key_hex") or TOKENS["exp_2032"]["key_hex"])
    keys = dict.fromkeys(KIDS, key)
    if case["expect"] == "accept":
        claims = _judge(token["token"], keys, case, require_expiry=False)
        if cat.EXP not in claims:
            with pytest.raises(TokenRefused, match="never expires"):
                _judge(token["token"], keys, case, require_expiry=True)
    else:
        # "either": the sources differ, a strict reader refuses a payload that is no byte string.
        with pytest.raises(TokenRefused):
            _judge(token["token"], keys, case, require_expiry=False)


@pytest.mark.parametrize("case", VECTORS["our_own_signed"]["tokens"], ids=lambda case: case["name"])
def test_our_own_signed_tokens(case: dict[str, Any]) -> None:
    first = bytes.fromhex(VECTORS["our_own_signed"]["key_hex"])
    held = [bytes.fromhex(key) for key in case.get("keys", [])] or [first]
    kids = [b"Symmetric256", b"keytwo"]
    keys = dict(zip(kids, held, strict=False))
    if case["expect"] == "accept":
        _judge(case["token"], keys, case, require_expiry=True)
    else:
        with pytest.raises(TokenRefused):
            _judge(case["token"], keys, case, require_expiry=True)


_COMPONENTS = {
    name: label
    for label, name in enumerate(
        ("scheme", "host", "port", "path", "query", "parent-path", "filename", "stem", "extension")
    )
}
_KINDS = {"exact-match": 0, "prefix-match": 1, "suffix-match": 2, "contains-match": 3, "sha256-match": -1}


def _unjudged(case: dict[str, Any]) -> bool:
    """Digests that the vectors' own notes call wrong, or that were cut short on the way (63 hex digits)."""
    return any(
        kind.startswith("sha512") or (kind == "sha256-match" and len(digest) != 64)
        for tests in case["catu"].values()
        for kind, digest in tests.items()
    )


@pytest.mark.parametrize(
    "case", [case for case in VECTORS["catu_matches"] if not _unjudged(case)], ids=lambda case: json.dumps(case["catu"])[:60]
)
def test_catu_components(case: dict[str, Any]) -> None:
    claim: dict[Any, Any] = {
        _COMPONENTS[name]: {
            _KINDS[kind]: bytes.fromhex(wanted) if kind == "sha256-match" else wanted for kind, wanted in tests.items()
        }
        for name, tests in case["catu"].items()
    }
    assert cat.catu_matches(claim, case["url"]) is case["match"]


def test_a_claim_that_narrows_in_an_unknown_way_refuses() -> None:
    for label, value in ((311, ["10.0.0.0/8"]), (315, {}), (316, ["FR"]), (322, {}), (323, {}), (-70000, 1), ("geo", "FR")):
        with pytest.raises(TokenRefused, match="cannot be checked"):
            cat.check_claims({cat.EXP: int(NOW_S) + 60, label: value}, now_s=NOW_S)


@pytest.mark.parametrize("replay", [1, 2, True, "0", None])
def test_a_token_that_forbids_reuse_is_refused(replay: Any) -> None:
    with pytest.raises(TokenRefused):
        cat.check_claims({cat.EXP: int(NOW_S) + 60, cat.CATREPLAY: replay}, now_s=NOW_S)
