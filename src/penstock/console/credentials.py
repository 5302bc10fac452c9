"""Providers' credentials over the admin API: set, replaced, removed, never shown."""

from typing import Annotated

import msgspec
from fastapi import Path

from penstock.admission.identity import credential_store as store
from penstock.admission.identity.faults import NoCredentialsKey
from penstock.console import identity_views as views
from penstock.console.access import Caller, Plane, admin_router, errors, needs

router = admin_router("/credentials", "credentials")

Provider = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


@router.get("", openapi_extra=needs("credentials.read"), responses=errors(403))
async def credentials(plane: Plane) -> views.CredentialList:
    """The stored credentials, by provider; of each its last characters only."""
    async with plane.database.connection() as connection:
        rows = await store.list_credentials(connection)
    return views.CredentialList(items=[_view(row) for row in rows])


@router.put("/{provider}", openapi_extra=needs("credentials.write"), responses=errors(403, 409))
async def put_credential(
    plane: Plane, call: Caller, provider: Provider, wanted: views.NewCredential
) -> views.CredentialView:
    """Store a provider's credential, encrypted; the data plane uses it within a second or so, in place of any other."""
    sealer = plane.identities.sealer
    if sealer is None:
        raise NoCredentialsKey(
            "Credentials cannot be stored: set `identity.credentials_key` to `env:NAME` or `file:/path` of 32 random"
            " bytes in hexadecimal."
        )
    async with plane.database.connection() as connection:
        row = await store.set_credential(connection, sealer, provider, wanted.credential, call.change())
    return _view(row)


@router.delete("/{provider}", status_code=204, openapi_extra=needs("credentials.write"), responses=errors(403, 404))
async def drop_credential(plane: Plane, call: Caller, provider: Provider) -> None:
    """Remove it; that of the configuration, if there is one, counts again."""
    async with plane.database.connection() as connection:
        await store.remove_credential(connection, provider, call.change())


def _view(row: store.CredentialRow) -> views.CredentialView:
    return views.CredentialView.model_validate(msgspec.structs.asdict(row))
