"""Replays recorded conversations with real providers through Penstock and compares what comes out.

`tests/conformance` runs it over the excerpts in the repository; `python -m evaluation.conformance` over all that is at
hand and writes `docs/conformance.md`.  Nothing here uses Penstock's own decoders to say what a recording means.
"""
