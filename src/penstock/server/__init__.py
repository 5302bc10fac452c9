"""The data plane's HTTP side: its server (`http`), routes, bodies, unary and streamed replies, health."""
