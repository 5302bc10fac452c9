"""The control plane's HTTP application: health for balancers and people, the admin API for operators."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

import penstock
from penstock.console import faults
from penstock.console.access import Plane
from penstock.console.admin import admin_routes
from penstock.console.configured.reload import file_follower
from penstock.console.plane import ControlPlane
from penstock.console.views import ErrorView, HealthView

_DESCRIPTION = """\
The control plane of Penstock: its health, the configuration in force, the ledger of settled exchanges, and API keys.

Everything under `/admin/v1` needs the admin token, which lies in the data directory as `admin-token`, or an API key or
token whose roles allow the call (`x-permission`); within a tenant, another tenant's things are not there (404).
Errors read `{"error": {"code", "message"}}`; `code` is stable.
"""

health = APIRouter(prefix="/health", tags=["health"])


@health.get("/live")
async def live() -> dict[str, str]:
    """This process runs."""
    return {"status": "live"}


@health.get("/ready", responses={503: {"model": ErrorView}})
async def ready(plane: Plane) -> JSONResponse:
    """200 once the database has answered and its schema is ours; if it is lost later, this is degraded, not unready."""
    if await plane.is_ready():
        return JSONResponse({"status": "ready"})
    return faults.error_response(503, "not_ready", "The database cannot be used yet; /health says why.")


@health.get("", response_model=HealthView)
async def whole_health(plane: Plane) -> JSONResponse:
    """Everything at once, with the reasons for what is not well."""
    view = await plane.health()
    return JSONResponse(view.model_dump(), status_code=503 if view.status == "not_ready" else 200)


metrics = APIRouter(tags=["metrics"])


@metrics.get("/metrics", response_class=PlainTextResponse)
def whole_metrics(plane: Plane) -> PlainTextResponse:
    """In Prometheus' text format: alerts that wait or were given up, by webhook; traces that were sent or not."""
    return PlainTextResponse(plane.alerts.metrics() + plane.tracing.metrics(), media_type=CONTENT_TYPE_LATEST)


def new_api(plane: ControlPlane) -> FastAPI:
    """The application around one control plane, which it starts and stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        plane.tracing.start()
        plane.shipping.start()
        plane.identities.start()
        plane.alerts.start()
        plane.rules.start()
        plane.review.start()
        plane.memory.start()
        plane.contents.start()
        plane.drift.start()
        plane.quality.start()
        following = file_follower(plane)
        following.start()
        try:
            yield
        finally:
            await asyncio.to_thread(following.stop)
            await plane.stop()

    api = FastAPI(
        title="Penstock control plane",
        version=penstock.__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        routes=[*health.routes, *metrics.routes, *admin_routes()],
        docs_url=None,  # its page loads scripts from a CDN; the description itself is at /openapi.json
        redoc_url=None,
    )
    api.state.plane = plane
    faults.install(api)
    return api
