"""A small GET over HTTPS with every bound that a stranger's server needs.  Called by `issuers`, in threads.

No redirects: a key set comes from where the configuration says.  Certificates are checked by the system's authorities
(`SSL_CERT_FILE` adds one).
"""

import http.client
import ssl
import time
from urllib.parse import urlsplit

_MAX_BYTES = 1024 * 1024
_CHUNK_BYTES = 65_536
_TOTAL_S = 10.0
_STEP_S = 5.0


class FetchFailed(Exception):
    """`str()` says why, and holds nothing that the server sent."""


def fetch(url: str) -> bytes:
    """The body of a 200 answer.  Takes ten seconds or so at most.  Raises `FetchFailed`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=_STEP_S, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=_STEP_S)
    )
    give_up_s = time.monotonic() + _TOTAL_S
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", target, headers={"accept": "application/json", "user-agent": "penstock"})
        response = connection.getresponse()
        if response.status != 200:
            raise FetchFailed(f"it answered {response.status}")
        body = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            body += chunk
            if len(body) > _MAX_BYTES:
                raise FetchFailed(f"its answer is longer than {_MAX_BYTES} bytes")
            if time.monotonic() > give_up_s:
                raise FetchFailed(f"its answer took longer than {_TOTAL_S:g} s")
        return bytes(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchFailed(f"{type(error).__name__}: it cannot be reached") from error
    finally:
        connection.close()
