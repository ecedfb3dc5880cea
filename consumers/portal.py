"""The metadata store, asked by HTTP: each announcement has an idempotency key, and counts once it is acknowledged."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

from consumers.breakers import PORTAL
from consumers.failures import Failed, Wait

__all__ = ["Portal"]

_PATIENCE_S = 20.0
_ANSWER_AT_MOST = 1024 * 1024
_SAID = 500
_BUSY = {http.client.REQUEST_TIMEOUT, http.client.TOO_EARLY, http.client.TOO_MANY_REQUESTS}
_NEVER = {http.client.NOT_IMPLEMENTED, http.client.HTTP_VERSION_NOT_SUPPORTED}
"""Of the server's errors those that waiting does not mend; waited for, they would hold up all publications."""


class Portal:
    """One metadata store. Every call may be made again: the store knows a key that it has seen.

    Raises Wait where the store does not answer, or says that it can't now; Failed where it does not want this.
    """

    def __init__(self, url: str, *, patience_s: float = _PATIENCE_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or parts.hostname is None:
            raise Failed(
                "PORTAL_UNUSABLE", "data", f"found the metadata store {url!r}, wanted http(s)://host/…"
            )
        self._url = url.rstrip("/")
        self._host, self._port, self._secure = parts.hostname, parts.port, parts.scheme == "https"
        self._path = parts.path.rstrip("/")
        self._patience_s = patience_s

    def uri_of(self, acknowledgement: str) -> str:
        """Where the store shows the publication."""
        return f"{self._url}/publications/{quote(acknowledgement, safe='')}"

    def announce(self, publication: dict[str, Any], *, key: str) -> str:
        """The store's own id of the publication: its acknowledgement."""
        return self._id(self._ask("POST", "/publications", publication, key))

    def withdraw(self, acknowledgement: str, why: dict[str, Any], *, key: str) -> str:
        """The store's word that the publication is no longer shown."""
        place = f"/publications/{quote(acknowledgement, safe='')}/withdrawal"
        return self._id(self._ask("POST", place, why, key))

    def embargo(self, acknowledgement: str, embargo: dict[str, Any], *, key: str) -> None:
        """Whom the publication is for from now on."""
        self._ask("PUT", f"/publications/{quote(acknowledgement, safe='')}/embargo", embargo, key)

    def _ask(self, method: str, place: str, body: dict[str, Any], key: str) -> Any:
        what = f"{method} {self._url}{place}"
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._patience_s)
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Idempotency-Key": key}
        try:
            connection.request(method, self._path + place, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            status, content = answer.status, answer.read(_ANSWER_AT_MOST)
        except (OSError, http.client.HTTPException) as error:
            message = f"{what}: no answer ({type(error).__name__}: {error}); asked again once it answers"
            raise Wait(PORTAL, "PORTAL_UNAVAILABLE", message) from error
        finally:
            connection.close()
        said = content.decode("utf-8", errors="replace")[:_SAID]
        if status in _BUSY or (status >= http.client.INTERNAL_SERVER_ERROR and status not in _NEVER):
            raise Wait(PORTAL, "PORTAL_UNAVAILABLE", f"{what}: answered {status}: {said}")
        if status >= http.client.MULTIPLE_CHOICES:
            message = f"{what}: answered {status}: {said}; mend what it names, then recover"
            raise Failed(
                "PORTAL_REFUSED",
                "data",
                message,
                found=f"{status}: {said}",
                wanted="an acknowledgement (2xx)",
            )
        try:
            return json.loads(content) if content else None
        except ValueError as error:
            message = f"{what}: answered {status} with what is no JSON: {said}"
            raise Failed("PORTAL_UNCLEAR", "transient", message) from error

    def _id(self, answer: Any) -> str:
        found = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(found, str | int) or not str(found):
            message = f"{self._url}: acknowledged without an id of its own, found {str(answer)[:_SAID]}"
            raise Failed("PORTAL_UNCLEAR", "transient", message, wanted='{"id": …}')
        return str(found)
