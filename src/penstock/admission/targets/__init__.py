"""What stands before each target: queue, adaptive concurrency, provider limits, breaker, latency, retry budget.

`app` makes one `TargetGate` a target and one `RetryBudget` a route; `flow.attempt` passes through them.
"""
