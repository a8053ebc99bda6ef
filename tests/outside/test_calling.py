"""Calls to strangers: what is asked, what is read, and everything that a hostile answer may try."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import trustme

from matinee.outside.calling import MAX_URL, Answer, CallFailed, CallLimits, CallRefused, call, check_url, is_public

LIMITS = CallLimits(seconds=10, max_bytes=100_000)
Speak = Callable[[socket.socket, bytes], None]


@contextmanager
def listening(speak: Speak, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A server of one connection at a time on 127.0.0.1 that reads a request's head and lets `speak` answer as it likes."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            try:
                with tls.wrap_socket(peer, server_side=True) if tls else peer as spoken:
                    heard.append(_request(spoken))
                    speak(spoken, heard[-1])
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.getsockname()[1]}", heard
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def _request(peer: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and (piece := peer.recv(65536)):
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    while len(body) < length and (piece := peer.recv(65536)):
        body += piece
    return head + b"\r\n\r\n" + body


def saying(answer: bytes) -> Speak:
    return lambda peer, _: peer.sendall(answer)


def private(method: str, url: str, limits: CallLimits = LIMITS, **more: object) -> Answer:
    return call(method, url, limits=limits, allow_private=True, **more)  # type: ignore[arg-type]


def test_an_answer_is_read_whole_and_the_request_is_as_it_was_given() -> None:
    with listening(saying(b'HTTP/1.1 201 Made\r\nETag: "a"\r\nContent-Length: 3\r\n\r\nyes')) as (origin, heard):
        answer = private("POST", f"{origin}/a/b?c=d#e", headers={"X-One": "1"}, body=b"told")
    assert answer == Answer(201, {"etag": '"a"', "content-length": "3"}, b"yes")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a/b?c=d HTTP/1.1"
    assert {"X-One: 1", "Accept-Encoding: identity", "Content-Length: 4", f"Host: {origin[7:]}"} <= set(lines)
    assert body == b"told"


def test_a_redirect_is_an_answer_and_nobody_goes_there() -> None:
    with listening(saying(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")) as (
        origin,
        heard,
    ):
        answer = private("GET", origin)
    assert (answer.status, answer.headers["location"], len(heard)) == (302, "http://127.0.0.1:1/", 1)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
def test_private_addresses_are_not_called(host: str) -> None:
    with listening(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as (origin, heard):
        with pytest.raises(CallRefused, match="no public address") as refused:
            call("GET", f"http://{host}:{origin.rpartition(':')[2]}/", limits=LIMITS)
        assert "call_private_addresses" in refused.value.remedy
        assert heard == []


def test_a_name_is_looked_up_once_so_that_what_was_checked_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, *rest: object, **more: object) -> object:
        asked.append(host)
        return real("127.0.0.1" if host == "feed.example" else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with listening(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as (origin, heard):
        assert private("GET", f"http://feed.example:{origin.rpartition(':')[2]}/").status == 200
    assert asked.count("feed.example") == 1
    assert b"Host: feed.example:" in heard[0]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("100.64.0.1", False),  # a carrier's own
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),  # NAT64 of 169.254.169.254
        ("2002:7f00:1::", False),  # 6to4 of 127.0.0.1
        ("ff02::1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:10.0.0.1", False),  # IPv4 as a translator writes it
        ("64:ff9b:1::a00:1", False),  # NAT64 of one's own network (RFC 8215)
        ("fec0::1", False),  # site-local, as it was once
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://a.example/", "no http or https"),
        ("file:///etc/passwd", "no http or https"),
        ("https:///path", "no http or https"),
        ("/path", "no http or https"),
        ("https://user:secret@a.example/", "a user or a password"),
        ("https://a.example:99999/", "is none"),
        ("https://a.example:0/", "no http or https"),
        ("https://[::1/", "is none"),
        ("https://a.example/a b", "signs that an address cannot"),
        ("https://a.example/\r\nX: 1", "signs that an address cannot"),
        ("https://é.example/", "signs that an address cannot"),
        ("https://a.example/" + "a" * MAX_URL, "too long"),
        ("https://a..example/", "no name of a host"),
        (f"https://{'a' * 64}.example/", "no name of a host"),
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_asked(url: str, says: str) -> None:
    with pytest.raises(CallRefused, match=says):
        check_url(url)
    with pytest.raises(CallRefused, match=says):
        private("GET", url)


@pytest.mark.parametrize(
    ("what", "answer", "says"),
    [
        ("longer than it may be, told", b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n", "more than 100,000 bytes"),
        ("longer than it may be, untold", b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 200_000, "more than 100,000 bytes"),
        ("broken off", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "in the middle"),
        ("a broken chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "no HTTP"),
        ("no HTTP", b"SSH-2.0-a\r\n\r\n", "no HTTP"),
        ("nothing", b"", "no HTTP|broke"),
        ("headers without end", b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(1000)) + b"\r\n", "no HTTP"),
        ("one endless header", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n", "no HTTP"),
        ("packed", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"a" * 10_000_000), "packed"),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_failed_call(what: str, answer: bytes, says: str) -> None:
    with listening(saying(answer)) as (origin, _), pytest.raises(CallFailed, match=says) as failed:
        private("GET", f"{origin}/secret-path")
    assert "secret-path" not in str(failed.value)


@pytest.mark.parametrize("told_length", [True, False])
def test_one_byte_after_another_ends_with_the_deadline(told_length: bool) -> None:
    def drip(peer: socket.socket, _: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 1000\r\n\r\n" if told_length else b"\r\n"))
        for _ in range(1000):
            peer.sendall(b"a")
            time.sleep(0.02)

    with listening(drip) as (origin, _), pytest.raises(CallFailed, match="in time"):
        private("GET", origin, CallLimits(seconds=0.3, max_bytes=100_000))


def test_a_head_that_comes_byte_by_byte_and_a_peer_that_says_nothing_end_with_the_deadline() -> None:
    def drip(peer: socket.socket, _: bytes) -> None:
        for sign in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000:
            peer.sendall(bytes([sign]))
            time.sleep(0.02)

    for speak in (drip, lambda peer, _: time.sleep(2)):
        with listening(speak) as (origin, _), pytest.raises(CallFailed, match="in time"):
            private("GET", origin, CallLimits(seconds=0.3, max_bytes=100_000))


def test_a_certificate_counts_where_its_authority_is_trusted_and_its_name_is_right() -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusts, does_not = ssl.create_default_context(), ssl.create_default_context()
    authority.configure_trust(trusts)
    stranger.configure_trust(does_not)
    with listening(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), context) as (origin, _):
        assert private("GET", origin, trusted=trusts).body == b"ok"
        for known in (does_not, None):
            with pytest.raises(CallFailed, match="certificate does not stand"):
                private("GET", origin, trusted=known)
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(other)
    with listening(saying(b""), other) as (origin, _), pytest.raises(CallFailed, match="certificate does not stand"):
        private("GET", origin, trusted=trusts)


def test_a_peer_that_shakes_no_hands_ends_with_the_deadline() -> None:
    with listening(lambda peer, _: time.sleep(2)) as (origin, _), pytest.raises(CallFailed, match="in time"):
        private("GET", origin.replace("http:", "https:"), CallLimits(seconds=0.3, max_bytes=10))


def test_nobody_there_is_a_failed_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(CallFailed, match="127"):
        private("GET", f"http://127.0.0.1:{port}/")
