"""Who may call which route of the admin API: one dependency, on every route of it.

A route names its permission with `needs`; one that names none is closed.  What a caller may not see within a route is
narrowed by `Actor.tenant`, which every query of tenants' things takes as its scope.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPBearer

from penstock.admission.identity.audit import Change
from penstock.admission.identity.faults import no_tenant
from penstock.admission.identity.roles import ALL, OWNER_TOKEN, Actor, Permission, actor_of
from penstock.console import views
from penstock.console.plane import ControlPlane
from penstock.console.token import is_admin
from penstock.core.errors import AuthError, Forbidden, MalformedRequest

PERMISSION = "x-permission"
"""Where a route's description says what it needs."""


def plane_of(request: Request) -> ControlPlane:
    """The control plane that the application was made with."""
    plane: ControlPlane = request.app.state.plane
    return plane


Plane = Annotated[ControlPlane, Depends(plane_of)]


def needs(permission: Permission) -> dict[str, Any]:
    """For `openapi_extra` of a route: what its caller must be allowed to."""
    return {PERMISSION: permission}


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised call of the admin API."""

    actor: Actor
    request_id: str
    now: datetime

    @property
    def scope(self) -> str | None:
        """The only tenant that the caller sees; None for one who sees all."""
        return self.actor.tenant

    def narrowed(self, tenant: str | None) -> str | None:
        """The tenant to ask about, given the one that was asked for.  Raises `UnknownTenant` for another's."""
        if self.actor.tenant is None or tenant == self.actor.tenant:
            return tenant
        if tenant is None:
            return self.actor.tenant
        raise no_tenant()

    def whose(self, tenant: str | None) -> str:
        """As `narrowed`, where nothing can be done for all.  Raises `MalformedRequest` where nobody has said whose."""
        found = self.narrowed(tenant)
        if found is None:
            raise MalformedRequest("Say which tenant is meant.", field="tenant")
        return found

    def change(self) -> Change:
        return Change(actor=self.actor.id, actor_tenant=self.actor.tenant, request_id=self.request_id, at=self.now)


def authorize(request: Request, response: Response, plane: Plane) -> Call:
    """The caller, who may do what the route is for.

    Raises `AuthError` (the same for every credential that is not good) and `Forbidden`.
    """
    actor = _actor(request, plane)
    extra: dict[str, Any] = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    permission = extra.get(PERMISSION)
    if permission not in ALL or not actor.may(permission):
        raise Forbidden(f"This credential may not do that: it needs `{permission}`.")
    request_id = plane.new_id("req")
    response.headers["x-request-id"] = request_id
    return Call(actor, request_id, datetime.fromtimestamp(plane.clock.now(), UTC))


def _actor(request: Request, plane: ControlPlane) -> Actor:
    authorization = request.headers.get("authorization")
    if any(len(request.headers.getlist(name)) > 1 for name in ("authorization", "x-api-key")):
        raise MalformedRequest("There is more than one `authorization` or `x-api-key` header.")
    if is_admin(plane.admin_token, authorization):
        return OWNER_TOKEN
    try:
        principal = plane.identities.authenticator.authenticate(authorization, request.headers.get("x-api-key"))
    except AuthError as error:
        raise AuthError(
            "This needs the admin token, or a key or token whose roles allow it: send it as"
            " `Authorization: Bearer <token>`.",
            detail=error.detail,
        ) from None
    return actor_of(principal)


Caller = Annotated[Call, Depends(authorize)]


def errors(*statuses: int) -> "dict[int | str, dict[str, Any]]":
    """For `responses` of a route: the statuses of its errors.

    They refer to `ErrorView` by its name: FastAPI would make a validator of each that were given as a model, six
    hundred of them in all, and none of them is ever used.
    """
    shown = {"application/json": {"schema": {"$ref": f"#/components/schemas/{views.ErrorView.__name__}"}}}
    return {status: {"content": shown} for status in statuses}


_CREDENTIAL = HTTPBearer(auto_error=False, description="The admin token, or a key or token whose roles allow it.")


def admin_router(prefix: str, *tags: str) -> APIRouter:
    """For one part of the admin API, `/admin/v1`: every route that is put on it is behind `authorize`.

    It stands on its own, and `admin.py` collects its routes: FastAPI would build each a second time if it were
    included in another router, which is a fifth of a second of each start.
    """
    return APIRouter(
        prefix=f"/admin/v1{prefix}",
        tags=["admin", *tags],
        dependencies=[Depends(_CREDENTIAL), Depends(authorize)],
        responses=errors(400, 401, 403, 503),
    )
