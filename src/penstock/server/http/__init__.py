"""The data plane's own HTTP/1.1 server, on asyncio and llhttp: see docs/decisions/0003."""
