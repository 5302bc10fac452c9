"""Every control of admission at once: the ten limits, the budget and the issuer that the bench switches on.

The amounts are out of reach: what is measured is what it costs to count, not to refuse.
"""

from bench.issuer import AUDIENCE, Issuer

USERS = 16
"""So many end users take turns: one limit counts each of them for itself."""

LIMITS = """limits:
  - {name: all-requests-second, unit: requests, amount: 100000000, per: second, scope: [global]}
  - {name: tenant-requests-minute, unit: requests, amount: 100000000, per: minute, scope: [tenant]}
  - {name: key-requests-hour, unit: requests, amount: 100000000, per: hour, scope: [key]}
  - {name: assistant-requests-day, unit: requests, amount: 100000000, per: day, scope: [tenant, assistant]}
  - {name: tenant-tokens-minute, unit: tokens, amount: 1000000000000, per: minute, scope: [tenant]}
  - {name: user-tokens-day, unit: tokens, amount: 1000000000000, per: day, scope: [user]}
  - {name: assistant-input-hour, unit: input_tokens, amount: 1000000000000, per: hour, scope: [assistant]}
  - {name: tenant-at-once, unit: concurrency, amount: 100000, scope: [tenant]}
  - {name: target-at-once, unit: concurrency, amount: 100000, scope: [target]}
  - {name: target-requests-month, unit: requests, amount: 100000000000, per: month, scope: [target]}
budgets:
  - {name: tenant-month, per: month, scope: [tenant], hard_usd: 9000000}
"""
DESCRIBED = (
    "10 limits (requests, tokens and concurrency; global, tenant, key, user, assistant and target; second to month), "
    f"a budget, and {USERS} clients that sign in with a JWT"
)


def of_issuer(issuer: Issuer, *, tenant: str) -> str:
    """The configuration that trusts it."""
    return f"""identity:
  issuers:
    bench: {{issuer: "{issuer.name}", jwks_url: "{issuer.name}/keys", audiences: [{AUDIENCE}], tenant: {tenant}}}
"""
