"""Guards that are not ours: a plugin in this process, or a service that is asked over HTTP.

Both are asked about the masked text and answer with one `Opinion` a text; whatever else they do is a guard that has
not judged, and its `fail` setting decides.  `penstock.testing.guards` has the kit that an own guard can be tested with.
"""
