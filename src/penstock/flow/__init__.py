"""The engine: admit, attempt, pump, settle.  The only code that knows order, cancellation and streams.

It imports `core` and nothing else; stages and providers reach it as values built in `app`.  Start at `engine`.
"""
