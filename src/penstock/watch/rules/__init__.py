"""Alert rules: once a minute each is held against the figures, and people are told when one begins or ceases to hold.

`rule` is what a rule is, `ready` those that come with Penstock; `judge` and `state` are pure computing, `reading` asks
the sums, `store` keeps how each stands, `evaluator` is the order of things.
"""
