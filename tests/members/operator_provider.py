"""An operator's own OpenID provider on this machine, built with authlib's server: what a home's identity comes from in tests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc6749 import AuthorizationServer, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload, OAuth2Request
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import RSAKey

AUDIENCE = "the-films"
BOX_URI = "http://127.0.0.1:9/"


class _Client:
    """A program that the operator knows, as authlib asks of a client: its own on its boxes, or our pages."""

    id_token_signed_response_alg = "RS256"

    def __init__(self, provider: "Provider", client_id: str) -> None:
        self._provider, self._id = provider, client_id

    def get_client_id(self) -> str:
        return self._id

    def check_redirect_uri(self, uri: str) -> bool:
        return uri == self._provider.clients[self._id][1]

    def check_client_secret(self, secret: str) -> bool:
        # RFC 6749 2.3.1 has it form-encoded in the header, which authlib's server does not undo.
        told = unquote_plus(secret) if self._provider.method == "client_secret_basic" else secret
        return told == self._provider.clients[self._id][0]

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self._provider.method if self._provider.clients[self._id][0] else method == "none"

    def __getattr__(self, name: str) -> Any:
        return lambda *told: told[0] if name == "get_allowed_scope" else True


class Provider(AuthorizationServer):  # type: ignore[misc]
    """An OpenID provider of an operator's, built with authlib's server: it signs its customer of a line in at once."""

    def __init__(self, issuer: str) -> None:
        super().__init__()
        self.issuer, self.keys = issuer, [RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})]
        self.customer, self.now, self.codes = "one", 0, {}  # type: ignore[var-annotated]
        self.changes: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.clients = {AUDIENCE: ("", BOX_URI)}
        """By id: the secret, and where a browser is sent back to."""
        self.method = "client_secret_basic"
        self.signed_in_at: int | None = 1
        self._awake = threading.Event()
        self._awake.set()
        self.asked: list[dict[str, str]] = []
        self.register_token_generator("default", lambda **told: {"access_token": "x", "scope": told["scope"]})
        self.register_grant(_Grant, [_Challenge(required=False), _IdTokens(self)])

    def query_client(self, client_id: str) -> _Client | None:
        return _Client(self, client_id) if client_id in self.clients else None

    def save_token(self, token: Any, request: Any) -> None:
        pass

    def send_signal(self, name: str, *told: Any, **more: Any) -> None:
        pass

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, Any]:
        return status, body, headers

    def answer(self, method: str, path: str, told: dict[str, str], headers: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        if path == "/.well-known/openid-configuration":
            paths = {"jwks_uri": "keys", "authorization_endpoint": "authorize", "token_endpoint": "token"}
            known = {name: f"{self.issuer}/{path}" for name, path in paths.items()}
            return 200, {"issuer": self.issuer, **known, **self.discovery}, {}
        if path == "/keys":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}, {}
        asked = _Request(method, f"{self.issuer}{path}", told, headers)
        self.asked.append(told)
        if path == "/authorize":
            if told.get("prompt") == "login":
                self.signed_in_at = self.now // 1000
            grant = self.get_consent_grant(asked, self.customer)
            status, body, sent = self.create_authorization_response(asked, self.customer, grant)
        else:
            assert self._awake.wait(60)
            status, body, sent = self.create_token_response(asked)
        return status, body, dict(sent)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Let it answer nobody who asks for a token, until this is over."""
        self._awake.clear()
        try:
            yield
        finally:
            self._awake.set()

    def id_token(self, nonce: str) -> str:
        """Sign the customer in as the operator's program on a box does, over HTTP."""
        said = {
            "response_type": "code",
            "client_id": AUDIENCE,
            "scope": "openid",
            "nonce": nonce,
            "redirect_uri": BOX_URI,
        }
        sent = httpx.get(f"{self.issuer}/authorize?{urlencode(said)}").headers["location"]
        code = parse_qs(urlsplit(sent).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "client_id": AUDIENCE, "redirect_uri": said["redirect_uri"]}
        return str(httpx.post(f"{self.issuer}/token", data=form).raise_for_status().json()["id_token"])


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, method: str, uri: str, told: dict[str, str], headers: dict[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload, self._form = BasicOAuth2Payload(told), told

    @property
    def form(self) -> dict[str, str]:
        return self._form


class _Code(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        return lambda: self.get(name.removeprefix("get_"))


class _Challenge(CodeChallenge):  # type: ignore[misc]
    def get_authorization_code_challenge(self, authorization_code: _Code) -> Any:
        return authorization_code["code_challenge"]

    def get_authorization_code_challenge_method(self, authorization_code: _Code) -> Any:
        return authorization_code["code_challenge_method"]


class _Grant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]  # noqa: RUF012

    def save_authorization_code(self, code: str, request: Any) -> None:
        told = request.payload.data
        kept = {name: told.get(name) for name in ("nonce", "redirect_uri", "scope", "code_challenge", "code_challenge_method")}
        self.server.codes[code] = _Code(auth_time=self.server.signed_in_at, code_challenge=kept.pop("code_challenge"), **kept)

    def query_authorization_code(self, code: str, client: Any) -> Any:
        return self.server.codes.pop(code, None)

    def delete_authorization_code(self, authorization_code: Any) -> None:
        """It was taken out when it was read."""

    def authenticate_user(self, authorization_code: Any) -> str:
        return str(self.server.customer)


class _IdTokens(OpenIDCode):  # type: ignore[misc]
    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return False

    def resolve_client_private_key(self, client: Any) -> RSAKey:
        return self._provider.keys[-1]

    def get_encode_header(self, client: Any) -> dict[str, str]:
        return {"alg": "RS256", "kid": str(self._provider.keys[-1].kid)}

    def get_client_claims(self, client: Any) -> dict[str, Any]:
        own, now = self._provider, self._provider.now // 1000
        return {"iss": own.issuer, "aud": [client.get_client_id()], "iat": now, "exp": now + 300, **own.changes}

    def generate_user_info(self, user: str, scope: str) -> dict[str, str]:
        return {"sub": user}


@contextmanager
def provider(host: str = "127.0.0.1") -> Iterator[Provider]:
    made: list[Provider] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer("GET", parts.path, dict(pair for pair in _pairs(parts.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer("POST", self.path, dict(_pairs(body)))

        def _answer(self, method: str, path: str, told: dict[str, str]) -> None:
            status, body, headers = made[0].answer(method, path, told, dict(self.headers))
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *told: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.append(Provider(f"http://{host}:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made[0]
    finally:
        server.shutdown()
        server.server_close()


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(name, values[0]) for name, values in parse_qs(query).items()]
