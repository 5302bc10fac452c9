"""One alert to one webhook over HTTP, signed as https://www.standardwebhooks.com says (specification 1.0.0).

Called in threads; `posting` says how it is sent.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

import penstock
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import EVERYTHING, Reply, Terms, Wanted, is_refusal
from penstock.watch.posting import Posted, Way
from penstock.watch.posting import post as send


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A receiver.  `keys` sign, the present one first."""

    name: str
    url: str
    keys: tuple[bytes, ...]
    wanted: Wanted = EVERYTHING

    @property
    def title(self) -> str:
        return f"the webhook {self.name}"

    def wants(self, alert: Alert) -> bool:
        return self.wanted.has(alert)

    def send(self, alert: Alert, *, now: float, terms: Terms) -> Reply:
        return reply_of(post(self, alert, now=now, timeout_s=terms.timeout_s, allow_private=terms.allow_private))


def reply_of(posted: Posted) -> Reply:
    """What an answer over HTTP says of an alert."""
    return Reply(
        status=posted.status,
        problem=None if posted.is_taken else posted.problem,
        text=posted.text,
        took_s=posted.took_s,
        is_taken=posted.is_taken,
        is_refused=is_refusal(posted.status) and not posted.is_gone,
        is_gone=posted.is_gone,
        retry_after_s=posted.retry_after_s,
    )


def message_id(alert_id: str) -> str:
    """The webhook-id: the same for each attempt, and with no character that a header or a signature cannot have."""
    return f"msg_{hashlib.sha256(alert_id.encode()).hexdigest()[:40]}"


def message(alert: Alert) -> bytes:
    """The JSON that is sent."""
    timestamp = datetime.fromtimestamp(alert.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": alert.kind, "timestamp": timestamp, "data": alert})


def signature(keys: Sequence[bytes], msg_id: str, timestamp: int, body: bytes) -> str:
    """The webhook-signature: one for each key, a space between them."""
    signed = b"%b.%d.%b" % (msg_id.encode(), timestamp, body)
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)


def post(webhook: Webhook, alert: Alert, *, now: float, timeout_s: float, allow_private: bool) -> Posted:
    """Send it once.  Never raises for what the receiver or the network does; takes little longer than `timeout_s`."""
    msg_id, body = message_id(alert.id), message(alert)
    headers = {
        "content-type": "application/json",
        "user-agent": f"penstock/{penstock.__version__}",
        "webhook-id": msg_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": signature(webhook.keys, msg_id, int(now), body),
    }
    return send(webhook.url, body, headers, Way(timeout_s=timeout_s, allow_private=allow_private))
