"""One object in one request, a small one past most of botocore: by its signer and its connections alone.

The layers that lie between work out anew for every request what is always the same here: which server, which rules, how
a request is written; for a file of 2 MB that takes as much processor time as sending it. Of this way only success is
believed: whatever else comes, the same object is put the usual way, which knows what every answer means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError

__all__ = ["Labelled", "WholePut"]

_DIRECTLY_UP_TO = 32 * 1024 * 1024
"""Of a larger one the store says whether it wants it before it is sent, which is worth a question."""
_OK = 200
_NOT_CONNECTED = (EndpointConnectionError, ConnectTimeoutError, ConnectionClosedError)


@dataclass(frozen=True, slots=True)
class Labelled:
    """An object to put: where, how large it is, its SHA-256 in Base64, and the labels that it is kept with."""

    bucket: str
    key: str
    size_bytes: int
    checksum: str
    labels: Mapping[str, str]


class WholePut:
    """Puts by ``client``, a store at a named address also past it. For any number of threads."""

    def __init__(self, client: Any, session: Any, *, endpoint: str | None, region: str) -> None:
        self._client = client
        self._region = region
        self._credentials = session.get_credentials()
        self._endpoint = None if endpoint is None or self._credentials is None else endpoint.rstrip("/")
        self._context = {"client_config": client.meta.config}  # says that the body is not signed
        self._connections = client._endpoint.http_session

    def put(self, body: BinaryIO, wanted: Labelled) -> Mapping[str, Any]:
        """What the store says of the object, which did not exist before. Raises botocore's errors."""
        if self._endpoint is not None and wanted.size_bytes <= _DIRECTLY_UP_TO:
            answer = self._directly(self._endpoint, body, wanted)
            if answer is not None:
                return answer
            body.seek(0)
        usual: Mapping[str, Any] = self._client.put_object(
            Bucket=wanted.bucket,
            Key=wanted.key,
            Body=body,
            ContentLength=wanted.size_bytes,
            ChecksumSHA256=wanted.checksum,
            IfNoneMatch="*",
            Metadata=wanted.labels,
        )
        return usual

    def _directly(self, endpoint: str, body: BinaryIO, wanted: Labelled) -> Mapping[str, Any] | None:
        """The same, or None where it is to be found out the usual way what is the matter.

        What breaks while the body is read is raised, and so is ReadTimeoutError, of a store that took the object and
        stays silent: to ask again at once would double its work.
        """
        headers = {
            "Content-Length": str(wanted.size_bytes),
            "If-None-Match": "*",
            "User-Agent": "meridian",
            "x-amz-checksum-sha256": wanted.checksum,
            **{f"x-amz-meta-{name}": value for name, value in wanted.labels.items()},
        }
        url = f"{endpoint}/{wanted.bucket}/{quote(wanted.key, safe='/~')}"
        request = AWSRequest("PUT", url, headers=headers, data=body)
        request.context.update(self._context)
        try:
            S3SigV4Auth(self._credentials.get_frozen_credentials(), "s3", self._region).add_auth(request)
            answer = self._connections.send(request.prepare())
        except _NOT_CONNECTED:
            return None  # such as one that the store has closed meanwhile
        if answer.status_code != _OK:
            return None
        told = {
            "ETag": answer.headers.get("ETag"),
            "ChecksumSHA256": answer.headers.get("x-amz-checksum-sha256"),
            "ChecksumType": answer.headers.get("x-amz-checksum-type"),
        }
        return {name: value for name, value in told.items() if value is not None}
