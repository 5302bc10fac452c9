"""Why nothing is kept of an exchange, as far as the ledger and today's configuration can tell."""

from collections.abc import Mapping
from typing import Any

from penstock.config import Config
from penstock.config.contents import policy_of
from penstock.watch.contents.stage import KIND_OF, is_sampled

_DAY_S = 86_400.0
_OTHERWISE = (
    "It may have asked not to be kept (`Cache-Control: no-store`), may not rest in this region, was erased, was dropped"
    " for want of room, or is on its way still."
)


def why_missing(config: Config, entry: Mapping[str, Any], now: float) -> str:
    """A sentence for people who may see the exchange: `entry` is its row of the ledger."""
    model = config.models.get(entry["model"])
    policy = policy_of(
        config.contents, None if model is None else model.contents, config.contents.tenants.get(entry["tenant"])
    )
    if entry["operation"] != "chat":
        return "Contents are kept of conversations alone."
    if policy is None:
        return (
            "Contents are not kept of this assistant and tenant: `contents` in penstock.yaml says what is kept, from"
            " then on."
        )
    if now - entry["started_at"].timestamp() > policy.lifetime_days * _DAY_S:
        return f"It was too long ago: contents are kept for {policy.lifetime_days:g} days."
    is_chosen = policy.keep == "all" or is_sampled(entry["id"], policy.sample)
    if not is_chosen and KIND_OF.get(entry["outcome"]) not in policy.always:
        return f"It is not in the sample: {100 * policy.sample:g} % of the exchanges are kept."
    if entry["outcome"] == "rejected":
        return "It was refused before any guard had seen it, and such are not kept."
    return _OTHERWISE
