"""Signs a call with AWS Signature Version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; the tests compare it with
botocore's signer.  Bedrock takes the path escaped twice: once in the URL, once more in what is signed.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "bedrock"


@dataclass(frozen=True, slots=True, repr=False)
class AwsCredential:
    """An access key.  Never printed."""

    access_key: str
    secret_key: str
    session_token: str | None = None


def read_credential(text: str) -> AwsCredential | None:
    """Read `access_key:secret_key[:session_token]`; None where it is no such thing but a Bedrock API key."""
    access_key, colon, rest = text.partition(":")
    if not colon:
        return None
    secret_key, _, session_token = rest.partition(":")
    return AwsCredential(access_key, secret_key, session_token or None)


def sign(
    url: str, body: bytes, headers: tuple[tuple[str, str], ...], credential: AwsCredential, *, region: str, now: float
) -> tuple[tuple[str, str], ...]:
    """The headers that a POST of `body` to `url` needs beside `headers`, which are signed, too.

    `url` has an escaped path and no query.  Header names are in lower case.  `now` is Unix seconds.
    """
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    split = urlsplit(url)
    added = [("x-amz-date", stamp)]
    if credential.session_token is not None:
        added.append(("x-amz-security-token", credential.session_token))
    signed = sorted([("host", _host(split.netloc, split.scheme)), *headers, *added])
    names = ";".join(name for name, _ in signed)
    canonical = "\n".join(
        (
            "POST",
            quote(split.path or "/", safe="/~"),
            "",
            *(f"{name}:{' '.join(value.split())}" for name, value in signed),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{stamp[:8]}/{region}/{SERVICE}/aws4_request"
    to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credential.secret_key}".encode()
    for step in (stamp[:8], region, SERVICE, "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    authorization = (
        f"{ALGORITHM} Credential={credential.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return (*added, ("authorization", authorization))


def _host(netloc: str, scheme: str) -> str:
    """The `host` header that an HTTP client sends: without user and default port."""
    host = netloc.rpartition("@")[2].lower()
    return host.removesuffix(":443" if scheme == "https" else ":80")
