"""The edge over real sockets: one table of requests and what must come of each, then what time and malice do to it."""

import json
import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from matinee.base.clock import HOUR, SECOND, Instant
from matinee.base.ids import PackageId, SessionId, new_id
from matinee.delivery.control import CONTROL_PATH, ControlWriter
from matinee.delivery.keyring import open_ring, rotate
from matinee.outside.objects import ObjectStore
from tests.delivery.edges import SEGMENT, RunningEdge, now, running_edge

SIZE = len(SEGMENT)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    root = tmp_path_factory.mktemp("edge")
    with running_edge(root, access_log=str(root / "access.log")) as running:
        yield running


@pytest.fixture(scope="module")
def package(edge: RunningEdge) -> PackageId:
    return edge.package(
        {
            "master.m3u8": b"#EXTM3U\n",
            "manifest.mpd": b"<MPD/>",
            "v720/init.mp4": b"init",
            "v720/1.m4s": SEGMENT,
            "v720/secret.key": b"key",
            "t_fr/main.vtt": b"WEBVTT\n",
            "thumbs/1.jpg": b"jpeg",
            "empty.vtt": b"",
        }
    )


@pytest.mark.parametrize(
    ("file", "kind", "cache"),
    [
        ("master.m3u8", "application/vnd.apple.mpegurl", "private, max-age=60"),
        ("manifest.mpd", "application/dash+xml", "private, max-age=60"),
        ("v720/init.mp4", "video/mp4", "private, max-age=31536000, immutable"),
        ("v720/1.m4s", "video/iso.segment", "private, max-age=31536000, immutable"),
        ("t_fr/main.vtt", "text/vtt; charset=utf-8", "private, max-age=31536000, immutable"),
        ("thumbs/1.jpg", "image/jpeg", "private, max-age=31536000, immutable"),
    ],
)
def test_what_an_answer_says_about_itself(edge: RunningEdge, package: PackageId, file: str, kind: str, cache: str) -> None:
    answer = httpx.get(edge.url(package, file))
    assert answer.status_code == 200
    assert answer.content == (edge.root / "published" / "packages" / package / file).read_bytes()
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == cache
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"content-range", "etag"} <= set(re.split(", ", answer.headers["access-control-expose-headers"]))
    assert answer.headers["accept-ranges"] == "bytes"
    head = httpx.head(edge.url(package, file))
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(answer.content))
    assert head.headers["etag"] == answer.headers["etag"]


RANGES = [
    ("bytes=0-9", 206, 0, 10),
    ("bytes=100-", 206, 100, SIZE),
    ("bytes=-5", 206, SIZE - 5, SIZE),
    (f"bytes=-{SIZE * 2}", 206, 0, SIZE),
    (f"bytes={SIZE - 1}-{SIZE + 99}", 206, SIZE - 1, SIZE),
    (f"bytes={SIZE}-", 416, 0, 0),
    ("bytes=-0", 416, 0, 0),
    ("bytes=9-0", 200, 0, SIZE),
    ("bytes=0-1,5-6", 200, 0, SIZE),
    ("bytes=-", 200, 0, SIZE),
    ("lines=0-9", 200, 0, SIZE),
    ("bytes=" + "9" * 5000 + "-", 200, 0, SIZE),
    ("bytes=٣-٤", 200, 0, SIZE),
]


@pytest.mark.parametrize(("asked", "status", "start", "end"), RANGES)
def test_ranges(edge: RunningEdge, package: PackageId, asked: str, status: int, start: int, end: int) -> None:
    # Thrice: by path or in pieces at first, then read into memory, then from memory.
    for _ in range(3):
        answer = httpx.get(edge.url(package, "v720/1.m4s"), headers={"Range": asked.encode("utf-8")})
        assert answer.status_code == status
        if status == 416:
            assert answer.headers["content-range"] == f"bytes */{SIZE}"
            continue
        assert answer.content == SEGMENT[start:end]
        if status == 206:
            assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"


def test_validators(edge: RunningEdge, package: PackageId) -> None:
    url = edge.url(package, "v720/1.m4s")
    tag = httpx.get(url).headers["etag"]
    for match in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = httpx.get(url, headers={"If-None-Match": match})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert httpx.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    assert httpx.get(url, headers={"Range": "bytes=0-1", "If-Range": tag}).status_code == 206
    assert httpx.get(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200
    assert httpx.get(url, headers={"Range": "bytes=0-1", "If-Range": "Tue, 24 Nov 2026 12:00:00 GMT"}).status_code == 200


def test_an_empty_file(edge: RunningEdge, package: PackageId) -> None:
    assert httpx.get(edge.url(package, "empty.vtt")).content == b""
    assert httpx.get(edge.url(package, "empty.vtt"), headers={"Range": "bytes=0-"}).status_code == 416


def test_preflight_and_methods(edge: RunningEdge, package: PackageId) -> None:
    url = edge.url(package, "master.m3u8")
    asked = {"Origin": "https://tv.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    answer = httpx.options(url, headers=asked)
    assert answer.status_code == 204
    assert "range" in answer.headers["access-control-allow-headers"]
    for method in ("POST", "PUT", "DELETE", "PATCH", "PROPFIND"):
        refused = httpx.request(method, url)
        assert refused.status_code == 405
        assert refused.headers["allow"] == "GET, HEAD, OPTIONS"


def _raw(edge: RunningEdge, target: str) -> tuple[int, bytes]:
    """Ask for a target exactly as written: a client library would tidy it up."""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as sock:
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n".encode("latin-1"))
        data = b""
        while chunk := sock.recv(65536):
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    "tail",
    [
        "../../../keys/token.key",
        "..%2f..%2fkeys/token.key",
        "%2e%2e/x.m4s",
        "v720/../../{other}/v720/1.m4s",
        "v720/%2e%2e/%2e%2e/{other}/v720/1.m4s",
        "v720//1.m4s",
        "./v720/1.m4s",
        "v720/1%2em4s",
        "v720\\1.m4s",
        "v720/1.m4s%00.vtt",
        "v720/.hidden.m4s",
        "v720/secret.key",
        "v720/",
        "v720",
        "",
        "a/b/c/d/e/f.m4s",
        "v720/" + "a" * 3000 + ".m4s",
        "v720/link.m4s",
        "outside/1.m4s",
        "v720/folder.m4s",
        "v720/absent.m4s",
    ],
)
def test_nothing_else_is_reached(edge: RunningEdge, package: PackageId, tail: str) -> None:
    folder = edge.root / "published" / "packages" / package
    other = edge.package()
    link, outside, inner = folder / "v720" / "link.m4s", folder / "outside", folder / "v720" / "folder.m4s"
    if not link.is_symlink():
        link.symlink_to(edge.key_file)
        outside.symlink_to(edge.root / "published" / "packages" / other / "v720")
        inner.mkdir()
    status, body = _raw(edge, f"/s/{edge.token(package)}/p/{package}/{tail.format(other=other)}")
    assert status == 404
    assert body == b"not found\n"


def test_a_query_changes_nothing(edge: RunningEdge, package: PackageId) -> None:
    status, body = _raw(edge, f"/s/{edge.token(package)}/p/{package}/master.m3u8?CMCD=sid%3D%22a%22&../..")
    assert (status, body) == (200, b"#EXTM3U\n")


def test_refused_tokens(edge: RunningEdge, package: PackageId) -> None:
    other = edge.package()
    good = edge.token(package)
    expired = edge.token(package, expires_at=Instant(now() - SECOND))
    for token, words in (
        (edge.token(other), "token refused\n"),
        (good[:-1] + ("A" if good[-1] != "A" else "B"), "token refused\n"),
        (expired, "token expired\n"),
        ("x", "token refused\n"),
    ):
        answer = httpx.get(edge.url(package, "v720/1.m4s", token))
        assert (answer.status_code, answer.text) == (403, words)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "server" not in answer.headers
    for path in ("/", "/s", "/p/" + package, f"/packages/{package}/master.m3u8", "/control/edges.cose", "/s//p/x/y.m4s"):
        assert httpx.get(edge.origin + path).status_code == 404


def _until(check: Callable[[], bool], seconds: float = 5) -> float:
    began = time.monotonic()
    while not check():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


def test_a_revoked_session_stops_within_a_second_and_others_go_on(edge: RunningEdge, package: PackageId) -> None:
    store = ObjectStore.local(edge.root / "published")
    writer = ControlWriter(store, open_ring(edge.key_file))
    session = SessionId(new_id())
    url, other = edge.url(package, "v720/1.m4s", edge.token(package, session=session)), edge.url(package, "v720/1.m4s")
    assert httpx.get(url).status_code == 200
    old = store.local_file(CONTROL_PATH)
    writer.revoke(SessionId(new_id()), Instant(now() + HOUR), now())
    assert old is not None
    before = old.read_bytes()
    writer.revoke(session, Instant(now() + HOUR), now())
    assert _until(lambda: httpx.get(url).status_code == 403) < 1
    assert httpx.get(other).status_code == 200
    health = httpx.get(f"{edge.origin}/healthz").json()
    assert health == {"ok": True, "control_readable": True}, "anybody may ask, and nobody is told how many were stopped"
    # An older file put back, a damaged one, or none at all: the session stays stopped.
    for data in (before, b"damaged", None):
        if data is None:
            old.unlink()
        else:
            old.write_bytes(data)
        time.sleep(0.3)
        assert httpx.get(url).status_code == 403
        assert httpx.get(other).status_code == 200
    # And the next word is heard again.
    third = SessionId(new_id())
    writer.revoke(third, Instant(now() + HOUR), now())
    _until(lambda: httpx.get(edge.url(package, "v720/1.m4s", edge.token(package, session=third))).status_code == 403)


def test_the_control_file_forgets_what_has_expired_anyway(tmp_path: Path) -> None:
    store = ObjectStore.local(tmp_path / "store")
    writer = ControlWriter(store, open_ring(tmp_path / "token.key"))
    first, second = SessionId(new_id()), SessionId(new_id())
    writer.revoke(first, Instant(1_000_000), Instant(0))
    told = writer.revoke(second, Instant(9_000_000), Instant(1_000_000))
    assert [entry.session for entry in told.revoked] == [second]
    assert told.sequence == 1_000_000, "no less than the clock"


def test_a_rotated_key_is_taken_up_while_films_play(tmp_path: Path) -> None:
    with running_edge(tmp_path) as edge:
        package = edge.package()
        old = edge.url(package, "master.m3u8")
        assert httpx.get(old).status_code == 200
        rotate(edge.key_file)
        new = edge.url(package, "master.m3u8")
        _until(lambda: httpx.get(new).status_code == 200, 2)
        assert httpx.get(old).status_code == 200


def test_a_file_made_anew_is_not_served_from_memory(edge: RunningEdge) -> None:
    package = edge.package({"v720/1.m4s": b"first" * 100})
    url = edge.url(package, "v720/1.m4s")
    tags = {httpx.get(url).headers["etag"] for _ in range(4)}
    assert len(tags) == 1
    (edge.root / "published" / "packages" / package / "v720" / "1.m4s").write_bytes(b"other" * 100)
    answer = httpx.get(url)
    assert answer.content == b"other" * 100
    assert answer.headers["etag"] not in tags
    os.unlink(edge.root / "published" / "packages" / package / "v720" / "1.m4s")
    assert httpx.get(url).status_code == 404


def test_the_access_log_joins_by_session_and_holds_no_token(edge: RunningEdge, package: PackageId) -> None:
    session = SessionId(new_id())
    token = edge.token(package, session=session)
    httpx.get(edge.url(package, "v720/1.m4s", token), headers={"Range": "bytes=10-19"})
    log = edge.root / "access.log"
    _until(lambda: log.exists() and session in log.read_text())
    line: dict[str, Any] = json.loads(next(line for line in log.read_text().splitlines() if session in line))
    assert line["path"] == f"/p/{package}/v720/1.m4s"
    assert (line["status"], line["bytes"], line["start"]) == (206, 10, 10)
    assert token not in log.read_text()
    assert "127.0.0.1" not in log.read_text()


def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    with running_edge(tmp_path, tls_certificate=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem")) as edge:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        package = edge.package()
        assert httpx.get(edge.url(package, "v720/1.m4s"), verify=context).content == SEGMENT
