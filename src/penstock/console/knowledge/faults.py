"""What the admin API answers where it has no such knowledge."""

from penstock.core.errors import PenstockError


class UnknownBase(PenstockError):
    code = "unknown_base"
    status = 404


class UnknownDocument(PenstockError):
    code = "unknown_document"
    status = 404
