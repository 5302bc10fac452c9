"""What the admin API answers where a change cannot be made."""

from penstock.core.errors import PenstockError


class UnknownKey(PenstockError):
    code = "unknown_key"
    status = 404


class UnknownTenant(PenstockError):
    code = "unknown_tenant"
    status = 404


class UnknownProject(PenstockError):
    code = "unknown_project"
    status = 404


class UnknownRule(PenstockError):
    """No such limit, budget or override, or another tenant's."""

    code = "unknown_rule"
    status = 404


class UnknownCredential(PenstockError):
    code = "unknown_credential"
    status = 404


class Conflict(PenstockError):
    """What is there already, or has ended, stands in the way."""

    code = "conflict"
    status = 409


class NoCredentialsKey(PenstockError):
    """Credentials cannot be kept: the configuration names no key to encrypt them with."""

    code = "no_credentials_key"
    status = 409


def no_key() -> UnknownKey:
    return UnknownKey("There is no such key.")


def no_tenant() -> UnknownTenant:
    return UnknownTenant("There is no such tenant.")


def no_project() -> UnknownProject:
    return UnknownProject("There is no such project.")
