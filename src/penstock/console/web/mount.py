"""Puts the console onto a control plane's application.  Called by `console.main`, which alone imports it.

NiceGUI keeps its application for a whole process: a process has one control plane with a console, and no more.
"""

from functools import partial
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from nicegui import Client, app, ui
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount, Route

from penstock.console.plane import ControlPlane
from penstock.console.probe import reachable
from penstock.console.web.api_client import AdminApi, ApiRefused
from penstock.console.web.gate import Gate, session_of
from penstock.console.web.layout.parts.region import LIVE_S, refusal
from penstock.console.web.layout.parts.text import Text, box
from penstock.console.web.layout.shell import HEAD, THEME_COOKIE, draw
from penstock.console.web.registry import PAGES, Page
from penstock.console.web.session.flows import Flows
from penstock.console.web.session.origin import Origin
from penstock.console.web.session.routes import ICON, PREFIX, Entrance
from penstock.console.web.session.store import Sessions
from penstock.console.web.session.tries import Tries
from penstock.console.web.view import View

_BUILD_S = 30.0
_RECONNECT_S = 10.0
_MISSING = "Choose one on the left."

_log = structlog.get_logger(__name__)


def mount_console(api: FastAPI, plane: ControlPlane) -> Sessions:
    """Serve the console at `/console` and lead `/` there.  Once in a process."""
    settings = plane.config.control.console
    admin = AdminApi(api)
    origin = Origin(settings)
    sessions = Sessions(settings, plane.clock)
    entrance = Entrance(
        plane.config, admin, sessions, Tries(settings.tries_per_minute, plane.clock), Flows(plane.clock), origin
    )

    @api.get("/", include_in_schema=False)
    def _to_console() -> RedirectResponse:
        return RedirectResponse(f"{PREFIX}/", 307)

    for page in PAGES:
        _serve(page, plane, admin, sessions)
    _serve(None, plane, admin, sessions)
    app.on_page_exception(_failed)  # pyright: ignore[reportUnknownMemberType] - NiceGUI's types have gaps
    app.on_exception(_noted)  # pyright: ignore[reportUnknownMemberType] - same
    # Without `storage_secret` NiceGUI sets no cookie and keeps nothing of its own: sessions are ours.
    ui.run_with(  # pyright: ignore[reportUnknownMemberType] - same
        api,
        title="Penstock",
        favicon=ICON,
        dark=None,
        language="en-US",
        mount_path=PREFIX,
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=_RECONNECT_S,
        show_welcome_message=False,
    )
    # It has no name that could be read out.
    app.config.quasar_config["loadingBar"] = {"skipHijack": True}  # pyright: ignore[reportUnknownMemberType] - same
    mounted = next(route for route in api.routes if isinstance(route, Mount) and route.path == PREFIX)
    mounted.app = Gate(mounted.app, entrance=_entrance(entrance), sessions=sessions, origin=origin)
    return sessions


def _entrance(entrance: Entrance) -> Starlette:
    return Starlette(
        routes=[
            Route("/sign-in", entrance.show),
            Route("/sign-in", entrance.try_credential, methods=["POST"]),
            Route("/sign-in/style.css", entrance.stylesheet),
            Route("/favicon.ico", entrance.icon),
            Route("/sign-in/with/{issuer}", entrance.send_to_issuer),
            Route("/sign-in/back", entrance.come_back),
            Route("/sign-out", entrance.leave, methods=["POST"]),
        ]
    )


def _serve(page: Page | None, plane: ControlPlane, admin: AdminApi, sessions: Sessions) -> None:
    """Serve a page, or what stands in place of one that is not there."""

    async def show(request: Request, client: Client) -> None:
        view = View(
            api=admin,
            sessions=sessions,
            session=session_of(request.scope),
            path=quote(request.scope["path"].removeprefix(PREFIX)) or "/",
            parts=dict(request.path_params),
            query=dict(request.query_params),
            region=plane.config.region,
            clock=plane.clock,
            pace=plane.config.control.console.refresh_s / LIVE_S,
            data_plane=(reachable(plane.config.server.host), plane.config.server.port),
        )
        ui.add_head_html(HEAD)
        theme = request.cookies.get(THEME_COOKIE, "auto")
        client.status_code = await draw(
            view,
            page,
            PAGES,
            _nothing if page is None else partial(page.build, view),
            theme=theme if theme in ("light", "dark") else "auto",
            lead=_MISSING if page is None else page.lead,
        )

    title = "Not found" if page is None else page.title
    path = "/{missing:path}" if page is None else page.path
    ui.page(path, title=f"{title} · Penstock", response_timeout=_BUILD_S)(show)


async def _nothing() -> None:
    """The page that is not there."""


def _failed() -> None:
    """In place of a page that could not be built; what happened is in the log."""
    ui.add_head_html(HEAD)
    with box("main", "page", id="main").style("margin: 0 auto"):
        Text("h1", "This page could not be shown")
        refusal(ApiRefused(500, "internal_error", "An unexpected error; it is in the control plane's log."))


def _noted(error: Exception) -> Any:
    _log.error("console_page_failed", exc_info=error)
