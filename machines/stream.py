"""The machine of data streams: Rubin's commandable states, a hold beside them, and the configuration as a fact."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from events import stream as words
from events.base import Fact, Request
from events.envelope import Record
from machines.lifecycle import SAME, Lifecycle, Row
from machines.ruling import Accepted, Ask, Refusal, Ruling

__all__ = ["STREAM", "STREAM_LIFE", "Stream", "StreamMachine", "StreamState"]


class StreamState(StrEnum):
    """States of a stream; files are taken in in all of them, worked on in Enabled and Offline."""

    NOTHING = "∅"
    OFFLINE = "Offline"
    STANDBY = "Standby"
    DISABLED = "Disabled"
    ENABLED = "Enabled"
    FAULT = "Fault"


S = StreamState
KNOWN = frozenset(S) - {S.NOTHING}

STREAM_LIFE = Lifecycle(
    StreamState,
    initial=S.NOTHING,
    rows=[
        #   request                 fact                    from                                to
        Row(words.ConfigureStream,  words.StreamConfigured, S.NOTHING,                          S.STANDBY),
        Row(words.ConfigureStream,  words.StreamConfigured, KNOWN,                              SAME),
        Row(words.StartStream,      words.StreamStarted,    S.STANDBY,                          S.DISABLED),
        Row(words.EnableStream,     words.StreamEnabled,    S.DISABLED,                         S.ENABLED),
        Row(words.DisableStream,    words.StreamDisabled,   S.ENABLED,                          S.DISABLED),
        Row(words.StandbyStream,    words.StreamStandby,    {S.DISABLED, S.OFFLINE, S.FAULT},   S.STANDBY),
        Row(words.OfflineStream,    words.StreamOffline,    S.STANDBY,                          S.OFFLINE),
        Row(words.FaultStream,      words.StreamFaulted,    KNOWN - {S.FAULT},                  S.FAULT),
        Row(words.HoldStream,       words.StreamHeld,       KNOWN,                              SAME),
        Row(words.UnholdStream,     words.StreamUnheld,     KNOWN,                              SAME),
        Row(words.RedriveStream,    words.StreamRedriven,   KNOWN,                              SAME),
        Row(words.ReportStreamSilent, words.StreamSilent,   S.ENABLED,                          SAME),
        Row(words.ReportStreamHeard, words.StreamHeard,     S.ENABLED,                          SAME),
    ],
)  # fmt: skip


@dataclass(slots=True)
class Stream:
    """Where a stream stands."""

    state: StreamState = S.NOTHING
    configuration: dict[str, Any] | None = None
    configuration_version: int = 0
    is_held: bool = False
    silences: list[dict[str, Any]] = field(default_factory=list)


class StreamMachine:
    """Subjects are streams' names."""

    name = "stream"
    fold_version = 2
    life = STREAM_LIFE

    def new(self) -> Stream:
        """A stream of which nothing is known."""
        return Stream()

    def decide(self, state: Stream, ask: Ask) -> Ruling:
        """One fact or one refusal with reasons."""
        sources = STREAM_LIFE.sources(type(ask.payload))
        short = ask.payload.name.partition(".")[2]
        if state.state not in sources:
            if state.state is S.NOTHING:
                return _refusal(
                    state, [f"the stream {ask.envelope.subject} is not known; apply its configuration first"]
                )
            return _refusal(state, [f"{short} needs {' or '.join(sources)}, found {state.state}"])
        ruled = _fact(state, ask)
        if isinstance(ruled, str):
            return _refusal(state, [ruled])
        ends = STREAM_LIFE.ends(ruled.name, state.state)
        return Accepted(ruled, None if state.state is S.NOTHING else state.state, ends[0])

    def evolve(self, state: Stream, record: Record) -> None:
        """Fold one fact."""
        state.state = StreamState(str(record.tostate))
        if state.state is not S.ENABLED or record.type == "stream.configured":
            state.silences = []  # nothing is expected of it then, or something else
        match record.type:
            case "stream.configured":
                state.configuration = record.data["configuration"]
                state.configuration_version = record.data["configuration_version"]
            case "stream.held":
                state.is_held = True
            case "stream.unheld":
                state.is_held = False
            case "stream.silent" | "stream.heard":
                state.silences = record.data["silences"]

    def where(self, state: Stream) -> str | None:
        """The state as operations spell it."""
        return None if state.state is S.NOTHING else state.state.value

    def allowed(self, state: Stream) -> tuple[str, ...]:
        """Requests that may be asked now."""
        return STREAM_LIFE.allowed(state.state)

    def dump(self, state: Stream) -> dict[str, Any]:
        """As JSON members."""
        return asdict(state)

    def load(self, dumped: dict[str, Any]) -> Stream:
        """From what ``dump`` gave."""
        return Stream(**{**dumped, "state": StreamState(dumped["state"])})


PLAIN: dict[type[Request], type[Fact]] = {
    words.StartStream: words.StreamStarted,
    words.EnableStream: words.StreamEnabled,
    words.DisableStream: words.StreamDisabled,
    words.StandbyStream: words.StreamStandby,
    words.OfflineStream: words.StreamOffline,
    words.FaultStream: words.StreamFaulted,
}


def _fact(state: Stream, ask: Ask) -> Fact | str:
    request = ask.payload
    if isinstance(request, words.ConfigureStream):
        return _configured(state, ask, request)
    if isinstance(request, words.HoldStream):
        return "the stream is held already" if state.is_held else words.StreamHeld()
    if isinstance(request, words.UnholdStream):
        return words.StreamUnheld() if state.is_held else "the stream is not held"
    if isinstance(request, words.RedriveStream):
        return words.StreamRedriven() if ask.by_person else "redrive needs a reason"
    if isinstance(request, words.ReportStreamSilent | words.ReportStreamHeard):
        return _silence(state, request)
    return PLAIN[type(request)](**dict(request))


def _silence(state: Stream, request: words.ReportStreamSilent | words.ReportStreamHeard) -> Fact | str:
    """One silence a purpose: it begins once, and ends once."""
    others = [
        words.Silence.model_validate(each) for each in state.silences if each["purpose"] != request.purpose
    ]
    was_silent = len(others) < len(state.silences)
    if isinstance(request, words.ReportStreamHeard):
        if not was_silent:
            return f"the stream is not silent for {request.purpose}"
        return words.StreamHeard(**dict(request), silences=tuple(others))
    if was_silent:
        return f"the stream is silent for {request.purpose} already"
    silence = words.Silence(**dict(request))
    return words.StreamSilent(purpose=request.purpose, silences=(*others, silence))


def _configured(state: Stream, ask: Ask, request: words.ConfigureStream) -> Fact | str:
    configuration = request.configuration
    if configuration.stream != ask.envelope.subject:
        return f"found the configuration of {configuration.stream}, wanted that of {ask.envelope.subject}"
    if configuration.model_dump(mode="json", exclude_none=True) == state.configuration:
        return f"this configuration is in force already, as version {state.configuration_version}"
    return words.StreamConfigured(
        configuration=configuration, configuration_version=state.configuration_version + 1
    )


def _refusal(state: Stream, reasons: list[str]) -> Refusal:
    where = None if state.state is S.NOTHING else state.state
    return Refusal(tuple(reasons), where, STREAM_LIFE.allowed(state.state))


STREAM = StreamMachine()
