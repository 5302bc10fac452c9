"""Upstream dialects: one package each, pure functions from requests to HTTP calls and from bytes to events.

`http` puts a dialect and a connection pool together as a `core.ports.Provider`; `vendors` holds what is known of each
vendor's deviations as data.
"""
