"""HTTP calls to addresses that strangers named: a partner's feed, an operator's webhook.

Such an address is a hostile input twice over. It may point inwards (at a metadata service, at a neighbour's database), and a
name that is looked up twice may point elsewhere the second time: so the address that was checked is the one that is connected
to. And what answers may be slow on purpose, endless, or packed to burst: so one deadline holds for all of a call, a body has a
most, and nothing is unpacked. A redirect is an answer, not an instruction.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from matinee.base.errors import ErrorCode, MatineeError

MAX_URL: Final = 2_048
_PIECE: Final = 256 * 1024
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_UNICAST: Final = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is given out. Outside of it are forms that lead inwards: site-local addresses, and IPv4 in other clothes."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class CallFailed(MatineeError):
    """There is no answer, or none that may be read. The message names the host, never the whole address: it may hold a secret."""

    code = ErrorCode.UNAVAILABLE


class CallRefused(CallFailed):
    """The call was not made: its address is none that may be called."""

    code = ErrorCode.INVALID_REQUEST


class CallLimits(NamedTuple):
    """`seconds` for all of a call but the look-up of a name, which has the system's own limit; `max_bytes` of a body."""

    seconds: float
    max_bytes: int


class Answer(NamedTuple):
    """Headers by their names in lower case; of a header that came twice, the values joined by commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def check_url(url: str) -> SplitResult:
    """The parts of an http or https address that may be asked for. Raises CallRefused, saying what is wrong with it."""
    if not url.isascii() or any(sign <= " " or sign == "\x7f" for sign in url) or len(url) > MAX_URL:
        raise CallRefused(
            "The address holds signs that an address cannot, or is too long.",
            remedy=f"Write at most {MAX_URL} signs of ASCII, all others percent-encoded (names of hosts as punycode).",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise CallRefused(f"The address is none: {error}.", remedy="Write https://HOST/PATH.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise CallRefused("The address is no http or https address of a host.", remedy="Write https://HOST/PATH.")
    try:
        parts.hostname.encode("idna")
    except UnicodeError as error:
        raise CallRefused("The address's host is no name of a host.", remedy="Write https://HOST/PATH.") from error
    if parts.username is not None or parts.password is not None:
        raise CallRefused("The address holds a user or a password.", remedy="Leave them out.")
    return parts


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] = {},
    body: bytes | None = None,
    limits: CallLimits,
    allow_private: bool = False,
    trusted: ssl.SSLContext | None = None,
) -> Answer:
    """Ask once and read the whole answer. Blocks, `limits.seconds` at most.

    `allow_private` lets addresses through that are not public (this machine, a home's or an operator's own network). `trusted`:
    whose certificates count, the system's authorities by default. Raises CallRefused before anything is sent, CallFailed after.
    """
    parts = check_url(url)
    deadline = _Deadline(limits.seconds)
    try:
        connection = _connect(parts, deadline, allow_private, trusted)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            answer = _ask(connection, method, target, headers, body, limits.max_bytes)
        finally:
            connection.close()
        if deadline.is_over:  # what ended a body that tells no length may have been the deadline
            raise _failed(parts, "did not answer in time")
        return answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(parts, "did not answer in time" if deadline.is_over else _told(error)) from error
    except CallFailed as error:
        if deadline.is_over and not isinstance(error, CallRefused):
            raise _failed(parts, "did not answer in time") from error
        raise
    finally:
        deadline.close()


class _Deadline:
    """Shuts the socket of a call when its time is over, which ends whatever waits for it: a timeout of the socket's own begins
    anew with each byte, and one byte a second would hold a thread for ever."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()

    @property
    def left(self) -> float:
        return max(self._ends - time.monotonic(), 0.001)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends

    def watch(self, sock: socket.socket) -> None:
        self._socket = sock
        if self.is_over:
            self._shut()

    def close(self) -> None:
        self._timer.cancel()

    def _shut(self) -> None:
        sock = self._socket
        if sock is not None:
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS's own, which takes the state from under the reader
            except OSError:
                return  # it is closed already


def _connect(
    parts: SplitResult, deadline: _Deadline, allow_private: bool, trusted: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    """A connection to the first of the host's addresses that may be called and takes it."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port)
    connection.default_port = 443 if parts.scheme == "https" else 80  # which is left out of the header Host
    refused: OSError | None = None
    for address in _addresses(parts, host, port, allow_private):
        try:
            sock = socket.create_connection((address, port), timeout=deadline.left)
        except OSError as error:
            refused = error
            continue
        try:
            deadline.watch(sock)
            if parts.scheme == "https":
                context = trusted or ssl.create_default_context()
                sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
                deadline.watch(sock)
                sock.do_handshake()
        except BaseException:
            sock.close()
            raise
        connection.sock = sock
        return connection
    raise refused or OSError("the name has no address")


def _addresses(parts: SplitResult, host: str, port: int, allow_private: bool) -> Iterator[str]:
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    callable_ones = [address for address in found if allow_private or is_public(address)]
    if found and not callable_ones:
        raise CallRefused(
            f"{parts.hostname} is no public address.",
            remedy="Name a public host, or set call_private_addresses where such hosts are the operator's own.",
        )
    return iter(callable_ones)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's, and none that leads back inwards by another form of itself."""
    known: _Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(known, ipaddress.IPv6Address):
        inner = known.ipv4_mapped or known.sixtofour or (known.teredo[1] if known.teredo else None)
        if known in _NAT64:
            inner = ipaddress.IPv4Address(int(known) & 0xFFFF_FFFF)
        if inner is None:
            return known in _UNICAST and known.is_global
        known = inner
    return known.is_global and not known.is_multicast


def _ask(
    connection: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes | None, most: int
) -> Answer:
    own = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "Matinee"}
    connection.request(method, target, body=body, headers={**own, **headers})
    answer = connection.getresponse()
    told: dict[str, str] = {}
    for name, value in answer.getheaders():
        told[name.lower()] = f"{told[name.lower()]}, {value}" if name.lower() in told else value
    if told.get("content-encoding", "identity").lower() != "identity":
        raise CallFailed(f"{connection.host} sent its answer packed, though it was asked not to.", remedy="Send it as it is.")
    if (answer.length or 0) > most:
        raise _too_long(connection.host, most)
    pieces, size = [], 0
    while piece := answer.read(_PIECE):
        size += len(piece)
        if size > most:
            raise _too_long(connection.host, most)
        pieces.append(piece)
    if answer.length:
        raise CallFailed(f"{connection.host} ended its answer in the middle.", remedy="Try again.")
    return Answer(answer.status, told, b"".join(pieces))


def _too_long(host: str, most: int) -> CallFailed:
    return CallFailed(f"{host} answers with more than {most:,} bytes.", remedy="Let it answer with less.")


def _failed(parts: SplitResult, why: str) -> CallFailed:
    return CallFailed(f"{parts.hostname}: {why}.", remedy="See that it can be reached from here, then try again.")


def _told(error: Exception) -> str:
    """An error in words of ours: the peer's own bytes may stand in http.client's, and go into no log."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not stand ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return "it does not speak TLS as it should"
    if isinstance(error, TimeoutError):
        return "did not answer in time"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    if isinstance(error, OSError):
        return error.strerror or "the connection broke"
    return "its answer is no HTTP"
