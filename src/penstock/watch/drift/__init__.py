"""Tells whether an assistant's exchanges have changed: pure computing over sums by the hour.

`store` has the SQL and `checking` the order of things.

`watching.look` is what is asked every hour, `anomaly.judge` what a rule asks of a single figure.  Standard library
only, since the control plane is installed without numpy.
"""
