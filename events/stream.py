"""Requests and facts of a data stream: its commandable states, and its configuration as a fact."""

import re
from typing import Any, ClassVar, Literal

from pydantic import Field

from events.base import Fact, Request
from events.metadata_policy import MetadataPolicy, Purpose
from events.preview_policy import Previews
from events.program_policy import ObservingPrograms
from events.refusal import Refused
from events.sidecar_policy import SidecarPolicy
from events.space_policy import SpacePolicy
from events.stream_checks import CheckRules
from events.transfer_policy import TransferPolicy
from events.trust_policy import TrustPolicy
from events.types import Name, Part, Pattern, StreamName, UtcTime

__all__ = [
    "ConfigureStream",
    "Destination",
    "DisableStream",
    "EnableStream",
    "FaultStream",
    "HoldStream",
    "OfflineStream",
    "PatternRule",
    "RedriveStream",
    "ReportStreamHeard",
    "ReportStreamSilent",
    "RetryPolicy",
    "SidecarPolicy",
    "Silence",
    "StandbyStream",
    "StartStream",
    "StreamConfiguration",
    "StreamConfigured",
    "StreamDisabled",
    "StreamEnabled",
    "StreamFaulted",
    "StreamHeard",
    "StreamHeld",
    "StreamOffline",
    "StreamRedriven",
    "StreamRefused",
    "StreamSilent",
    "StreamStandby",
    "StreamStarted",
    "StreamUnheld",
    "UnholdStream",
]


class PatternRule(Part):
    """Names that match ``pattern`` have this ``value`` (a role, a purpose); the first rule that matches counts."""

    pattern: Pattern
    value: Name


class Destination(Part):
    """Where the archive keeps the stream's files. Keys are built by us: stream, name, version, checksum."""

    bucket: Name | None = Field(None, description="None: the site's bucket")
    prefix: str = Field("", pattern=r"^([a-z0-9][a-z0-9._-]*/)*$")


class RetryPolicy(Part):
    """How often a transient failure is tried again, and after how long (seconds, growing by ``factor``)."""

    tries: int = Field(5, ge=0, le=100)
    first_s: float = Field(30.0, gt=0)
    factor: float = Field(2.0, ge=1)
    max_s: float = Field(3600.0, gt=0)


class StreamConfiguration(Part):
    """Everything that differs between streams. Adding a stream is one command with this and no code."""

    stream: StreamName
    title: str = ""
    owner: str = ""
    senders: tuple[Name, ...] = Field((), description="who may announce files of this stream: inbox.<sender>")
    roots: tuple[str, ...] = Field((), description="URI prefixes under which announced files must lie")
    watch_folders: tuple[str, ...] = Field(
        (), description="local folders whose new files are announced by us"
    )
    format: Name = "any"
    formats: tuple[PatternRule, ...] = Field(
        (), description="formats of files by their names, such as JSON sidecars; others are of `format`"
    )
    sidecars: SidecarPolicy | None = Field(
        None,
        description="whether files come with sidecars; None: only those of groups whose rule says so",
    )
    name_pattern: Pattern = r"[A-Za-z0-9][A-Za-z0-9._-]*"
    strip_suffix: bool = Field(True, description="the logical name is the file's name without its extension")
    identity: Name | None = Field(
        None, description="rule of the archive identity, such as koaid; None: no identities"
    )
    membership: Name | None = Field(
        None, description="rule that puts files into groups, such as dkist-dataset; None: into none"
    )
    roles: tuple[PatternRule, ...] = ()
    purposes: tuple[PatternRule, ...] = ()
    checks: tuple[Name, ...] = Field((), description="checks that are critical here; ``qa`` says more of one")
    qa: CheckRules = Field((), description="how checks are judged here")
    destination: Destination = Destination()
    register_table: Name = Field("operations.l2_file", pattern=r"^operations\.[a-z][a-z0-9_]*$")
    changed_content: Literal["new_version", "conflict"] = "new_version"
    same_content: Literal["allow", "warn", "conflict"] = Field(
        "allow", description="of two files with the same bytes the second gets a warning, or is in ERROR"
    )
    retry: RetryPolicy = RetryPolicy()
    large_bytes: int = Field(100_000_000, ge=0, description="files from this size on are class large")
    max_bytes: int = Field(10_000_000_000, gt=0, description="larger files are INVALID")
    class_limits: dict[str, int] = Field(default_factory=dict, description="work items at once, by class")
    trust: TrustPolicy = TrustPolicy()
    observing_day: Literal["utc", "utc-12h", "hawaii"] = "utc"
    transfer: TransferPolicy = TransferPolicy()
    space: SpacePolicy | None = Field(None, description="what is removed by itself; None: nothing is")
    settings: dict[str, Any] = Field(default_factory=dict, description="for the format's own rules")
    metadata: MetadataPolicy = MetadataPolicy()
    previews: Previews | None = Field(None, description="pictures of its files; None: none are made")
    programs: ObservingPrograms | None = Field(
        None, description="how observing programs are worked on; one stream of a site has it"
    )

    def format_of(self, name: str) -> str:
        """The format of a file by its name: the first rule that matches, else the stream's own."""
        return next((each.value for each in self.formats if re.fullmatch(each.pattern, name)), self.format)


class ConfigureStream(Request):
    """Put this configuration in force."""

    name: ClassVar[str] = "stream.configure"
    configuration: StreamConfiguration


class StartStream(Request):
    """Standby → Disabled."""

    name: ClassVar[str] = "stream.start"


class EnableStream(Request):
    """Disabled → Enabled: work goes on."""

    name: ClassVar[str] = "stream.enable"


class DisableStream(Request):
    """Enabled → Disabled: files are taken in and queued, work stops."""

    name: ClassVar[str] = "stream.disable"


class StandbyStream(Request):
    """Disabled, Offline or Fault → Standby."""

    name: ClassVar[str] = "stream.standby"


class OfflineStream(Request):
    """Standby → Offline: silence is expected."""

    name: ClassVar[str] = "stream.offline"
    until: UtcTime | None = None


class FaultStream(Request):
    """Something is wrong with the stream as a whole."""

    name: ClassVar[str] = "stream.fault"
    message: str


class HoldStream(Request):
    """No work on this stream's files for now, whatever its state."""

    name: ClassVar[str] = "stream.hold"


class UnholdStream(Request):
    """Work goes on."""

    name: ClassVar[str] = "stream.unhold"


class RedriveStream(Request):
    """Give work on this stream that was parked, such as making its topics, another try."""

    name: ClassVar[str] = "stream.redrive"


class Silence(Part):
    """No file for this purpose: since when one was expected or the last one came, and how often there should be one."""

    purpose: Purpose
    since_at: UtcTime
    last_at: UtcTime | None = Field(None, description="None: none for a long time")
    every_s: float


class ReportStreamSilent(Request):
    """A file for this purpose was expected and has not come."""

    name: ClassVar[str] = "stream.silent"
    purpose: Purpose
    since_at: UtcTime
    last_at: UtcTime | None = None
    every_s: float


class ReportStreamHeard(Request):
    """A file for this purpose has come again."""

    name: ClassVar[str] = "stream.heard"
    purpose: Purpose
    heard_at: UtcTime


class StreamConfigured(Fact):
    """This configuration is in force; ``configuration_version`` counts them from 1."""

    name: ClassVar[str] = "stream.configured"
    configuration: StreamConfiguration
    configuration_version: int = Field(ge=1)


class StreamStarted(Fact):
    """Standby → Disabled."""

    name: ClassVar[str] = "stream.started"


class StreamEnabled(Fact):
    """The stream's files are worked on."""

    name: ClassVar[str] = "stream.enabled"


class StreamDisabled(Fact):
    """The stream's files are queued, not worked on."""

    name: ClassVar[str] = "stream.disabled"


class StreamStandby(Fact):
    """The stream is ready to be started."""

    name: ClassVar[str] = "stream.standby"


class StreamOffline(Fact):
    """Silence is expected, until then."""

    name: ClassVar[str] = "stream.offline"
    until: UtcTime | None = None


class StreamFaulted(Fact):
    """Something is wrong with the stream as a whole."""

    name: ClassVar[str] = "stream.faulted"
    message: str


class StreamHeld(Fact):
    """No work on this stream's files."""

    name: ClassVar[str] = "stream.held"


class StreamUnheld(Fact):
    """Work goes on."""

    name: ClassVar[str] = "stream.unheld"


class StreamRedriven(Fact):
    """Work on the stream that was parked has another try."""

    name: ClassVar[str] = "stream.redriven"


class StreamSilent(Fact):
    """A file for this purpose was expected and has not come. ``silences``: all that stand now."""

    name: ClassVar[str] = "stream.silent"
    purpose: Purpose
    silences: tuple[Silence, ...]


class StreamHeard(Fact):
    """A file for this purpose has come again. ``silences``: those that still stand."""

    name: ClassVar[str] = "stream.heard"
    purpose: Purpose
    heard_at: UtcTime
    silences: tuple[Silence, ...]


class StreamRefused(Refused):
    """A request about a stream was refused; nothing changes."""

    name: ClassVar[str] = "stream.refused"
