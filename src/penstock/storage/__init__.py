"""PostgreSQL: the embedded server, connections, and the migrations; the only room but a layer's store that knows it."""
