"""What the outside may say at the door: the inbox types. Intake turns them into requests."""

from typing import Any, ClassVar

from pydantic import Field

from events.base import Payload
from events.group import MEMBERS_AT_MOST, Kind
from events.types import Count, Name, Sha256, StreamName, UtcTime

__all__ = [
    "INBOX",
    "Inbox",
    "InboxDatasetChanged",
    "InboxFileArrived",
    "InboxFilesExpected",
    "InboxInstrumentOffline",
    "InboxInstrumentOnline",
    "InboxOpReady",
]


class Inbox(Payload):
    """What somebody outside says."""

    @classmethod
    def schema_id(cls) -> str:
        """The path of its JSON Schema; a fact of the same name is another message with another one."""
        return f"/schemas/inbox/{cls.name}/{cls.version}"


class InboxFileArrived(Inbox):
    """A file is there. Size and checksum are welcome: they are compared with what is read."""

    name: ClassVar[str] = "file.arrived"
    stream: StreamName
    uri: str = Field(
        min_length=1, max_length=4096, examples=["s3://landing/night/r0001.asdf", "file:///landing/a.fits"]
    )
    size_bytes: Count | None = None
    sha256: Sha256 | None = None
    modified_at: UtcTime | None = None
    catch_up: bool = Field(False, description="not of tonight: live files go first")


class InboxInstrumentOffline(Inbox):
    """The instrument is off; silence on its stream is expected."""

    name: ClassVar[str] = "instrument.offline"
    stream: StreamName
    until: UtcTime | None = None


class InboxInstrumentOnline(Inbox):
    """The instrument is back."""

    name: ClassVar[str] = "instrument.online"
    stream: StreamName


class InboxOpReady(Inbox):
    """An observing program, or one of its instrument programs, is whole, as the sender says."""

    name: ClassVar[str] = "op.ready"
    stream: StreamName = Field(description="the stream that is the home of observing programs")
    op: Name = Field(description="the observing program's execution id", examples=["eid_1_118"])
    program: Name | None = Field(None, description="None: all of its instrument programs")
    expected_datasets: Count | None = Field(
        None, ge=0, description="how many belong to it; it closes when they are there"
    )
    message: str | None = Field(None, max_length=1000)


class InboxDatasetChanged(Inbox):
    """A metadata store has a dataset's record anew, or has it no longer: what a scan would find, told at once."""

    name: ClassVar[str] = "dataset.changed"
    stream: StreamName = Field(description="the stream that is the home of observing programs")
    record: dict[str, Any] = Field(
        description="the inventory record as the store answers it; it has at least datasetId and "
        "observingProgramExecutionId",
    )
    gone: bool = Field(
        False, description="the store has it no longer; the record names the program it was in"
    )


class InboxFilesExpected(Inbox):
    """A manifest: the files that an exposure, a dataset or a delivery will have. Count them, or name the sensors."""

    name: ClassVar[str] = "files.expected"
    stream: StreamName
    group: Name = Field(description="its id within the stream", examples=["MC_O_20261121_000034"])
    kind: Kind = "exposure"
    files: int | None = Field(None, ge=1, le=MEMBERS_AT_MOST)
    sensors: tuple[Name, ...] = Field(
        (), max_length=1000, description="such as R22_S11; guiders come all the same"
    )
    due_at: UtcTime | None = None


INBOX: dict[str, type[Payload]] = {
    cls.name: cls
    for cls in (
        InboxDatasetChanged,
        InboxFileArrived,
        InboxFilesExpected,
        InboxInstrumentOffline,
        InboxInstrumentOnline,
        InboxOpReady,
    )
}
