"""What `/health` says: live, ready, degraded and why."""

from penstock.core.json import dumps
from penstock.server.http.response import HeaderList
from penstock.server.service import Health


def health_page(health: Health, *, in_flight: int) -> tuple[int, HeaderList, bytes]:
    """Status, headers and body.  Degraded is 200: the data plane serves, and a balancer must not take it out."""
    status = 503 if health.status == "not_ready" else 200
    body = {"status": health.status, "reasons": health.reasons, "in_flight": in_flight, **(health.details or {})}
    return status, [("content-type", "application/json"), ("cache-control", "no-store")], dumps(body)
