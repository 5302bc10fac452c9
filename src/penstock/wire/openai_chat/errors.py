"""Errors as OpenAI's clients expect them: `{"error": {"message", "type", "param", "code"}}`.

`code` is Penstock's own stable code; `type` is OpenAI's word for the class of error.
"""

from penstock.core.errors import InternalError, PenstockError
from penstock.core.exchange import Exchange
from penstock.core.json import dumps


def error_body(error: PenstockError, exchange_id: str) -> bytes:
    """The JSON text of an error.  Only its public text is shown; a fault of our own shows the exchange id instead."""
    message = error.public
    if type(error) is PenstockError or isinstance(error, InternalError):
        message = f"Something went wrong on our side. Please quote {exchange_id} when you report it."
    return dumps(
        {
            "error": {
                "message": message,
                "type": _type_of(error.status),
                "param": error.field,
                "code": error.code,
            }
        }
    )


def error_of(exchange: Exchange) -> PenstockError:
    """The exchange's error; the engine sets one for every end that is an error."""
    return exchange.error if exchange.error is not None else InternalError("internal error")


def _type_of(status: int) -> str:
    match status:
        case 401:
            return "authentication_error"
        case 403:
            return "permission_error"
        case 429:
            return "rate_limit_error"
        case _ if status < 500:
            return "invalid_request_error"
        case _:
            return "server_error"
