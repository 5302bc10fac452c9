"""One alert to one channel that takes Slack's incoming webhooks (Mattermost and Rocket.Chat take them too).

All is set as plain text, so that a name with stars in it is a name, and the three characters that Slack reads are
escaped as it says: without `<` nobody can be mentioned and no link made, and `link_names` off keeps `@here` a word.
Slack itself keeps no ids: an alert that it took without saying so comes twice there, with the same id at its end; the
header `webhook-id` has it for receivers that look.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

import penstock
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import EVERYTHING, Reply, Terms, Wanted
from penstock.watch.alerts.webhook import message_id, reply_of
from penstock.watch.posting import Way, post

_SIGNS = {"info": "Info", "warning": "Warning", "critical": "Critical"}
_MOST_TEXT = 2_900
"""Of one block; Slack takes 3,000 characters."""
_MOST_HEAD = 150
_MOST_FACT = 300
_MOST_FACTS = 10
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """A receiver.  Its URL is its credential, and is not shown."""

    name: str
    url: str = field(repr=False)
    wanted: Wanted = EVERYTHING

    @property
    def title(self) -> str:
        return f"the Slack channel {self.name}"

    def wants(self, alert: Alert) -> bool:
        return self.wanted.has(alert)

    def send(self, alert: Alert, *, now: float, terms: Terms) -> Reply:
        del now  # nothing is signed
        headers = {
            "content-type": "application/json",
            "user-agent": f"penstock/{penstock.__version__}",
            "webhook-id": message_id(alert.id),
        }
        way = Way(timeout_s=terms.timeout_s, allow_private=terms.allow_private)
        return reply_of(post(self.url, msgspec.json.encode(body_of(alert)), headers, way))


def body_of(alert: Alert) -> dict[str, Any]:
    """What is sent: `text` for notifications and for receivers that know no blocks."""
    head = f"{_SIGNS[alert.severity]}: {alert.subject}" + ("" if alert.tenant is None else f" ({alert.tenant})")
    facts = list(_facts(alert))
    return {
        "text": escaped(f"{head}: {alert.text}", _MOST_TEXT),
        "mrkdwn": False,
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [
            {"type": "header", "text": _plain(head, _MOST_HEAD)},
            {"type": "section", "text": _plain(alert.text, _MOST_TEXT)},
            *([{"type": "section", "fields": facts}] if facts else []),
            {"type": "context", "elements": [_plain(f"{alert.kind}  {message_id(alert.id)}", _MOST_TEXT)]},
        ],
    }


def escaped(text: str, most: int) -> str:
    """Without anything that Slack reads: mentions and links begin with `<`, entities with `&`; so long at most."""
    shown = "".join(_ESCAPED.get(char, char) for char in text[:most])
    if len(shown) <= most:
        return shown
    cut = shown[: most - 1]
    return cut[: cut.rindex("&")] if cut.rfind("&") > cut.rfind(";") else cut  # no half of an entity


def _plain(text: str, most: int) -> dict[str, Any]:
    """Shown letter by letter; escaped all the same, for receivers that make no difference."""
    return {"type": "plain_text", "text": escaped(text, most) or " ", "emoji": False}


def _facts(alert: Alert) -> Iterator[dict[str, Any]]:
    for name, value in list(alert.facts.items())[:_MOST_FACTS]:
        if value is not None:
            yield _plain(f"{name}: {value}", _MOST_FACT)
