"""What the admin API answers where it has no such exchange."""

from penstock.core.errors import PenstockError


class UnknownExchange(PenstockError):
    """No such exchange in the ledger, or another tenant's."""

    code = "unknown_exchange"
    status = 404
