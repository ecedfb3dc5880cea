"""Delivery by Globus: a transfer from the collection that sees the products to the one that keeps them."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from consumers.breakers import GLOBUS
from consumers.delivery import Delivered, Parcel
from consumers.failures import Failed, Wait
from events.ids import derived_id
from events.program_policy import GlobusPlace

if TYPE_CHECKING:
    from globus_sdk import TransferClient

__all__ = ["GlobusDelivery", "transfer_client"]

_PATIENCE_S, _LOOK_S = 60.0, 1.0
_UNDER_WAY = frozenset({"ACTIVE", "INACTIVE"})
_SAID = 500
_TOO_EARLY, _TOO_MANY, _SERVER, _MISSING = 425, 429, 500, 404
_AUTHORITY = frozenset({401, 403})


def transfer_client(client_id: str, client_secret: str) -> "TransferClient":
    """For a site that is registered with Globus as an application."""
    from globus_sdk import ClientCredentialsAuthorizer, ConfidentialAppAuthClient, TransferClient
    from globus_sdk.scopes import TransferScopes

    application = ConfidentialAppAuthClient(client_id, client_secret)
    return TransferClient(authorizer=ClientCredentialsAuthorizer(application, TransferScopes.all))


class GlobusDelivery:
    """One collection. Each product is a task of its own, named by its key and sum, so that it is never asked twice.

    Globus verifies the checksum of what arrived; a product under the same key with another size is never overwritten.
    """

    def __init__(
        self,
        client: "TransferClient",
        place: GlobusPlace,
        *,
        patience_s: float = _PATIENCE_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._place = place
        self._looks = max(1, round(patience_s / _LOOK_S))
        self._pause = pause

    def deliver(self, parcel: Parcel) -> Delivered:
        source, target = self._source_of(parcel), f"{self._place.destination_path}{parcel.key}"
        uri = f"globus://{self._place.destination}{target}"
        existed = self._size_at(target)
        if existed is None:
            self._transferred(self._task_for(parcel, source, target), uri)
        found = self._size_at(target) if existed is None else existed
        if found != parcel.size_bytes:
            told = f"found {found} bytes, wanted {parcel.size_bytes}"
            raise Failed(
                "GLOBUS_COPY_BAD", "data", f"{uri}: {told}; nothing was overwritten: look at what lies there"
            )
        return Delivered(uri, parcel.size_bytes, existed is not None)

    def _source_of(self, parcel: Parcel) -> str:
        root = self._place.source_root
        if not parcel.uri.startswith(root):
            message = f"{parcel.uri}: wanted a product below {root}, which is what the source collection sees"
            raise Failed("GLOBUS_SOURCE_UNSEEN", "data", message, found=parcel.uri, wanted=root)
        steps = unquote(parcel.uri.removeprefix(root)).split("/")
        if any(each in {"", ".", ".."} for each in steps):
            message = f"{parcel.uri}: found a step that leads elsewhere, wanted plain steps below {root}"
            raise Failed("GLOBUS_SOURCE_UNSEEN", "data", message, found=parcel.uri, wanted=root)
        return f"/{'/'.join(steps)}"

    def _size_at(self, target: str) -> int | None:
        """Bytes of what lies there; None where nothing does."""
        from globus_sdk import GlobusAPIError

        try:
            found = self._asked(lambda: self._client.operation_stat(self._place.destination, target))
        except GlobusAPIError as error:
            if error.http_status == _MISSING:
                return None
            raise Failed("GLOBUS_REFUSED", "data", _told(error)) from error
        return int(found["size"])

    def _task_for(self, parcel: Parcel, source: str, target: str) -> str:
        """The task that is under way already, or a new one."""
        from globus_sdk import TransferData

        label = derived_id(derived_id(parcel.sha256, target), self._place.destination)
        listed = self._taken(lambda: self._client.task_list(filter={"label": label, "type": "TRANSFER"}))
        for task in cast("list[dict[str, Any]]", listed["DATA"]):
            if task["status"] != "FAILED":
                return str(task["task_id"])
        asked = TransferData(
            self._place.source, self._place.destination, label=label, verify_checksum=True, notify_on_succeeded=False,
            notify_on_failed=False, fail_on_quota_errors=True,
        )  # fmt: skip
        asked.add_item(source, target)
        return str(self._taken(lambda: self._client.submit_transfer(asked))["task_id"])

    def _transferred(self, task: str, uri: str) -> None:
        """Once the task has ended well. It goes on without us where our patience ends first."""
        for look in range(self._looks):
            if look:
                self._pause(_LOOK_S)
            found = self._taken(lambda: self._client.get_task(task))
            status = str(found["status"])
            if status == "SUCCEEDED":
                return
            if status not in _UNDER_WAY:
                why = (
                    found.get("nice_status_details")
                    or (found.get("fatal_error") or {}).get("description")
                    or status
                )
                raise Failed("GLOBUS_FAILED", "transient", f"{uri}: task {task} ended in {status}: {why}")
        message = f"{uri}: task {task} is under way; it is looked at again"
        raise Wait(None, "GLOBUS_UNDER_WAY", message, pause_s=10.0)

    def _taken(self, ask: Callable[[], Any]) -> Mapping[str, Any]:
        from globus_sdk import GlobusAPIError

        try:
            return self._asked(ask)
        except GlobusAPIError as error:
            code = "GLOBUS_NOT_ALLOWED" if error.http_status in _AUTHORITY else "GLOBUS_REFUSED"
            raise Failed(code, "data", f"{_told(error)}; mend what it names, then recover") from error

    def _asked(self, ask: Callable[[], Any]) -> Mapping[str, Any]:
        """Raises Wait where Globus does not answer, GlobusAPIError where it does not want this."""
        from globus_sdk import GlobusAPIError, NetworkError

        try:
            return cast("Mapping[str, Any]", ask().data)
        except NetworkError as error:
            raise Wait(GLOBUS, "GLOBUS_UNAVAILABLE", f"Globus: no answer ({error})") from error
        except GlobusAPIError as error:
            if error.http_status >= _SERVER or error.http_status in {_TOO_EARLY, _TOO_MANY}:
                raise Wait(GLOBUS, "GLOBUS_UNAVAILABLE", _told(error)) from error
            raise


def _told(error: Any) -> str:
    return f"Globus answered {error.http_status} {error.code}: {str(error.message)[:_SAID]}"
