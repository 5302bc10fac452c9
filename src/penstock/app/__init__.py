"""The composition root: the only room that names concrete adapters.

`serve` runs the data plane, `explain` says what it would do with a request; both are called by `cli`.
"""

from penstock.app.data_plane import serve
from penstock.app.explain import explain

__all__ = ["explain", "serve"]
