"""Measures Penstock beside other gateways, in one run, against one upstream, on one machine.

`python -m bench` does it all and writes a report; nothing leaves 127.0.0.1.
"""
