"""Alerts: offered once or twice by whoever notices something, told to people exactly once, and never lost.

`outbox` keeps them on this machine, `courier` brings them to where the fleet keeps them (`store`; `local` where there
is no database), `deliver` sends them to the configured webhooks.  docs/alerts.md says what is promised.
"""
