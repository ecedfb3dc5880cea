"""Single signed requests to an S3 server, to see whether it works; the archive itself goes through boto3."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

from service.stack.endpoints import S3Access

__all__ = ["Answer", "ask"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 means nobody answered."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def ask(
    access: S3Access,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    at: datetime | None = None,
    timeout_s: float = 5.0,
) -> Answer:
    """One request, signed as AWS wants it (signature version 4). ``path`` begins with a slash and has no query."""
    target = urlsplit(access.endpoint)
    path = quote(target.path.rstrip("/") + path)
    signed = _sign(
        access, method, path, body, {"host": target.netloc, **(headers or {})}, at or datetime.now(UTC)
    )
    connect = HTTPSConnection if target.scheme == "https" else HTTPConnection
    connection = connect(target.hostname or "", target.port, timeout=timeout_s)
    try:
        connection.request(method, path, body=body or None, headers=signed)
        answer = connection.getresponse()
        return Answer(
            answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        )
    except (OSError, HTTPException):
        return Answer(0)
    finally:
        connection.close()


def _sign(
    access: S3Access, method: str, path: str, body: bytes, headers: dict[str, str], at: datetime
) -> dict[str, str]:
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {name.lower(): value for name, value in headers.items()}
    headers |= {"x-amz-date": stamp, "x-amz-content-sha256": digest}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{access.region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{access.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"AWS4-HMAC-SHA256 Credential={access.access_key}/{scope}"
    return {**headers, "authorization": f"{credential}, SignedHeaders={names}, Signature={signature}"}
