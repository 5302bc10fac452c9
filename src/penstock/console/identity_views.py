"""What the admin API shows and takes of tenants, projects, keys, providers' credentials and the audit."""

from datetime import datetime
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from penstock.config.identity import Role
from penstock.core.exchange import Priority

TENANT_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_MAX_OVERLAP_S = 90 * 86_400


def _without_nul(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it holds control characters")
    return text


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("there is no such time zone; one reads like Europe/Berlin")
    return name


Id = Annotated[str, Field(pattern=TENANT_ID)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_without_nul)]
Feature = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$")]
Model = Annotated[str, Field(pattern=r"^[^*\s\x00]{0,255}\*?$", min_length=1)]
Models = Annotated[
    list[Model],
    Field(max_length=200, description="Names of models and assistants, each exact or ending in `*`; empty is none."),
]
TimeZone = Annotated[str, AfterValidator(_known_zone), Field(description="IANA name; a tenant's day begins by it.")]
Weight = Annotated[float, Field(gt=0, le=1000, description="Its share where there is not room for all.")]


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TenantView(BaseModel):
    id: str
    name: str
    time_zone: str
    weight: float
    plan: str | None
    created_at: datetime
    suspended_at: datetime | None


class TenantPage(BaseModel):
    items: list[TenantView]
    next: str | None


class NewTenant(Wanted):
    id: Id
    name: Name | None = Field(default=None, description="The id, if absent.")
    time_zone: TimeZone = "UTC"
    weight: Weight = 1.0
    plan: Name | None = None


class TenantChange(Wanted):
    """What is absent stays as it is."""

    name: Name = ""
    time_zone: TimeZone = ""
    weight: Weight = 1.0
    plan: Name | None = None


class ProjectView(BaseModel):
    tenant: str
    id: str
    name: str
    created_at: datetime


class ProjectList(BaseModel):
    items: list[ProjectView]


class NewProject(Wanted):
    id: Id
    name: Name | None = Field(default=None, description="The id, if absent.")


class ProjectChange(Wanted):
    name: Name


class KeyView(BaseModel):
    """A key without the key: `prefix` is its beginning."""

    id: str
    tenant: str
    project: str | None
    name: str
    prefix: str
    models: list[str] | None = Field(description="What it may ask for; null is every model.")
    priority: Priority
    feature: str | None
    roles: list[Role]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None = Field(description="The key that it was rotated to.")


class KeyPage(BaseModel):
    items: list[KeyView]
    next: str | None


class NewKeyRequest(Wanted):
    tenant: Id
    name: Name
    project: Id | None = None
    models: Models | None = None
    priority: Priority = "interactive"
    feature: Feature | None = None
    roles: list[Role] = Field(default=[], max_length=6, description="What it may do with this API, in its tenant.")
    expires_at: datetime | None = Field(default=None, description="With a time zone; never, if absent.")


class KeyChange(Wanted):
    """What is absent stays as it is."""

    name: Name = ""
    models: Models | None = None
    priority: Priority = "interactive"
    feature: Feature | None = None
    roles: list[Role] = Field(default=[], max_length=6)
    expires_at: datetime | None = None


class Rotation(Wanted):
    overlap_s: float = Field(
        default=86_400, ge=0, le=_MAX_OVERLAP_S, description="How long the old key goes on beside the new one."
    )


class CreatedKey(KeyView):
    key: str = Field(description="The key itself: shown this once and stored nowhere.")


class CredentialView(BaseModel):
    """A provider's stored credential without the credential."""

    provider: str
    last_chars: str = Field(description="Its end; empty where it is so short that this would tell much.")
    key_id: str = Field(description="The key that it is encrypted under.")
    set_at: datetime


class CredentialList(BaseModel):
    items: list[CredentialView]


class NewCredential(Wanted):
    credential: str = Field(
        min_length=1, max_length=8192, pattern=r"^[\x21-\x7e]+$", json_schema_extra={"writeOnly": True}
    )


class AuditView(BaseModel):
    """One change.  `fields` names what differs; the digests prove what stood before and after."""

    id: int
    at: datetime
    actor: str
    actor_tenant: str | None
    action: str
    tenant: str | None
    subject: str
    fields: list[str]
    before_digest: str | None
    after_digest: str | None
    request_id: str


class AuditPage(BaseModel):
    """Newest first.  `next` is the `before` of the next page; null on the last."""

    items: list[AuditView]
    next: int | None
