"""The data plane's HTTP side, on granian's RSGI interface: routes, bodies, streaming replies, disconnects, health."""
