"""All pages of the console, as one table: to add one, write its module in `pages/` and its row here.

The navigation, the rights, the deep links, the generic page tests and the table in docs/console.md follow from it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from penstock.admission.identity.roles import Permission
from penstock.console.web.pages import (
    alerts,
    audit,
    budgets,
    cache,
    costs,
    drift,
    guards,
    health,
    keys,
    knowledge,
    limits,
    models,
    objectives,
    providers,
    quality,
    reviews,
    security,
    targets,
    tenants,
)
from penstock.console.web.pages.exchanges import detail as exchange
from penstock.console.web.pages.exchanges import listing as exchanges
from penstock.console.web.pages.overview import page as overview
from penstock.console.web.pages.playground import page as playground
from penstock.console.web.view import View

Group = Literal["Now", "Models", "Answers", "Access", "Spending", "Records"]


@dataclass(frozen=True, slots=True)
class Page:
    """`path` is below `/console`; `permission` is what its API calls need, and who lacks it sees no link.

    A path with a name in braces is a page of one thing: no link leads there but from the page before the braces.
    """

    path: str
    title: str
    icon: str
    permission: Permission
    group: Group
    lead: str
    build: Callable[[View], Awaitable[None]]


PAGES: tuple[Page, ...] = (
    Page("/", "Overview", "space_dashboard", "models.read", "Now", "How the installation stands.", overview.build),
    Page(
        "/exchanges",
        "Exchanges",
        "swap_vert",
        "ledger.read",
        "Now",
        "Every request that was settled, found by whatever is known of it.",
        exchanges.build,
    ),
    Page(
        "/exchanges/{exchange}",
        "Exchange",
        "swap_vert",
        "ledger.read",
        "Now",
        "Everything that is known of one request.",
        exchange.build,
    ),
    Page("/health", "Health", "monitor_heart", "status.read", "Now", "What runs, and what is wrong.", health.build),
    Page(
        "/alerts",
        "Alerts",
        "notifications_none",
        "alerts.read",
        "Now",
        "What was noticed and who knows, the rules behind it, and who is told.",
        alerts.build,
    ),
    Page(
        "/objectives",
        "Objectives",
        "flag",
        "figures.read",
        "Now",
        "What was promised to callers, and how much of what may go badly is left.",
        objectives.build,
    ),
    Page(
        "/playground",
        "Playground",
        "science",
        "models.read",
        "Models",
        "Ask as an application would, and see all that came of it.",
        playground.build,
    ),
    Page(
        "/models",
        "Assistants and routes",
        "alt_route",
        "models.read",
        "Models",
        "The names that applications ask for, and where each leads.",
        models.build,
    ),
    Page(
        "/targets",
        "Targets",
        "adjust",
        "targets.read",
        "Models",
        "What the fleet has found of each target.",
        targets.build,
    ),
    Page("/providers", "Providers", "hub", "providers.read", "Models", "Who can be called.", providers.build),
    Page(
        "/guards", "Guards", "shield", "figures.read", "Answers", "What each found, stopped and masked.", guards.build
    ),
    Page("/cache", "Cache", "bolt", "cache.read", "Answers", "What is given again, and what that saves.", cache.build),
    Page(
        "/quality",
        "Quality",
        "fact_check",
        "figures.read",
        "Answers",
        "How good answers are, what fails, and what people say.",
        quality.build,
    ),
    Page(
        "/drift",
        "Drift",
        "trending_up",
        "drift.read",
        "Answers",
        "What has changed in what assistants are asked and answer, against the weeks before.",
        drift.build,
    ),
    Page(
        "/knowledge",
        "Knowledge",
        "menu_book",
        "knowledge.read",
        "Answers",
        "The documents that models answer from.",
        knowledge.build,
    ),
    Page(
        "/knowledge/{base}",
        "Knowledge base",
        "menu_book",
        "knowledge.read",
        "Answers",
        "Its documents, where they come from, and who would find what.",
        knowledge.one,
    ),
    Page(
        "/reviews",
        "Reviews",
        "rule",
        "review.read",
        "Answers",
        "Answers that wait for a person.",
        reviews.build,
    ),
    Page(
        "/reviews/{hold}",
        "Review",
        "rule",
        "review.read",
        "Answers",
        "One answer, and what becomes of it.",
        reviews.one,
    ),
    Page(
        "/tenants", "Tenants", "apartment", "tenants.read", "Access", "Who pays, and with which share.", tenants.build
    ),
    Page(
        "/keys", "Keys", "key", "keys.read", "Access", "Credentials of tenants. A key itself is shown once.", keys.build
    ),
    Page("/limits", "Limits", "speed", "limits.read", "Spending", "How much of what, for whom.", limits.build),
    Page(
        "/costs",
        "Costs",
        "payments",
        "figures.read",
        "Spending",
        "What was spent and saved, by whom, and how the month will end.",
        costs.build,
    ),
    Page("/budgets", "Budgets", "savings", "budgets.read", "Spending", "Money, and how far it is used.", budgets.build),
    Page(
        "/security",
        "Security",
        "security",
        "figures.read",
        "Records",
        "What was masked and stopped, who was refused, and keys that are used as never before.",
        security.build,
    ),
    Page("/audit", "Audit", "history", "audit.read", "Records", "Every change made over the admin API.", audit.build),
)
