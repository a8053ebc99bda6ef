"""The pages of a browser: to approve a television by its code, and to go on to a program with a code of its own.

They are plain forms without a script, and work on any phone. Who is signed in is a cookie that no other site can send with a
form: it is for our own pages alone (SameSite), and a form is taken from our own origin alone.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from matinee.base.clock import MINUTE, SECOND, Clock
from matinee.base.errors import MatineeError, TooManyRequests
from matinee.base.party import ANYONE
from matinee.catalogue.answers import AnyRequest
from matinee.members import pin_store
from matinee.members.guard import Guard
from matinee.members.model import MemberError
from matinee.members.sign_in import codes, rules, sessions
from matinee.members.sign_in.access import KNOWN_MS, BrowserSignedIn
from matinee.members.sign_in.api import form_of, parameters_of
from matinee.members.sign_in.model import BROWSER_MS, Decision, DeviceCode, HouseholdSignInRefused, SignInError
from matinee.members.sign_in.operator_login import OperatorLogin
from matinee.members.sign_in.server import Reply, SignInServer
from matinee.members.sign_in.signing import HouseholdSignIn
from matinee.members.sign_in.words import STYLE_HASH, Page, language_of

BROWSER_LABEL: Final = "Browser"
FRESH_MS: Final = MINUTE
"""For so long after the password a browser of a home with a PIN signs a screen of ours in by its cookie alone."""
ACTIVATE: Final = "/activate"
AUTHORIZE: Final = "/oauth/authorize"
MAX_THEN: Final = 1_500
ASKS_ANEW: Final = frozenset({"prompt", "max_age"})
"""The parameters by which a program asks that one signs in again."""
_KINDS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


class Pages:
    """What both pages share: who is signed in, the forms, and the headers."""

    def __init__(
        self, server: SignInServer, signing: HouseholdSignIn, operators: OperatorLogin, guard: Guard, clock: Clock
    ) -> None:
        self.server = server
        self.signing = signing
        self.operators = operators
        self.guard = guard
        self.clock = clock
        self.guesses = rules.CodeGuesses()
        self._secure = server.signer.issuer.startswith("https:")
        self._cookie = "__Host-matinee-signed-in" if self._secure else "matinee-signed-in"
        self._known = "__Host-matinee-known" if self._secure else "matinee-known"
        self.visit = "__Host-matinee-visit" if self._secure else "matinee-visit"
        """Where a browser keeps that it is away at its operator."""

    def who(self, request: AnyRequest) -> BrowserSignedIn | None:
        """Who is signed in here; None where that is nobody, or has ended."""
        cookie = request.cookies.get(self._cookie, "")
        found = self.server.signer.browser(cookie, self.clock()) if cookie else None
        return None if found is None or self.server.sign_ins.has_ended(found.session) else found

    async def sign_in(self, request: AnyRequest, form: Mapping[str, str]) -> tuple[BrowserSignedIn, list[Cookie]]:
        """Sign the browser in by the form's name and password. Raises HouseholdSignInRefused, TooManyRequests."""
        name, password = form.get("name", ""), form.get("password", "")
        if not name or not password or len(name) > 100 or len(password) > 400:
            raise HouseholdSignInRefused
        known = request.cookies.get(self._known, "")
        who, now_known = await self.signing.begin(name, password, known, label_for(request))
        return who, [self.signed_in_cookie(who), self.made(self._known, now_known, KNOWN_MS // SECOND)]

    def signed_in_cookie(self, who: BrowserSignedIn) -> Cookie:
        return self.made(self._cookie, self.server.signer.browser_cookie(who), BROWSER_MS // SECOND)

    def is_stale(self, who: BrowserSignedIn) -> bool:
        """Whether one signs in again before a screen of ours is signed in.

        A new screen is kept on no kids' profile: where a home has a PIN, a child at a parent's browser is not to make one.
        """
        return self.guard.has_pin(who.household) and self.clock() - who.authenticated_at > FRESH_MS

    def made(self, name: str, value: str, seconds: int) -> Cookie:
        return Cookie(key=name, value=value, max_age=seconds, path="/", httponly=True, secure=self._secure, samesite="lax")

    def is_our_own(self, request: AnyRequest) -> bool:
        """Whether a form was sent from our own page: the browser says so, and no other site can make it."""
        origin = request.headers.get("origin", "")
        return origin == self.server.signer.issuer or (
            origin.startswith(("http://", "https://")) and urlsplit(origin).netloc == request.headers.get("host", "")
        )

    def page(
        self, title: str, inside: str, page: Page, *, status: int = 200, goes_to: str = "", cookies: Sequence[Cookie] = ()
    ) -> Response[str]:
        """`goes_to` is where the browser may be sent when it sends the form: it follows no other."""
        parts = urlsplit(goes_to)
        further = f" {parts.scheme}://{parts.netloc}" if goes_to else ""
        headers = {
            "Cache-Control": "private, no-store",
            "Content-Language": page.language,
            "Vary": "Accept-Language, Cookie",
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; "
            f"form-action 'self'{further}; base-uri 'none'; frame-ancestors 'none'",
            # Without it a browser does not say where a form comes from.
            "Referrer-Policy": "same-origin",
        }
        text = page.html(title, inside)
        return Response(text, status_code=status, media_type="text/html; charset=utf-8", headers=headers, cookies=list(cookies))

    def sign_in_form(
        self,
        page: Page,
        action: str,
        *,
        program: str = "",
        wrong: str = "",
        status: int = 200,
        goes_to: str = "",
        anew: bool = False,
    ) -> Response[str]:
        """`anew`: whoever is signed in somewhere already is asked again."""
        help_ = page.say("sign_in.for", program=program) if program else page.say("sign_in.help")
        inside = (
            f"<p>{help_}</p>{page.wrong(wrong)}"
            f'<form method="post" action="{_attribute(action)}">{page.hidden("step", "sign_in")}'
            f'<label>{page.say("sign_in.name")}<input name="name" autocomplete="username" autocapitalize="none" '
            'spellcheck="false" maxlength="100" required autofocus></label>'
            f'<label>{page.say("sign_in.password")}<input name="password" type="password" autocomplete="current-password" '
            f'maxlength="400" required></label><button>{page.say("sign_in.go")}</button></form>'
            f"{self._operators(page, action, anew=anew)}"
        )
        return self.page(page.say("sign_in.title"), inside, page, status=status, goes_to=goes_to)

    def _operators(self, page: Page, then: str, *, anew: bool) -> str:
        """A way to each operator at which a browser can sign in, where it can go on from there."""
        offered = self.operators.offered() if is_page_of_ours(then) else []
        ways = [
            f'<a class="button plain" href="{_attribute(start_at(one.id, then, anew=anew))}">'
            f"{page.say('operator.go', operator=one.name)}</a>"
            for one in offered
        ]
        return f'<p class="or">{page.say("operator.or")}</p>{"".join(ways)}' if ways else ""

    def told(
        self, page: Page, what: str, *, status: int = 200, back: str = "", cookies: Sequence[Cookie] = (), **values: object
    ) -> Response[str]:
        """A page that says one thing; with a way `back` to a page of ours."""
        way = f'<a class="button" href="{_attribute(back)}">{page.say("back")}</a>' if back else ""
        inside = f"<p>{page.say(f'{what}.help', **values)}</p>{way}"
        return self.page(page.say(f"{what}.title", **values), inside, page, status=status, cookies=cookies)


def routes(pages: Pages) -> Sequence[HTTPRouteHandler]:
    return [*_activate_routes(pages), *_authorize_routes(pages)]


def _activate_routes(pages: Pages) -> Sequence[HTTPRouteHandler]:
    database, clock = pages.server.database, pages.clock

    def code_form(page: Page, wrong: str = "", status: int = 200) -> Response[str]:
        inside = (
            f"<p>{page.say('code.help')}</p>{page.wrong(wrong)}"
            f'<form method="post" action="/activate">{page.hidden("step", "code")}'
            f'<label>{page.say("code.label")}<input class="typed" name="user_code" autocomplete="off" '
            'autocapitalize="characters" spellcheck="false" maxlength="20" required autofocus></label>'
            f"<button>{page.say('code.go')}</button></form>"
        )
        return pages.page(page.say("code.title"), inside, page, status=status)

    def look_up(who: BrowserSignedIn, typed: str) -> DeviceCode | None:
        meant = rules.user_code_of(typed)
        with database.read() as conn:
            return None if meant is None else codes.waiting_code(conn, meant, clock())

    async def found(who: BrowserSignedIn, typed: str) -> DeviceCode | None:
        """The code that waits, at the price of a try. Raises TooManyRequests."""
        pages.guesses.take(who.household, clock())
        code = await asyncio.to_thread(look_up, who, typed)
        if code is None:
            pages.guesses.was_wrong(who.household, clock())
        return code

    async def ask(page: Page, who: BrowserSignedIn, typed: str, wrong: str = "", status: int = 200) -> Response[str]:
        try:
            code = await found(who, typed)
        except TooManyRequests as error:
            return code_form(page, page.say("sign_in.often", seconds=error.retry_after), 429)
        if code is None:
            return code_form(page, page.say("code.wrong"), 404)
        pin = (
            f'<label>{page.say("approve.pin")}<input name="pin" type="password" inputmode="numeric" autocomplete="off" '
            'maxlength="4"></label>'
            if pages.guard.has_pin(who.household)
            else ""
        )
        inside = (
            f'<p class="code">{code.user_code}</p>{page.wrong(wrong)}'
            f"<p>{page.say('approve.help', label=code.label)}</p><p>{page.say('approve.warn')}</p>"
            f'<form method="post" action="/activate">{page.hidden("user_code", code.user_code)}{pin}'
            f'<button name="step" value="approve">{page.say("approve.yes")}</button>'
            f'<button class="plain" name="step" value="refuse">{page.say("approve.no")}</button></form>'
        )
        return pages.page(page.say("approve.title"), inside, page, status=status)

    def is_right(who: BrowserSignedIn, pin: str) -> bool:
        """Whether this is the household's PIN, at the price of a try where it is not. Raises TooManyRequests."""
        try:
            with database.write() as conn:
                return (
                    pin_store.try_pin(conn, pages.guard.mark, who.household, f"browser:{who.session}", pin, clock()) is not None
                )
        except MemberError:  # no four digits, or the PIN was taken away meanwhile
            return not pages.guard.has_pin(who.household)

    async def approve(page: Page, who: BrowserSignedIn, typed: str, pin: str) -> Response[str]:
        """A screen that is signed in is kept on no kids' profile: where there is a PIN, who has none signs no screen in."""
        try:
            right = not pages.guard.has_pin(who.household) or await asyncio.to_thread(is_right, who, pin)
        except TooManyRequests as error:
            return await ask(page, who, typed, page.say("sign_in.often", seconds=error.retry_after), 429)
        if not right:
            return await ask(page, who, typed, page.say("approve.pin_wrong"), 403)
        return await say(page, who, typed, Decision.APPROVED)

    def decide(who: BrowserSignedIn, typed: str, decision: Decision) -> tuple[DeviceCode | None, bool]:
        now, meant = clock(), rules.user_code_of(typed)
        with database.write() as conn:
            code = None if meant is None else codes.waiting_code(conn, meant, now)
            if code is None or not sessions.is_living(conn, who.session, now):
                return code, False
            decided = codes.decide(conn, code, decision, who.household, who.account, who.authenticated_at, now)
        return code, decided

    async def say(page: Page, who: BrowserSignedIn, typed: str, decision: Decision) -> Response[str]:
        try:
            code = await found(who, typed)
        except TooManyRequests as error:
            return code_form(page, page.say("sign_in.often", seconds=error.retry_after), 429)
        decided = False
        if code is not None:
            code, decided = await asyncio.to_thread(decide, who, typed, decision)
        if code is None or not decided:
            return pages.told(page, "late", status=409)
        return pages.told(page, "approved" if decision is Decision.APPROVED else "refused", label=code.label)

    @get(ACTIVATE, opt={"policy": ANYONE}, include_in_schema=False)
    async def activate_page(request: AnyRequest) -> Response[str]:
        page, typed = page_for(request), str(request.query_params.get("user_code", ""))[:40]
        who = pages.who(request)
        if who is None:
            return pages.sign_in_form(page, _activate(typed))
        return await ask(page, who, typed) if typed else code_form(page)

    @post(ACTIVATE, opt={"policy": ANYONE}, status_code=200, include_in_schema=False)
    async def activate(request: AnyRequest) -> Response[Any]:
        page = page_for(request)
        if not pages.is_our_own(request):
            return pages.told(page, "foreign", status=403)
        try:
            form = await form_of(request)
        except SignInError:
            return pages.told(page, "foreign", status=400)
        step, who = form.get("step", ""), pages.who(request)
        typed = (form.get("user_code") or str(request.query_params.get("user_code", "")))[:40]
        if step == "sign_in":
            return await _signed_in(pages, page, request, form, _activate(typed))
        if who is None:
            return pages.sign_in_form(page, _activate(typed))
        match step:
            case "approve":
                return await approve(page, who, typed, form.get("pin", ""))
            case "refuse":
                return await say(page, who, typed, Decision.REFUSED)
            case _:
                return await ask(page, who, typed) if typed else code_form(page)

    return [activate_page, activate]


async def _signed_in(
    pages: Pages, page: Page, request: AnyRequest, form: Mapping[str, str], then: str, **more: Any
) -> Response[Any]:
    """Sign in and go on to a page of our own; else the form again, with what is wrong."""
    try:
        _, cookies = await pages.sign_in(request, form)
    except HouseholdSignInRefused:
        return pages.sign_in_form(page, then, wrong=page.say("sign_in.wrong"), status=401, **more)
    except TooManyRequests as error:
        wrong = page.say("sign_in.often", seconds=error.retry_after)
        return pages.sign_in_form(page, then, wrong=wrong, status=429, **more)
    return sent_on(then, cookies)


def _authorize_routes(pages: Pages) -> Sequence[HTTPRouteHandler]:
    server, clock = pages.server, pages.clock

    def checked(parameters: Mapping[str, str], who: BrowserSignedIn | None) -> Reply | None:
        """An answer to a request that asks for what it may not; None where it may be asked."""
        with server.asked_to_authorize(parameters) as request:
            try:
                server.grant_for(request, who)
            except OAuth2Error as error:
                return server.refused(request, error)
        return None

    def given(parameters: Mapping[str, str], who: BrowserSignedIn | None, label: str) -> Reply:
        with server.asked_to_authorize(parameters) as request:
            try:
                grant = server.grant_for(request, who)
                if who is None:
                    request.user = None
                return server.authorize(request, grant, who, label)
            except OAuth2Error as error:
                return server.refused(request, error)

    def told_to_ask(asked: Mapping[str, str]) -> Reply:
        """What a program hears that wants nobody asked: whoever is signed in must say yes each time."""
        with server.asked_to_authorize(asked) as request:
            error = OAuth2Error(error="consent_required", redirect_uri=asked["redirect_uri"], state=asked.get("state"))
            return server.refused(request, error)

    def sent(page: Page, reply: Reply) -> Response[Any]:
        if reply.location:
            return sent_on(reply.location, [])
        return pages.told(page, "broken", status=max(400, reply.status))

    def parameters(request: AnyRequest) -> Mapping[str, str]:
        return parameters_of(request.scope["query_string"].decode("latin-1"))

    def again(request: AnyRequest) -> str:
        return f"{AUTHORIZE}?" + request.scope["query_string"].decode("latin-1")

    @get(AUTHORIZE, opt={"policy": ANYONE}, include_in_schema=False)
    async def authorize_page(request: AnyRequest) -> Response[Any]:
        page, who = page_for(request), pages.who(request)
        try:
            asked = parameters(request)
            refused = checked(asked, who)
        except (OAuth2Error, SignInError):
            return pages.told(page, "broken", status=400)
        if refused is not None:
            return sent(page, refused)
        client = server.sign_ins.client(asked["client_id"])
        if client is None:
            return pages.told(page, "broken", status=400)
        program = "" if client.is_ours else client.name
        if who is not None and program and "none" in asked.get("prompt", "").split():
            return sent(page, told_to_ask(asked))
        if who is None or _must_sign_in(asked, who, clock()) or (client.is_ours and pages.is_stale(who)):
            anew = who is not None or bool(asked.keys() & ASKS_ANEW)
            return pages.sign_in_form(page, again(request), program=program, goes_to=asked["redirect_uri"], anew=anew)
        if client.is_ours:
            return sent(page, await asyncio.to_thread(given, asked, who, label_for(request)))
        inside = (
            f"<p>{page.say('consent.help', program=program)}</p>"
            f'<form method="post" action="{_attribute(again(request))}">'
            f'<button name="step" value="allow">{page.say("consent.yes")}</button>'
            f'<button class="plain" name="step" value="refuse">{page.say("consent.no")}</button></form>'
        )
        return pages.page(page.say("consent.title", program=program), inside, page, goes_to=asked["redirect_uri"])

    @post(AUTHORIZE, opt={"policy": ANYONE}, status_code=200, include_in_schema=False)
    async def authorize(request: AnyRequest) -> Response[Any]:
        page, who = page_for(request), pages.who(request)
        if not pages.is_our_own(request):
            return pages.told(page, "foreign", status=403)
        try:
            form, asked = await form_of(request), parameters(request)
            refused = checked(asked, who)
        except (OAuth2Error, SignInError):
            return pages.told(page, "broken", status=400)
        if refused is not None:
            return sent(page, refused)
        client = server.sign_ins.client(asked["client_id"])
        is_ours = client is not None and client.is_ours
        program = "" if client is None or is_ours else client.name
        step = form.get("step", "")
        if step == "sign_in":
            anew = bool(asked.keys() & ASKS_ANEW)
            return await _signed_in(
                pages, page, request, form, asked_once(asked), program=program, goes_to=asked["redirect_uri"], anew=anew
            )
        if who is None or step not in ("allow", "refuse") or (is_ours and pages.is_stale(who)):
            return pages.sign_in_form(page, again(request), program=program, goes_to=asked["redirect_uri"])
        try:
            reply = await asyncio.to_thread(given, asked, who if step == "allow" else None, label_for(request))
        except MatineeError:
            return pages.sign_in_form(page, again(request), program=program, goes_to=asked["redirect_uri"])
        return sent(page, reply)

    return [authorize_page, authorize]


def _must_sign_in(asked: Mapping[str, str], who: BrowserSignedIn, now: int) -> bool:
    """Whether a program asks that one signs in anew, whoever is signed in (OpenID Connect Core 3.1.2.1)."""
    age = asked.get("max_age", "")
    is_old = age.isdigit() and len(age) < 12 and now - who.authenticated_at > int(age) * SECOND
    return is_old or "login" in asked.get("prompt", "").split()


def asked_once(asked: Mapping[str, str]) -> str:
    """Where one goes on who signed in a moment ago: what asked for that is not asked again."""
    return f"{AUTHORIZE}?{urlencode({name: value for name, value in asked.items() if name not in ASKS_ANEW})}"


def is_page_of_ours(then: str) -> bool:
    """Whether a browser may be sent on there, once it is signed in: to one of our two pages alone."""
    if not (then.isascii() and then.isprintable()) or len(then) > MAX_THEN or set(then) & set('\\"#'):
        return False
    path, _, query = then.partition("?")  # to the letter: a browser finds hosts where a parser finds none
    try:
        parameters_of(query)
    except SignInError:
        return False
    return path in (ACTIVATE, AUTHORIZE)


def start_at(operator: str, then: str, *, anew: bool) -> str:
    """The page of ours that leads to an operator's own sign-in."""
    return f"/sign-in/{operator}?{urlencode({'then': then, **({'anew': '1'} if anew else {})})}"


def sent_on(location: str, cookies: Sequence[Cookie]) -> Response[bytes]:
    # 303: what was a form becomes a look at the next page, and no password is sent on (RFC 9700 4.12).
    headers = {"Location": location, "Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return Response(b"", status_code=303, headers=headers, cookies=list(cookies))


def _activate(typed: str) -> str:
    return f"{ACTIVATE}?user_code={quote(typed)}" if typed else ACTIVATE


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def page_for(request: AnyRequest) -> Page:
    return Page(language_of(request.headers.get("accept-language", "")))


def label_for(request: AnyRequest) -> str:
    """Which browser this is, in a word: what a household tells its own screens apart by, and no more of it is kept."""
    agent = request.headers.get("user-agent", "")
    return next((name for word, name in _KINDS if word in agent), BROWSER_LABEL)
