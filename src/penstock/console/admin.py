"""The admin API, `/admin/v1`: what is served and what was settled; with it its other parts, all behind `authorize`."""

from starlette.routing import BaseRoute

import penstock
from penstock.config.digest import redacted
from penstock.console import audit, credentials, keys, targets, tenants, views
from penstock.console.access import Caller, Plane, admin_router, needs
from penstock.console.alerting import alerts, objectives, silences
from penstock.console.alerting import rules as alert_rules
from penstock.console.cache import routes as cache
from penstock.console.configured import reload
from penstock.console.contents import routes as contents
from penstock.console.costs import routes as costs
from penstock.console.drift import findings as drift_findings
from penstock.console.drift import routes as drift
from penstock.console.figures import routes as figures
from penstock.console.guards import vault
from penstock.console.knowledge import bases, documents
from penstock.console.ledger import routes as ledger
from penstock.console.memory import erasing as memory
from penstock.console.money import compare, prices, reconcile, value
from penstock.console.outcomes import feedback, left_out, savings
from penstock.console.quality import looked_at
from penstock.console.quality import outcomes as quality_outcomes
from penstock.console.quality import routes as quality
from penstock.console.review import cases, holds, seconds
from penstock.console.review import groups as review_groups
from penstock.console.rules import budgets, limits
from penstock.console.security import routes as security

router = admin_router("")
_PARTS = (
    keys.router,
    tenants.router,
    limits.router,
    budgets.router,
    credentials.router,
    targets.router,
    cache.router,
    vault.router,
    bases.router,
    documents.router,
    memory.router,
    contents.router,
    alerts.router,
    silences.router,
    alert_rules.router,
    objectives.router,
    audit.router,
    reload.router,
    left_out.router,
    feedback.router,
    savings.router,
    costs.router,
    figures.router,
    quality.router,
    quality_outcomes.router,
    looked_at.router,
    security.router,
    ledger.router,
    drift.router,
    drift_findings.router,
    compare.router,
    reconcile.router,
    value.router,
    prices.router,
    seconds.router,
    review_groups.router,
    cases.router,
    holds.router,
    router,
)


def admin_routes() -> list[BaseRoute]:
    """All of them, in the order in which they are looked at."""
    return [route for part in _PARTS for route in part.routes]


@router.get("/status", openapi_extra=needs("status.read"))
async def status(plane: Plane) -> views.StatusView:
    """Version, configuration, health and shipping at one glance."""
    shipped = plane.shipping.status
    return views.StatusView(
        version=penstock.__version__,
        config_hash=plane.config.config_hash,
        uptime_s=plane.clock.monotonic() - plane.started_s,
        health=await plane.health(),
        shipped_records=0 if shipped is None else shipped.shipped_records,
        shipping_error=None if shipped is None else shipped.last_error,
    )


@router.get("/whoami", openapi_extra=needs("models.read"))
def whoami(call: Caller) -> views.ActorView:
    """Who asks, and what they may do; whoever has a role at all may ask this."""
    actor = call.actor
    return views.ActorView(
        id=actor.id, tenant=actor.tenant, roles=list(actor.roles), permissions=sorted(actor.permissions)
    )


@router.get("/models", openapi_extra=needs("models.read"))
def models(plane: Plane) -> list[views.ModelView]:
    """The model names that are shown to callers, and where each leads."""
    catalog = plane.catalog.get()
    found = [(name, catalog.resolve(name)) for name in catalog.names()]
    return [
        views.ModelView(
            name=name, targets=[target.name for target in catalog.targets(name)], max_attempts=route.max_attempts
        )
        for name, route in found
    ]


@router.get("/providers", openapi_extra=needs("providers.read"))
def providers(plane: Plane) -> list[views.ProviderView]:
    """The providers that can be called, without their credentials."""
    shown: list[views.ProviderView] = []
    for provider in plane.catalog.get().providers():
        settings = plane.config.providers.get(provider.name)
        reference = None if settings is None or settings.api_key is None else settings.api_key.shown()
        shown.append(
            views.ProviderView(
                name=provider.name,
                dialect=provider.dialect,
                is_configured=settings is not None,
                base_url=None if settings is None else settings.base_url,
                api_key=reference,
            )
        )
    return shown


@router.get("/config", openapi_extra=needs("config.read"))
def config(plane: Plane) -> views.ConfigView:
    """Every setting in force, secrets as references, and the hash that stands in each ledger row."""
    settings = plane.config
    return views.ConfigView(config_hash=settings.config_hash, file=settings.file, settings=redacted(settings))
