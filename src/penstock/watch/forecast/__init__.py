"""Says of a month's daily spend how it will end, and when a budget will be used up: pure computing, no database.

`outlook.look_ahead` is what is asked; the control plane and the evaluation call it.  Standard library only, since the
control plane is installed without numpy.
"""
