"""What the outside may say at the door: the inbox types. Intake turns them into requests."""

from typing import ClassVar

from pydantic import Field

from events.base import Payload
from events.types import Sha256, StreamName, UtcTime

__all__ = ["INBOX", "InboxFileArrived", "InboxInstrumentOffline", "InboxInstrumentOnline"]


class InboxFileArrived(Payload):
    """A file is there. Size and checksum are welcome: they are compared with what is read."""

    name: ClassVar[str] = "file.arrived"
    stream: StreamName
    uri: str = Field(
        min_length=1, max_length=4096, examples=["s3://landing/night/r0001.asdf", "file:///landing/a.fits"]
    )
    size_bytes: int | None = Field(None, ge=0)
    sha256: Sha256 | None = None
    modified_at: UtcTime | None = None
    catch_up: bool = Field(False, description="not of tonight: live files go first")


class InboxInstrumentOffline(Payload):
    """The instrument is off; silence on its stream is expected."""

    name: ClassVar[str] = "instrument.offline"
    stream: StreamName
    until: UtcTime | None = None


class InboxInstrumentOnline(Payload):
    """The instrument is back."""

    name: ClassVar[str] = "instrument.online"
    stream: StreamName


INBOX: dict[str, type[Payload]] = {
    cls.name: cls for cls in (InboxFileArrived, InboxInstrumentOffline, InboxInstrumentOnline)
}
