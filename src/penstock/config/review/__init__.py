"""When a person must see an answer first, and how the queue of those people is kept."""

from penstock.config.review.broken import broken_review
from penstock.config.review.settings import (
    AmountSettings,
    HoldConditions,
    HoldRule,
    HoursSettings,
    OverdueSettings,
    ReviewSettings,
    Texts,
)

__all__ = [
    "AmountSettings",
    "HoldConditions",
    "HoldRule",
    "HoursSettings",
    "OverdueSettings",
    "ReviewSettings",
    "Texts",
    "broken_review",
]
