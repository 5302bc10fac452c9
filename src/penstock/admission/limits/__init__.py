"""Limits and budgets that are exact over any number of processes, and cost a request no network.

Counters are local; what they may give out is leased from a store, ahead of need and in slices (`book`, `supply`).
`app` builds a `LimitStage` from limits, budgets and one of the three stores; `LimitSupply` keeps it supplied.
"""
