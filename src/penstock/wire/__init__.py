"""Client dialects: they parse what an application sends and write what it expects to read.  No I/O."""
