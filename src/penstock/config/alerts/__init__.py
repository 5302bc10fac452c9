"""Alerts as frozen values: who is told (`settings`), of what (`rules`), and what is promised to callers (`objectives`).

`app` and `console` hand them to `watch.alerts`, `watch.rules` and `watch.objectives`.
"""

from penstock.config.alerts.objectives import ObjectiveSettings, broken_objectives
from penstock.config.alerts.rules import GAUGES, RuleSettings, broken_rules
from penstock.config.alerts.settings import (
    AlertSettings,
    EmailSettings,
    SlackSettings,
    SmtpSettings,
    WebhookSettings,
    broken_alerts,
    webhook_key,
)

__all__ = [
    "GAUGES",
    "AlertSettings",
    "EmailSettings",
    "ObjectiveSettings",
    "RuleSettings",
    "SlackSettings",
    "SmtpSettings",
    "WebhookSettings",
    "broken_alerts",
    "broken_objectives",
    "broken_rules",
    "webhook_key",
]
