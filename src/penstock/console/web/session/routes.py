"""Sign-in and sign-out over plain HTTP: forms and redirects, no script.

A failed try says the same whatever was wrong with it, and is written to the log; the audit is of changes, in a table
that only grows, and nobody who is not known adds to it.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote

import structlog
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from penstock.config import Config
from penstock.console.web.api_client import AdminApi, ApiRefused
from penstock.console.web.session.flows import LIFETIME_S, Flow, Flows
from penstock.console.web.session.form import CSS, sign_in_page
from penstock.console.web.session.issuer import (
    SignInFailed,
    authorization_url,
    challenge_of,
    discover,
    exchange,
    nonce_of,
)
from penstock.console.web.session.origin import FLOW, SESSION, Origin, local_path
from penstock.console.web.session.store import Sessions
from penstock.console.web.session.tries import Tries

PREFIX = "/console"
ICON = Path(__file__).parents[1] / "layout" / "icon.svg"
_MAX_FORM_BYTES = 32 * 1024
_NOT_GOOD = "That did not work: the credential is not valid."
_NO_ROLE = "That credential is good, but no role allows it to use the console."
_TOO_OFTEN = "Too many tries from this address: wait a minute."
_ISSUER = "Signing in there did not work. Try again; the control plane's log says why."

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entrance:
    """What signing in and out needs."""

    config: Config
    api: AdminApi
    sessions: Sessions
    tries: Tries
    flows: Flows
    origin: Origin

    async def show(self, request: Request) -> Response:
        """The form; whoever is signed in already goes where they wanted."""
        then = local_path(request.query_params.get("then"), PREFIX)
        session_id = self.origin.read(request.scope, SESSION)
        if session_id is not None and self.sessions.find(session_id) is not None:
            return RedirectResponse(then, 303)
        return self._form(then)

    async def stylesheet(self, _: Request) -> Response:
        return Response(CSS, media_type="text/css")

    async def icon(self, _: Request) -> Response:
        return FileResponse(ICON)

    async def try_credential(self, request: Request) -> Response:
        form = await _read_form(request)
        then = local_path(form.get("then"), PREFIX)
        return await self._enter(request, form.get("credential", "").strip(), then, way="credential")

    async def leave(self, request: Request) -> Response:
        session_id = self.origin.read(request.scope, SESSION)
        session = None if session_id is None else self.sessions.find(session_id)
        if session is not None:
            self.sessions.end(session)
            _log.info("console_signed_out", who=session.who)
        response = RedirectResponse(f"{PREFIX}/sign-in", 303)
        self.origin.write(request.scope, response, SESSION, "", max_age_s=0)
        return response

    async def send_to_issuer(self, request: Request) -> Response:
        name = request.path_params["issuer"]
        settings = self.config.control.console.oidc.get(name)
        then = local_path(request.query_params.get("then"), PREFIX)
        if settings is None:
            return self._form(then, problem=_ISSUER, status=404)
        if not self.tries.may(_address(request)):
            return self._form(then, problem=_TOO_OFTEN, status=429)
        try:
            found = await asyncio.to_thread(discover, self.config.identity.issuers[name])
        except SignInFailed as failed:
            return self._failed(request, then, name, str(failed))
        flow_id, flow = self.flows.begin(name, then)
        url = authorization_url(
            found,
            settings,
            redirect=self._redirect_uri(request),
            state=flow.state,
            nonce=flow.nonce,
            pkce=challenge_of(flow.verifier),
        )
        response = RedirectResponse(url, 303)
        self.origin.write(request.scope, response, FLOW, flow_id, max_age_s=LIFETIME_S)
        return response

    async def come_back(self, request: Request) -> Response:
        """The issuer's answer, good or bad."""
        query = request.query_params
        flow = self.flows.take(self.origin.read(request.scope, FLOW), query.get("state"))
        if flow is None:
            return self._failed(request, f"{PREFIX}/", "", "its answer belongs to no sign-in of this browser")
        try:
            token = await self._exchange(request, flow)
        except SignInFailed as failed:
            return self._failed(request, flow.then, flow.issuer, str(failed))
        response = await self._enter(request, token, flow.then, way=flow.issuer, nonce=flow.nonce)
        self.origin.write(request.scope, response, FLOW, "", max_age_s=0)
        return response

    async def _exchange(self, request: Request, flow: Flow) -> str:
        query = request.query_params
        issuer = self.config.identity.issuers[flow.issuer]
        found = await asyncio.to_thread(discover, issuer)
        named = query.get("iss")  # RFC 9207: checked where it is sent, demanded where the issuer says that it sends it
        if named != issuer.issuer and (named is not None or found.authorization_response_iss_parameter_supported):
            raise SignInFailed("its answer names another issuer")
        code = query.get("code")
        if code is None or "error" in query:
            raise SignInFailed("it let nobody in")
        return await asyncio.to_thread(
            exchange,
            found,
            self.config.control.console.oidc[flow.issuer],
            code=code,
            redirect=self._redirect_uri(request),
            verifier=flow.verifier,
        )

    async def _enter(
        self, request: Request, credential: str, then: str, *, way: str, nonce: str | None = None
    ) -> Response:
        """A session for a credential that the admin API takes; by way of an issuer only with the nonce that we sent."""
        if not self.tries.may(_address(request)):
            return self._form(then, problem=_TOO_OFTEN, status=429)
        try:
            who = await self.api.call(credential, "GET", "/whoami")
        except ApiRefused as refused:
            if refused.status >= 500:
                return self._form(then, problem=f"That cannot be checked now: {refused.message}", status=503)
            problem = _NO_ROLE if refused.status == 403 else _NOT_GOOD
            return self._failed(request, then, way, refused.code, problem=problem)
        if nonce is not None and nonce_of(credential) != nonce:
            return self._failed(request, then, way, "the token was not made for this sign-in")
        before = self.origin.read(request.scope, SESSION)
        old = None if before is None else self.sessions.find(before)
        if old is not None:
            self.sessions.end(old)
        _log.info("console_signed_in", who=who["id"], tenant=who["tenant"], way=way)
        response = RedirectResponse(then, 303)
        self.origin.write(request.scope, response, SESSION, self.sessions.begin(credential, who["id"]))
        return response

    def _failed(self, request: Request, then: str, way: str, reason: str, *, problem: str = _ISSUER) -> Response:
        self.tries.failed(_address(request))
        _log.warning("console_sign_in_failed", way=way, reason=reason, address=_address(request))
        return self._form(then, problem=problem, status=403)

    def _form(self, then: str, *, problem: str | None = None, status: int = 200) -> Response:
        settings = self.config.control.console
        issuers = [(quote(name), oidc.label or name) for name, oidc in settings.oidc.items()]
        return HTMLResponse(sign_in_page(PREFIX, then, issuers, problem=problem), status)

    def _redirect_uri(self, request: Request) -> str:
        return f"{self.origin.of(request.scope)}{PREFIX}/sign-in/back"


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a small form; nothing of one that is not."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            return {}
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
