"""Every error of the control plane as `{"error": {"code", "message"}}`."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from penstock.core.errors import PenstockError

_log = structlog.get_logger(__name__)


def error_response(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status, headers=headers)


def install(api: FastAPI) -> None:
    """Map what the routes raise."""

    @api.exception_handler(PenstockError)
    def _ours(request: Request, error: PenstockError) -> JSONResponse:
        if error.status >= 500:
            # The caller learns that it failed, and the operator why.
            route = getattr(request.scope.get("route"), "path", None)
            _log.warning("request_failed", method=request.method, route=route, code=error.code, reason=error.detail)
        headers = {} if error.retry_after_s is None else {"retry-after": str(round(error.retry_after_s))}
        if error.status == 401:
            headers["www-authenticate"] = "Bearer"
        return error_response(error.status, error.code, error.public, headers)

    @api.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        match error.status_code:
            case 404:
                code = "unknown_path"
            case 405:
                code = "method_not_allowed"
            case _:
                code = "client_error"
        return error_response(error.status_code, code, str(error.detail), dict(error.headers or {}))

    @api.exception_handler(RequestValidationError)
    def _malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        problems = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors())
        return error_response(400, "malformed_request", problems)

    @api.exception_handler(Exception)
    def _unexpected(_: Request, __: Exception) -> JSONResponse:  # the server logs it
        return error_response(500, "internal_error", "An unexpected error; it is in the control plane's log.")
