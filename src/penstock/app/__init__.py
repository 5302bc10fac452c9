"""The composition root: the only room that names concrete adapters.

`data_plane.serve` runs the data plane, `explain.explain` says what it would do with a request; `cli` calls both.
Nothing is imported here: the control plane and the worker take parts of this room, and none of the rest.
"""
